/** Plans saved by `plan --out` against a host: done as they are, or refused with what changed. Nothing here is created. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeState } from "../provisioner/state/encoding.ts";
import { emptyState } from "../provisioner/state/store.ts";
import type { State } from "../provisioner/state/store.ts";
import { runCroft } from "./run.fixture.ts";
import type { Ran } from "./run.fixture.ts";

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "croft-plans-"));
  file = join(folder, "saved.plan");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const croft = (...words: readonly string[]): Promise<Ran> => runCroft(join(folder, "root"), ...words);

const writeSite = (name: string, memory = "512MiB"): string => {
  const site = join(folder, "site");
  mkdirSync(site, { recursive: true });
  writeFileSync(
    join(site, "croft.yaml"),
    `version: 1\nsite: ${name}\ndomain: ${name}.test\nnetwork: 10.203.0.0/16\nmachines: { web: { memory: ${memory}, disks: { data: 64MiB } } }\n`,
  );
  return site;
};

const writeState = (state: Partial<State>): void => {
  const path = join(folder, "root/state/savedplans/default/state.json");
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, encodeState({ ...emptyState("ef".repeat(16)), ...state }));
};

const save = async (): Promise<string> => {
  const site = writeSite("savedplans");
  const outcome = await croft("plan", site, "--out", file);
  expect([outcome.code, outcome.failure?.message]).toEqual([0, undefined]);
  return site;
};

const apply = async (...words: readonly string[]): Promise<{ code: number; failure: unknown }> => {
  const { code, failure } = await croft("apply", file, "--yes", ...words);
  return { code, failure };
};

const refusal = (code: string, message: RegExp) => ({
  code: 65,
  failure: expect.objectContaining({ code, message: expect.stringMatching(message) }),
});

test("what a plan doubts is shown below it, and what the host cannot hold is refused where it is written", async () => {
  const doubted = await croft("plan", writeSite("savedplans"));
  expect([doubted.code, doubted.failure]).toEqual([0, undefined]);
  expect(doubted.out).toMatch(/warning\[E0140\]: no service uses disk "data" of machine "web"\n {2}--> \S+croft\.yaml:5:45\n/);
  const refused = await croft("plan", writeSite("savedplans", "9000GiB"));
  expect(refused.code).toBe(65);
  expect(refused.failure?.message).toMatch(/error\[E0106\]: machines want 9000GiB of memory.*\n {2}--> \S+croft\.yaml:5:28\n/);
});

test("another configuration", async () => {
  await save();
  writeSite("savedplans", "640MiB");
  const outcome = await apply();
  expect(outcome).toEqual(refusal("PLAN_STALE", /^croft\.yaml, or a source it names, changed .* nothing was done$/));
  expect(outcome.failure).toMatchObject({ tail: expect.stringContaining("machine/web"), hint: "make a new one: `croft plan --out FILE`" });
});

test("another state: a run ended meanwhile", async () => {
  writeState({ serial: 4 });
  await save();
  writeState({ serial: 6, addresses: { web: "10.203.0.20" } });
  expect(await apply()).toEqual(refusal("PLAN_STALE", /\(write 6, was 4\): another run changed the site/));
});

test("a site created, or destroyed, meanwhile", async () => {
  await save();
  writeState({ serial: 1, addresses: { web: "10.203.0.20" } });
  expect(await apply()).toEqual(refusal("PLAN_STALE", /^another run created the site/));
  await save();
  rmSync(join(folder, "root"), { recursive: true });
  expect(await apply()).toEqual(refusal("PLAN_STALE", /^the site's state is gone/));
});

test("drift: what is there is not what it was", async () => {
  writeState({ serial: 4 });
  await save();
  const disks = join(folder, "root/state/savedplans/default/disks");
  mkdirSync(disks);
  writeFileSync(join(disks, "web-data.raw"), "not made by croft");
  const outcome = await apply();
  expect(outcome).toEqual(refusal("PLAN_STALE", /^what runs is not what this plan was made from/));
  expect(outcome.failure).toMatchObject({ tail: expect.stringMatching(/^disk\/web-data: create .*, now replace /) });
});

test("a damaged file, and no file", async () => {
  await save();
  const text = readFileSync(file, "utf8");
  truncateSync(file, text.length - 40);
  expect(await apply()).toEqual(refusal("PLAN_INVALID", /is not a plan that croft saved, or it was changed since$/));
  writeFileSync(file, text.replace('"create"', '"remove"'));
  expect(await apply()).toEqual(refusal("PLAN_INVALID", /or it was changed since$/));
  writeFileSync(file, text.replace("croft-plan 2", "croft-plan 9"));
  expect(await apply()).toEqual(refusal("PLAN_INVALID", /was saved by another version of croft$/));
  rmSync(file);
  expect(await apply()).toEqual(refusal("PLAN_INVALID", /saved\.plan cannot be read$/));
});

test("a plan of another site", async () => {
  const site = await save();
  writeSite("othersite");
  expect(await apply()).toEqual(refusal("PLAN_INVALID", /is a plan for savedplans \(default\), the site here is othersite \(default\)$/));
  expect(await apply("--file", site)).toEqual(refusal("PLAN_INVALID", /is a plan for savedplans/));
});

test("a plan of one environment is for that one", async () => {
  const site = writeSite("savedplans");
  appendFileSync(join(site, "croft.yaml"), "environments: { staging: { mode: development }, blue: {} }\n");
  expect((await croft("plan", site, "--env", "staging", "--out", file)).code).toBe(0);
  expect(await apply("--env", "blue")).toEqual(
    refusal("PLAN_INVALID", /is a plan for savedplans \(staging\), the site here is savedplans \(blue\)$/),
  );
});

test("a network that another site of this host has is refused, both places named", async () => {
  const network = { bridge: "crb00000000aa", address: "10.203.0.1/24", blackhole: "10.203.0.0/24", published: {} };
  const other = join(folder, "root/state/blog/staging/state.json");
  mkdirSync(join(other, ".."), { recursive: true });
  const record = { id: "network/local", kind: "network", host: "local", spec: network, needs: [], output: {}, status: "active" as const };
  writeFileSync(other, encodeState({ ...emptyState("aa".repeat(16)), serial: 2, resources: [record] }));
  const { failure, code } = await croft("plan", writeSite("savedplans"));
  expect({ failure, code }).toEqual(
    refusal(
      "PLAN_INVALID",
      /^the network 10\.203\.0\.0\/16 of savedplans \(default\) overlaps 10\.203\.0\.0\/24 of the site blog \(staging\) in .*\/state\/blog\/staging$/,
    ),
  );
  expect(failure).toMatchObject({ hint: expect.stringContaining("`network: 10.") });
});
