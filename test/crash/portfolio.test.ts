/** The example portfolio, killed at every point of every step of its first `up`, of changes to it and of `destroy`. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { readConfig } from "../../provisioner/config/read.ts";
import type { ConfigFile } from "../../provisioner/config/read.ts";
import { crashMatrix, printMatrix } from "./matrix.ts";
import type { MatrixInput } from "./matrix.ts";
import { parseModel } from "./portfolio-model.ts";
import { desirePortfolio, hiderAmong } from "./portfolio.ts";
import type { Portfolio } from "./portfolio.ts";
import { makeScene, run, runOnce } from "./site.ts";
import type { Scene } from "./site.ts";

const CONFIG = join(import.meta.dirname, "../../examples/portfolio/croft.yaml");
const nothing = { addresses: {}, hosts: [], resources: [] };

const release = (id: string) => ({ id, file: `/var/cache/croft/releases/${id}.tar`, sizeBytes: 1000 });
const migration = (name: string) => ({ name, sql: `create table ${name} ()`, sha256: `hash of ${name}` });
const releases = (version: number) => ({
  "portfolio-api": release(`api-${version}`),
  "portfolio-site": release(`site-${version}`),
  "portfolio-cms": release(`cms-${version}`),
});

/** Somebody new may do something new, with a front end and a bucket of their own. */
const GROWN: readonly (readonly [string, string])[] = [
  ["buckets: { media:", "buckets: { drafts: {}, media:"],
  ["roles: [portfolio-admin]\n", "roles: [portfolio-admin, reader]\n"],
  [
    "clients: { portfolio: { redirects: [",
    'clients: { desk: { redirects: ["https://desk.portfolio.test/*"] }, portfolio: { redirects: ["https://www.portfolio.test/*", ',
  ],
  ["testUsers: { editor: { roles: [", "testUsers: { guest: { roles: [reader] }, editor: { roles: [reader, "],
];

const grow = (file: ConfigFile): ConfigFile => {
  const text = GROWN.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`the example does not say ${from}`);
    return before.replace(from, to);
  }, new TextDecoder().decode(file.bytes));
  return { ...file, bytes: new TextEncoder().encode(text) };
};

const ROTATED = Object.fromEntries(
  ["app/portfolio/api-key", "objects/portfolio/media", "objects/admin", "gateway/gate-cookie", "identity/user/portfolio/editor"].map(
    (name) => [`secret/${name}`, 1],
  ),
);

let up: Scene;
let deploy: Scene;
let grown: Scene;
let shrunk: Scene;
let destroy: Scene;
beforeAll(async () => {
  const file = await readConfig(CONFIG);
  const migrations = { portfolio: [migration("0001_profile"), migration("0002_project")] };
  const first: Portfolio = { model: parseModel(file), releases: releases(1), migrations };
  const larger: Portfolio = { ...first, model: parseModel(grow(file)) };
  const all = desirePortfolio(larger, nothing).resources;
  up = { ...makeScene([], all, hiderAmong(all)), portfolio: first };
  deploy = {
    ...up,
    portfolio: { ...first, releases: releases(2), migrations: { portfolio: [...migrations.portfolio, migration("0003_spotlight")] } },
  };
  grown = { ...up, portfolio: { ...larger, rotations: ROTATED } };
  shrunk = { ...up, portfolio: { ...first, rotations: ROTATED }, options: { allowDestroy: ["bucket/portfolio-drafts"] } };
  destroy = makeScene([], all, hiderAmong(all), { destroy: true });
});

const prepare =
  (scene: () => Scene) =>
  async (folder: string): Promise<void> =>
    void (await run(folder, scene()));
const prepareUp = prepare(() => up);

/** @returns the steps that were killed */
const expectAll = async (title: string, input: MatrixInput): Promise<readonly string[]> => {
  const cells = await crashMatrix(input);
  console.log(printMatrix(title, cells));
  expect(cells.length).toBeGreaterThan(10);
  expect(cells.flatMap(({ step, point, problem }) => (problem === undefined ? [] : [`${step}:${point}: ${problem}`]))).toEqual([]);
  return [...new Set(cells.map(({ step }) => step))];
};

test("up", async () => {
  expect(await expectAll("portfolio, up", { scene: up })).toEqual(
    expect.arrayContaining([
      "object-store/objects",
      "bucket/portfolio-media",
      "bucket-key/portfolio-media",
      "identity-admin/croft",
      "identity-realm/portfolio",
      "identity-role/portfolio/portfolio-admin",
      "identity-client/portfolio/portfolio",
      "identity-user/portfolio/editor",
      "slot/edge/gate",
      "slot/edge/gateway-keys",
      "static/portfolio-site",
      "static/portfolio-cms",
    ]),
  );
});

test("a deployment with a migration", () => expectAll("portfolio, deploy", { scene: deploy, prepare: prepareUp }));

const API_KEY = "app/portfolio/api-key";
test("a rotation of the API key, from its first phase", () =>
  expectAll("portfolio, rotate api-key", { scene: { ...up, rotate: API_KEY }, prepare: prepareUp }));

const twoPhasesOf =
  (secret: string) =>
  async (folder: string): Promise<void> => {
    await prepareUp(folder);
    for (const scene of [{ ...up, rotate: secret }, up]) await runOnce(folder, scene, {});
  };

test("the last phase of a rotation: whoever comes after a kill finishes it by an ordinary run", () =>
  expectAll("portfolio, rotate api-key, last phase", { scene: up, prepare: twoPhasesOf(API_KEY) }));

test("the last phase for a database's password, in which a login goes", () =>
  expectAll("portfolio, rotate database, last phase", { scene: up, prepare: twoPhasesOf("postgres/portfolio/rw") }));

test("a bucket, a role, a client and somebody more, and new keys", async () => {
  expect(await expectAll("portfolio, grown", { scene: grown, prepare: prepareUp })).toEqual(
    expect.arrayContaining([
      "bucket/portfolio-drafts",
      "bucket-key/portfolio-drafts",
      "bucket-key/portfolio-media",
      "slot/data/objects-identity",
      "identity-role/portfolio/reader",
      "identity-client/portfolio/desk",
      "identity-client/portfolio/portfolio",
      "identity-user/portfolio/editor",
      "identity-user/portfolio/guest",
      "slot/edge/gate",
      "slot/edge/gateway-keys",
    ]),
  );
});

test("the same taken away again", async () => {
  expect(await expectAll("portfolio, shrunk", { scene: shrunk, prepare: prepare(() => grown) })).toEqual(
    expect.arrayContaining([
      "bucket/portfolio-drafts",
      "bucket-key/portfolio-drafts",
      "identity-role/portfolio/reader",
      "identity-client/portfolio/desk",
      "identity-user/portfolio/guest",
    ]),
  );
});

test("destroy", () => expectAll("portfolio, destroy", { scene: destroy, prepare: prepareUp }));
