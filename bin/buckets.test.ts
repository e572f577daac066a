/** A whole site whose only way in is a bucket: what its machines are told, what the gateway may do, and that it can be put in order. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { advanceRotations, beginRotation } from "../provisioner/model/rotation.ts";
import { findCycle } from "../provisioner/plan/graph.ts";
import type { Resource } from "../provisioner/plan/resource.ts";
import { emptyState } from "../provisioner/state/store.ts";
import type { State } from "../provisioner/state/store.ts";
import { parseModel } from "../test/crash/portfolio-model.ts";
import { SITE_ID, desirePortfolio } from "../test/crash/portfolio.ts";
import { readPrograms } from "./programs.ts";
import { makeVersions } from "./site.ts";

const siteOn = (machine: string, route = "bucket: media, prefix: public, notFound: 404.html"): string => `version: 1
site: files
domain: files.test
machines:
  edge: { memory: 1GiB, disks: { objects: 1GiB } }
  data: { memory: 1GiB, disks: { objects: 1GiB } }
services:
  gateway: { machine: edge }
  objects: { machine: ${machine}, disk: objects }
apps:
  shop:
    buckets: { media: {}, other: {} }
    workloads: { page: { kind: static, source: page } }
    routes:
      - { host: files, ${route} }
`;

const desire = (text: string, state: State = emptyState(SITE_ID)) => {
  const model = parseModel({ file: "croft.yaml", folder: "/srv/site", bytes: Buffer.from(text) });
  const page = { id: "page-1", file: "/var/cache/croft/releases/page-1.tar", sizeBytes: 1000 };
  return desirePortfolio({ model, releases: { "shop-page": page }, migrations: {} }, state);
};
const found = (resources: readonly Resource[], id: string): Resource | undefined => resources.find((resource) => resource.id === id);
const filesOf = (resources: readonly Resource[], id: string): Readonly<Record<string, string>> => {
  const { files = {} } = (found(resources, id)?.payload ?? {}) as { files?: Readonly<Record<string, string>> };
  return files;
};

test("the gate is there without any sign-in, with a key of its own", () => {
  const { resources } = desire(siteOn("data"));
  expect(filesOf(resources, "slot/edge/gate")).toMatchObject({
    "bucket-shop-media": "shop-media_r {{secret objects/shop/media/reader used}}\n",
  });
  expect(found(resources, "slot/edge/gate")?.needs).toContain("secret/objects/shop/media/reader");
  expect(JSON.parse(String(found(resources, "bucket-key/shop-media_r")?.spec["policy"]))).toMatchObject({
    Statement: [
      { Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::shop-media/public/*"] },
      { Action: ["s3:ListBucket"], Resource: ["arn:aws:s3:::shop-media"] },
    ],
  });
  expect(resources.filter(({ kind }) => kind === "bucket-key").map(({ id }) => id)).toEqual([
    "bucket-key/shop-media",
    "bucket-key/shop-media_r",
    "bucket-key/shop-other",
  ]);
});

test("a site without such a route has neither the key nor the gate", () => {
  const { resources } = desire(siteOn("data", "to: page"));
  expect(resources.filter(({ id }) => /reader|_r$|\/gate$/.test(id))).toEqual([]);
});

test.each(["edge", "data"])("with the store on %s nothing waits for itself", (machine) => {
  const { resources } = desire(siteOn(machine));
  expect(findCycle(new Map(resources.map(({ id, needs }) => [id, needs])))).toBeUndefined();
  expect(found(resources, "slot/edge/gate")).toBeDefined();
});

test("while the gateway's key is rotated, the store takes what the gate shows", () => {
  const secret = "objects/shop/media/reader";
  const added = beginRotation(emptyState(SITE_ID), secret, false);
  const states = [emptyState(SITE_ID), added, advanceRotations(added), advanceRotations(advanceRotations(added))];
  const phases = states.map((state) => {
    const { resources } = desire(siteOn("data"), state);
    const versions = makeVersions({ ...state, siteId: SITE_ID, recorded: new Map() });
    const shown = (filesOf(resources, "slot/edge/gate")["bucket-shop-media"] ?? "").trim();
    const takes = resources
      .filter(({ id }) => id.startsWith("bucket-key/shop-media_"))
      .map(({ spec }) => `${String(spec["key"])} ${String(spec["secret"])}`);
    return { takes, shows: shown.replace(/\{\{secret ([^}]+)\}\}/, (_, reference: string) => versions.of("secret", reference)) };
  });
  expect(phases.map(({ takes }) => takes.length)).toEqual([1, 2, 2, 1]);
  expect(new Set(phases.map(({ shows }) => shows)).size).toBe(2);
  phases.forEach(({ takes, shows }, index) => {
    for (const phase of [takes, ...phases.slice(index + 1, index + 2).map((next) => next.takes)]) expect(phase).toContain(shows);
  });
});

test("the gate runs as it is sent to machines: every file it imports is there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "croft-program-"));
  try {
    for (const [path, text] of Object.entries((await readPrograms())["gate"] ?? {})) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const missing = join(folder, "no-such-config.json");
    const { stderr } = spawnSync(process.execPath, [join(folder, "main.ts"), missing], { encoding: "utf8" });
    expect(stderr).toContain(`ENOENT: no such file or directory, open '${missing}'`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
