/** What the looking part of the on-machine script says of files and slots, in folders of this host. */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeLocalShell } from "../transport/local.ts";
import { sh } from "../transport/sh.ts";
import { must } from "../transport/shell.ts";
import { parseView } from "./agent.ts";
import { OBSERVE } from "./agent-observe.ts";
import { AGENT } from "./agent-script.ts";

const shell = makeLocalShell();
let folder = "";
beforeEach(() => {
  folder = mkdtempSync("/tmp/croft-agent-");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The script's own helpers, which stand in front of the part that looks. */
const HELPERS = AGENT.slice(0, AGENT.indexOf(OBSERVE));
const view = async (call: string) =>
  parseView(
    await must(shell, "looking", sh`sh -s`, {
      input: `${HELPERS}${OBSERVE}\nbase=${folder}/generations slots=${folder}/slots\n${call}\n`,
    }),
  );

const group = async (): Promise<string> => (await must(shell, "asking", sh`id -gn`)).trim();
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const write = (name: string, content: string, mode = 0o644): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};

test("each file and directory of a manifest: as wanted, another mode, changed, a link, missing", async () => {
  const owner = `${userInfo().username}:${await group()}`;
  const same = write("same", "same");
  const open = write("open", "same", 0o666);
  const changed = write("changed", "other");
  const link = join(folder, "link");
  symlinkSync(same, link);
  const [gone, noFolder] = [join(folder, "gone"), join(folder, "no-folder")];
  const wanted = [same, open, changed, link, gone].map((path) => `f 0644 ${owner} ${sha256("same")} ${path}`);
  chmodSync(folder, 0o700);
  const manifest = write("manifest", [`d 0755 ${owner} ${folder}`, `d 0755 ${owner} ${noFolder}`, ...wanted, ""].join("\n"));
  const found = await view(`observe_files ${manifest}`);
  expect(found.files).toEqual({
    [same]: sha256("same"),
    [open]: `0666:${owner}`,
    [changed]: "changed",
    [link]: "changed",
    [gone]: "missing",
  });
  expect(found.directories).toEqual({ [folder]: `0700 ${owner}`, [noFolder]: "missing -" });
});

test("a manifest without files and no slots say nothing", async () => {
  const found = await view(`observe_files ${write("manifest", "u a.service start restart -\n")}; observe_slots`);
  expect([found.files, found.directories, found.slots]).toEqual([{}, {}, {}]);
});

const fill = (slot: string, files: Readonly<Record<string, number>>): string => {
  const version = join(folder, "slots", slot, "v1");
  mkdirSync(version, { recursive: true });
  for (const [name, mode] of Object.entries(files)) write(join("slots", slot, "v1", name), name, mode);
  writeFileSync(
    `${version}.sum`,
    Object.keys(files)
      .map((name) => `${sha256(name)}  ./${name}\n`)
      .join(""),
  );
  symlinkSync("v1", join(folder, "slots", slot, "current"));
  return version;
};

test("each slot: as written, changed, with files of several modes, without content", async () => {
  const owner = `${userInfo().username}:${await group()}`;
  fill("as-written", { a: 0o640, b: 0o640 });
  writeFileSync(join(fill("changed", { a: 0o600 }), "a"), "by hand");
  fill("mixed", { a: 0o600, b: 0o644 });
  mkdirSync(join(folder, "slots", "empty"));
  expect((await view("observe_slots")).slots).toEqual({
    "as-written": { version: "v1", intact: true, modes: `0640:${owner}` },
    changed: { version: "v1", intact: false, modes: `0600:${owner}` },
    mixed: { version: "v1", intact: true, modes: `0600:${owner},0644:${owner}` },
    empty: { version: "-", intact: false, modes: "" },
  });
});
