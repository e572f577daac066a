/** A site on SeaweedFS: as its owner gets there, with a binary of their own, and what the store does after that. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cachePaths } from "../../provisioner/model/names.ts";
import { findProgram, skipReason } from "../../stacks/objects/testing/server.fixture.ts";
import { ROOT, croft, mustCroft, onMachine, program, upAnew } from "./croft.ts";
import { Person } from "./person.ts";
import { bucketPages, expectNothingToDo, expectPromisesKept, storeSite } from "./store-site.ts";

const EDGE = "10.91.0.11";
const weed = findProgram("seaweedfs");

/** With a cache of its own: a program that is imported there changes no plan of this host. Images and artifacts are those of the host. */
const makeCache = async (): Promise<string> => {
  const { folder } = cachePaths();
  const cache = join(folder, "test", "seaweedfs-cache");
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  await program(`cp -alu ${folder}/artifacts ${folder}/images ${folder}/builds ${cache}/`);
  return cache;
};

describe.skipIf(weed === undefined)(`SeaweedFS${skipReason("seaweedfs")}`, () => {
  let site = "";
  let ca = "";
  const before = process.env["CROFT_CACHE"];

  beforeAll(async () => {
    process.env["CROFT_CACHE"] = await makeCache();
    site = await storeSite("weed", "seaweedfs");
    await mustCroft("artifact", "import", "seaweedfs", weed ?? "");
    ca = await upAnew(site);
  });

  afterAll(async () => {
    await mustCroft("destroy", "--purge", site);
    if (before === undefined) delete process.env["CROFT_CACHE"];
    else process.env["CROFT_CACHE"] = before;
  });

  const page = async (path: string): Promise<string> => (await new Person(EDGE, ca).visit(`https://weed.test${path}`)).body;

  test("the app lives in its bucket, a route shows a part of it, and a second plan is empty", async () => {
    expect([await page("/publish"), await page("/store")]).toEqual(["published", "stored"]);
    await bucketPages(new Person(EDGE, ca), "weed");
    await expectNothingToDo(site);
  });

  test("the store keeps every promise, tried from outside", () => expectPromisesKept(site));

  test("a key of it is not replaced while it runs, and that is said", async () => {
    const { code, out, err } = await croft(["secret", "rotate", "s3", "--part", "media", site]);
    expect([code, out]).toEqual([64, ""]);
    expect(err).toContain("error[USAGE]");
  });

  test("its machine loses power: the same objects, and nothing to repair but the machine", async () => {
    await program(`kill -9 $(cut -d" " -f1 ${ROOT}/run/weed/default/data/vmm.pid)`);
    await mustCroft("up", site);
    await bucketPages(new Person(EDGE, ca), "weed");
    expect(await page("/store")).toBe("stored");
    await expectNothingToDo(site);
  });

  test("the program killed comes back by itself, closed to strangers as before", async () => {
    await onMachine(site, "data", "systemctl kill --signal=KILL croft-objects");
    await expect.poll(() => page("/store"), { timeout: 30_000, interval: 500 }).toBe("stored");
    const anonymous = await new Person(EDGE, ca).visit("https://s3.weed.test/note-media/public/index.html");
    expect(anonymous.status).toBe(403);
  });
});
