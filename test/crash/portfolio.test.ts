/** The example portfolio, killed at every point of every step of its first `up`, of a deployment and of `destroy`. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { readConfig } from "../../provisioner/config/read.ts";
import { crashMatrix, printMatrix } from "./matrix.ts";
import type { MatrixInput } from "./matrix.ts";
import { desirePortfolio, hiderAmong, parseModel } from "./portfolio.ts";
import type { Portfolio } from "./portfolio.ts";
import { makeScene, run, runOnce } from "./site.ts";
import type { Scene } from "./site.ts";

const CONFIG = join(import.meta.dirname, "../../examples/portfolio/croft.yaml");
const nothing = { addresses: {}, hosts: [], resources: [] };

const release = (id: string) => ({ id, file: `/var/cache/croft/releases/${id}.tar`, sizeBytes: 1000 });
const migration = (name: string) => ({ name, sql: `create table ${name} ()`, sha256: `hash of ${name}` });

let up: Scene;
let deploy: Scene;
let destroy: Scene;
beforeAll(async () => {
  const model = parseModel(await readConfig(CONFIG));
  const first: Portfolio = {
    model,
    releases: { "portfolio-api": release("api-1"), "portfolio-site": release("site-1") },
    migrations: { portfolio: [migration("0001_profile"), migration("0002_project")] },
  };
  const second: Portfolio = {
    model,
    releases: { "portfolio-api": release("api-2"), "portfolio-site": release("site-2") },
    migrations: { portfolio: [...(first.migrations["portfolio"] ?? []), migration("0003_spotlight")] },
  };
  const { resources } = desirePortfolio(first, nothing);
  const hiddenBy = hiderAmong(resources);
  up = { ...makeScene([], resources, hiddenBy), portfolio: first };
  deploy = { ...up, portfolio: second };
  destroy = makeScene([], resources, hiddenBy, { destroy: true });
});

const prepareUp = async (folder: string): Promise<void> => void (await run(folder, up));

const expectAll = async (title: string, input: MatrixInput): Promise<void> => {
  const cells = await crashMatrix(input);
  console.log(printMatrix(title, cells));
  expect(cells.length).toBeGreaterThan(20);
  expect(cells.flatMap(({ step, point, problem }) => (problem === undefined ? [] : [`${step}:${point}: ${problem}`]))).toEqual([]);
};

test("up", () => expectAll("portfolio, up", { scene: up }));

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

test("destroy", () => expectAll("portfolio, destroy", { scene: destroy, prepare: prepareUp }));
