/** Wrong command lines and the exact text that answers them. Nothing here comes as far as a site. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "croft-messages-"));
  const site = "version: 1\nsite: shop\ndomain: shop.test\nmachines:\n  web: { memory: 512MiB }\n";
  writeFileSync(join(folder, "croft.yaml"), site);
  writeFileSync(join(folder, "large.yaml"), site);
  truncateSync(join(folder, "large.yaml"), 100 * 1024 * 1024);
  writeFileSync(join(folder, "wrong.yaml"), site.replace("site:", "sites:"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const croft = (words: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...words], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], CROFT_ROOT: join(folder, "root") },
  });
  return { status, stdout, stderr };
};

const refused = (status: number, ...lines: readonly string[]) => ({ status, stdout: "", stderr: `${lines.join("\n")}\n` });

test.each([
  ["a misspelt command", ["aply"], refused(64, "error[USAGE]: unknown command `aply`", "  = help: did you mean `croft apply`?")],
  ["an unknown command", ["frobnicate"], refused(64, "error[USAGE]: unknown command `frobnicate`", "  = help: croft --help")],
  ["a misspelt option", ["plan", "--jsn"], refused(64, "error[USAGE]: Unknown option '--jsn'", "  = help: did you mean `--json`?")],
  [
    "an unknown option",
    ["plan", "--frobnicate"],
    refused(64, "error[USAGE]: Unknown option '--frobnicate'", "  = help: croft COMMAND --help"),
  ],
  [
    "an option without its value",
    ["plan", "--env"],
    refused(64, "error[USAGE]: Option '--env <value>' argument missing", "  = help: croft COMMAND --help"),
  ],
  [
    "a value for an option that takes none",
    ["plan", "--json=1"],
    refused(64, "error[USAGE]: Option '--json' does not take an argument", "  = help: croft COMMAND --help"),
  ],
  [
    "a number that is none",
    ["up", "--wait", "soon"],
    refused(64, "error[USAGE]: `--wait` takes a whole number, got `soon`", "  = help: such as --wait 300"),
  ],
  ["a missing argument", ["apply"], refused(64, "error[USAGE]: apply takes one saved plan", "  = help: croft plan --out FILE")],
  ["two sites", ["plan", "a", "b"], refused(64, "error[USAGE]: one site at a time, got `a` and `b`", "  = help: croft COMMAND --help")],
  [
    "a missing part of a command",
    ["vm"],
    refused(
      64,
      "error[USAGE]: `vm` takes a command",
      "  = help: croft vm list | ssh | log | start | stop | pause | resume | resize | add-disk NAME",
    ),
  ],
  [
    "a misspelt part of a command",
    ["vm", "lst"],
    refused(
      64,
      "error[USAGE]: unknown command `vm lst`",
      "  = help: croft vm list | ssh | log | start | stop | pause | resume | resize | add-disk NAME",
    ),
  ],
  [
    "a word too many",
    ["vm", "log", "web", "more"],
    refused(
      64,
      "error[USAGE]: `vm log` takes one name, `more` is too much",
      "  = help: croft vm list | ssh | log | start | stop | pause | resume | resize | add-disk NAME",
    ),
  ],
  ["a missing name", ["vm", "ssh"], refused(64, "error[USAGE]: which machine?", "  = help: machines here: web")],
  [
    "a name that is not in the site",
    ["vm", "log", "wbe"],
    refused(64, "error[USAGE]: no machine is called `wbe`", "  = help: machines here: web"),
  ],
  ["a folder that is not there", ["plan", "nowhere"], refused(65, "error[CONFIG_INVALID]: nowhere does not exist", "  = help: croft init")],
  [
    "an environment that is not there",
    ["config", "--env", "staging"],
    refused(
      65,
      'error[E0138]: environment "staging" is not defined',
      "  --> croft.yaml:1:1",
      "   |",
      " 1 | version: 1",
      "   | ^",
      "   = help: add it: environments: { staging: {} }",
      "",
    ),
  ],
] as const)("%s", (_name, words, answer) => {
  expect(croft(words)).toEqual(answer);
});

test("a file of 100 MiB is refused by its size", () => {
  const { status, stderr } = croft(["config", "large.yaml"]);
  expect(status).toBe(65);
  expect(stderr).toContain("error[E0111]: the file has 100 MiB, the limit is 1 MiB\n  --> large.yaml:1:1\n");
});

test("problems as JSON have code, place, message and hint", () => {
  const { status, stderr } = croft(["config", "wrong.yaml", "--json"]);
  expect(status).toBe(65);
  expect(JSON.parse(stderr)).toMatchObject([
    {
      code: "E0103",
      severity: "error",
      file: "wrong.yaml",
      line: 2,
      col: 1,
      endLine: 2,
      endCol: 6,
      message: "unknown key `sites`",
      hint: "did you mean `site`?",
    },
  ]);
});
