import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { splitGlobal } from "./on-options.ts";
import { optionValue, plainWords, sentSite } from "./on-site.ts";
import { changeOptions } from "./options.ts";

describe("options before the verb", () => {
  test.each([
    [["--on", "ssh://a", "up", "--json"], { on: "ssh://a", hostKey: undefined, identity: undefined }, ["up", "--json"]],
    [["--identity=k=1", "--on=ssh://a", "--host-key", "SHA256:x", "up"], { on: "ssh://a", hostKey: "SHA256:x", identity: "k=1" }, ["up"]],
    [["--on", "ssh://a"], { on: "ssh://a", hostKey: undefined, identity: undefined }, []],
    [["--on", "ssh://a", "vm", "ssh", "x", "--", "--on", "b"], { on: "ssh://a" }, ["vm", "ssh", "x", "--", "--on", "b"]],
  ])("%j", (words, options, rest) => {
    expect(splitGlobal(words)).toMatchObject({ options, words: rest });
  });

  test.each([
    [["--on"], "`--on` needs a value"],
    [["--on=", "up"], "`--on` needs a value"],
    [["--identity", "k", "up"], "`--identity` means something only with --on"],
    [["--on", "a", "--on", "b"], "`--on` is given twice"],
  ])("%j is refused", (words, why) => {
    expect(() => splitGlobal(words)).toThrow(why);
  });
});

test("words that are neither options nor their values", () => {
  const words = ["ssh", "--env", "hello", "web", "-y", "--file", "hello", "--", "hello"];
  expect(plainWords(words, changeOptions).map((index) => words[index])).toEqual(["ssh", "web", "hello"]);
  expect(optionValue(words, "--env")).toEqual({ index: 2, value: "hello" });
  expect(optionValue(["--out=a=b"], "--out")).toEqual({ index: 0, value: "a=b" });
  expect(optionValue(["--out"], "--out")).toBeUndefined();
});

const CONFIG = `version: 1
site: small
domain: small.test
machines: { web: { memory: 512MiB } }
services: { gateway: { machine: web } }
apps:
  small:
    workloads:
      page: { kind: node, machine: web, source: page, build: "true", output: dist, start: built.js, port: 8080, health: { live: /livez, ready: /readyz }, env: { TOKEN: "\${ON_TEST_TOKEN}" } }
    routes: [{ host: "@", to: page }]
`;
let root = "";
const write = (path: string, text: string): void => {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
};
const sent = async (folder: string, words: readonly string[], verb = "plan") => {
  const io = {
    out: () => {},
    error: () => {},
    color: false,
    interactive: false,
    environment: { ON_TEST_TOKEN: "t" },
    folder: join(root, folder),
  };
  const { pack, ...rest } = await sentSite({ name: verb, options: { ...changeOptions, out: { type: "string", summary: "" } } }, words, io);
  return { ...rest, names: pack.files.map(({ name }) => name) };
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "croft-sent-"));
  write("work/sites/small/croft.yaml", CONFIG);
  ["page/index.html", "page/.env", "page/dist/built.js", "page/node_modules/x/index.js", "dist/kept.txt", ".git/HEAD"].forEach((name) =>
    write(`work/sites/small/${name}`, "x"),
  );
  mkdirSync(join(root, "work/outside"));
});
afterAll(() => rmSync(root, { recursive: true }));

describe("what is sent", () => {
  const files = (prefix: string) => ["croft.yaml", "dist/kept.txt", "page/.env", "page/index.html"].map((name) => `${prefix}/${name}`);

  test.each([
    ["the current folder", "work/sites/small", ["--json"], "small", ["--json"], "small"],
    ["a folder below", "work", ["sites/small"], "sites/small", ["sites/small"], ""],
    ["a file below", "work", ["sites/small/croft.yaml"], "sites/small", ["sites/small/croft.yaml"], ""],
    ["a folder elsewhere", "work/outside", ["-y", "../sites/small"], "small", ["-y", "small"], ""],
    ["a file elsewhere", "work/outside", ["../sites/small/croft.yaml"], "small", ["small/croft.yaml"], ""],
    ["the site of --file", "work", ["log", "web", "--file", "sites/small"], "sites/small", ["log", "web", "--file", "sites/small"], ""],
  ])("%s", async (_name, folder, words, prefix, there, workFolder) => {
    expect(await sent(folder, words)).toEqual({
      names: files(prefix),
      words: there,
      workFolder,
      variables: { ON_TEST_TOKEN: "t" },
      out: undefined,
    });
  });

  test("an absolute path", async () => {
    expect(await sent("work", [join(root, "work/sites/small")])).toMatchObject({ words: ["sites/small"], names: files("sites/small") });
  });

  test("a saved plan goes alone; the file of --out comes back", async () => {
    write("work/next.plan", "croft-plan 1");
    expect(await sent("work", ["--yes", "next.plan"], "apply")).toMatchObject({ words: ["--yes", "next.plan"], names: ["next.plan"] });
    expect(await sent("work", ["sites/small", "--out", "a/b.plan"])).toMatchObject({
      out: { index: 2, file: join(root, "work/a/b.plan") },
    });
  });
});
