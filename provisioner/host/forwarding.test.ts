import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimForwarding, releaseForwarding } from "./forwarding.ts";
import type { ForwardingTools } from "./forwarding.ts";

let base = "";
let tables: string[] = [];
let tools: ForwardingTools;

const value = (): string => readFileSync(tools.switchFile, "utf8").trim();
const site = (name: string) => ({ table: `croft_${name}`, siteFolder: join(base, name) });

/** What the driver and its script do around the claim. */
const bringUp = async (name: string): Promise<void> => {
  mkdirSync(site(name).siteFolder);
  await claimForwarding(tools, site(name));
  tables = [...tables, site(name).table];
  writeFileSync(tools.switchFile, "1\n");
};

const takeDown = async (name: string): Promise<void> => {
  tables = tables.filter((table) => table !== site(name).table);
  rmSync(site(name).siteFolder, { recursive: true, force: true });
  await releaseForwarding(tools, site(name));
};

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "croft-forwarding-"));
  tables = ["filter"];
  tools = { folder: join(base, ".host", "forwarding"), switchFile: join(base, "switch"), tables: async () => tables };
  writeFileSync(tools.switchFile, "0\n");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

test.each([
  ["aa", "bb"],
  ["bb", "aa"],
])("two sites: the switch stays on until both are gone, %s first", async (first, second) => {
  await bringUp("aa");
  await bringUp("bb");
  await takeDown(first);
  expect(value()).toBe("1");
  await takeDown(second);
  expect(value()).toBe("0");
  expect(existsSync(join(base, ".host"))).toBe(false);
});

test("a host that forwarded before goes on forwarding", async () => {
  writeFileSync(tools.switchFile, "1\n");
  await bringUp("aa");
  await takeDown("aa");
  expect(value()).toBe("1");
});

test("a site that claimed nothing here is known by its table", async () => {
  await bringUp("aa");
  tables = [...tables, "croft_cc"];
  await takeDown("aa");
  expect(value()).toBe("1");
});

test("a site that is being made has a claim and no table yet", async () => {
  await bringUp("aa");
  mkdirSync(site("bb").siteFolder);
  await claimForwarding(tools, site("bb"));
  await takeDown("aa");
  expect(value()).toBe("1");
});

test("a claim whose site's folder is gone holds nothing", async () => {
  await bringUp("aa");
  mkdirSync(site("bb").siteFolder);
  await claimForwarding(tools, site("bb"));
  rmSync(site("bb").siteFolder, { recursive: true });
  await takeDown("aa");
  expect(value()).toBe("0");
});

test("a claim and a removal run again: what was that was killed half way is finished", async () => {
  await bringUp("aa");
  await claimForwarding(tools, site("aa"));
  await takeDown("aa");
  await takeDown("aa");
  expect(value()).toBe("0");
});

test("claims and releases at once leave the switch as the last one needs it", async () => {
  await bringUp("aa");
  await Promise.all([takeDown("aa"), bringUp("bb")]);
  expect(value()).toBe("1");
  await takeDown("bb");
  expect(value()).toBe("0");
});
