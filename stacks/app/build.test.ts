/** Builds in real folders with real commands. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BuiltRelease } from "../../provisioner/model/contribution.ts";
import type { Workload } from "../../provisioner/model/types.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";
import { buildReleases, readMigrations } from "./build.ts";
import { api, modelWith, page } from "./testing/model.fixture.ts";

let folder: string;
let told: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "croft-build-"));
  told = [];
  write("api/server.js", "one");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (path: string, text: string): void => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
};

const built: Workload = { ...api, build: "mkdir -p dist && cp server.js dist/ && echo ran >> ../runs", output: "dist" };
const build = (workloads: readonly Workload[], cache = "cache"): Promise<Readonly<Record<string, BuiltRelease>>> =>
  buildReleases(
    {
      shell: makeLocalShell(),
      cache: { releases: join(folder, cache, "releases"), builds: join(folder, cache, "builds") },
      onBuild: (text) => told.push(text),
    },
    modelWith({ workloads }, { folder }),
  );
const buildApi = async (workload: Workload = built, cache?: string): Promise<BuiltRelease> =>
  (await build([workload], cache))["shop-api"] as BuiltRelease;

describe("builds", () => {
  test("happen once for a source", async () => {
    const first = await buildApi();
    expect(await buildApi()).toEqual(first);
    expect(told).toEqual([`building shop-api: ${built.build}`]);
  });

  test("happen again when the source, a lock file above it or the command changed", async () => {
    const first = await buildApi();
    write("package-lock.json", "{}");
    expect((await buildApi()).id).toBe(first.id);
    write("api/server.js", "two");
    expect((await buildApi()).id).not.toBe(first.id);
    write("api/.env.production", "A=1");
    await buildApi();
    await buildApi({ ...built, build: `${built.build}; true` });
    expect(told).toHaveLength(5);
  });

  test("do not happen again for what builds write: output, packages, hidden caches", async () => {
    await buildApi();
    write("api/dist/old.js", "");
    write("api/node_modules/a/index.js", "");
    write("api/.cache/a", "");
    symlinkSync("a", join(folder, "api/node_modules/.bin"));
    await buildApi();
    expect(told).toHaveLength(1);
  });

  test("find programs of the packages beside and above the source, the nearest first", async () => {
    for (const [place, word] of [
      ["api/node_modules/.bin/near", "near"],
      ["node_modules/.bin/near", "far"],
      ["node_modules/.bin/above", "above"],
    ] as const) {
      write(place, `#!/bin/sh\necho ${word}\n`);
      chmodSync(join(folder, place), 0o755);
    }
    await buildApi({ ...built, build: "mkdir dist && near > dist/said && above >> dist/said && cp dist/said ../said" });
    expect(readFileSync(join(folder, "said"), "utf8")).toBe("near\nabove\n");
  });

  test("happen again where the cached release or its note is lost or broken", async () => {
    const first = await buildApi();
    rmSync(first.file);
    expect(await buildApi()).toEqual(first);
    const notes = join(folder, "cache/builds");
    for (const note of readdirSync(notes)) writeFileSync(join(notes, note), "{");
    expect(await buildApi()).toEqual(first);
    expect(told).toHaveLength(3);
  });

  test("give the same bytes each time", async () => {
    chmodSync(join(folder, "api/server.js"), 0o755);
    const [first, second] = [await buildApi(built, "cache-1"), await buildApi(built, "cache-2")];
    expect(second.id).toBe(first.id);
    expect(readFileSync(second.file).equals(readFileSync(first.file))).toBe(true);
    expect(first.sizeBytes).toBe(readFileSync(first.file).length);
  });

  test("that fail say how, with the last lines", async () => {
    const error = buildApi({ ...built, build: "seq 100; echo 'no such type' >&2; exit 3" });
    await expect(error).rejects.toMatchObject({
      code: "BUILD_FAILED",
      message: "building shop-api failed (exit 3): seq 100; echo 'no such type' >&2; exit 3",
    });
    const { tail } = (await error.catch((cause: unknown) => cause)) as { tail: string };
    expect(tail.split("\n")).toHaveLength(20);
    expect(tail).toMatch(/\n100\n+no such type$/);
  });

  test.each([
    ["nothing", "true", "is not there"],
    ["an empty folder", "mkdir -p dist", "is empty"],
    ["a symlink", "mkdir -p dist && ln -sf /etc/passwd dist/link", "neither a file nor a folder"],
    ["a pipe", "mkdir -p dist && mkfifo dist/pipe", "neither a file nor a folder"],
  ])("that leave %s are refused", async (_, command, message) => {
    await expect(buildApi({ ...built, build: command })).rejects.toThrow(message);
  });

  test("of one folder run one after the other", async () => {
    const slow = "test ! -e busy && touch busy && sleep 0.2 && mkdir -p dist && cp server.js dist/ && rm busy";
    const workloads = ["api", "worker"].map((name): Workload => ({ ...built, name, build: slow }));
    expect(Object.keys(await build(workloads))).toEqual(["shop-api", "shop-worker"]);
  });
});

describe("without a build", () => {
  test("the source is the release, hidden files too, packages not", async () => {
    write("page/index.html", "<p>");
    write("page/.well-known/security.txt", "one");
    write("page/node_modules/a.js", "");
    const first = (await build([page]))["shop-page"];
    write("page/.well-known/security.txt", "two");
    const second = (await build([page]))["shop-page"];
    expect(second?.id).not.toBe(first?.id);
    const names = readFileSync(second?.file ?? "", "latin1").match(/[\w./-]+\.(html|txt|js)/g);
    expect(names).toEqual([".well-known/security.txt", "index.html"]);
  });
});

test("the lock file that the first run writes makes no other release", async () => {
  write("page/index.html", "<p>");
  const first = (await build([page]))["shop-page"];
  write("page/croft.lock", "{}");
  expect((await build([page]))["shop-page"]?.id).toBe(first?.id);
});

test("migrations are read in order; down files and others are left out", async () => {
  for (const name of ["0002_b.up.sql", "0001_a.up.sql", "0001_a.down.sql", "README.md"]) write(`sql/${name}`, name);
  const read = await readMigrations(modelWith({ database: { name: "shop", migrations: "sql" } }, { folder }));
  expect(read["shop"]?.map(({ name, sql }) => [name, sql])).toEqual([
    ["0001_a", "0001_a.up.sql"],
    ["0002_b", "0002_b.up.sql"],
  ]);
  expect(read["shop"]?.[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
});
