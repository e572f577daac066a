/** The guides: their commands run, their output is true, their configurations parse, their generated part is up to date. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderMarkdown } from "../provisioner/config/docs.ts";
import { parseConfig } from "../provisioner/config/parse.ts";
import { makeSchema } from "../provisioner/config/schema.ts";
import { GUIDES, blocksOf, fencesOf, makePlace, readGuide, runCommand, unsaid } from "../test/docs-blocks.ts";
import { PROJECT } from "./run.fixture.ts";
import { VERBS } from "./verbs.ts";
import { SERVICE_SCHEMAS } from "./world.ts";

let base = "";
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "croft-docs-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const blocks = GUIDES.flatMap(blocksOf);

describe.each(GUIDES)("%s", (file) => {
  const here = blocks.filter((block) => block.file === file && block.where === "");
  test.skipIf(here.length === 0)(`its ${here.length} blocks that need no site run and print what they show`, { timeout: 120_000 }, () => {
    const folder = join(base, file.replaceAll("/", "-"));
    mkdirSync(folder, { recursive: true });
    cpSync(join(PROJECT, "examples"), join(folder, "examples"), {
      recursive: true,
      filter: (path) => !/\/(node_modules|dist)$/.test(path),
    });
    const environment = makePlace(folder, join(folder, "root"));
    for (const { line, commands } of here)
      for (const { words, shown } of commands) {
        const said = runCommand(words, folder, environment);
        if (shown !== undefined) expect(unsaid(shown, said), `${file}:${line} $ ${words}\n${said}`).toEqual([]);
      }
  });

  test("its fences are of a known kind", () => {
    const kinds = fencesOf(readGuide(file)).map(({ info }) => info);
    expect(kinds.filter((kind) => !/^(|text|yaml|ts|(sh|console)( site)?|sh by hand)$/.test(kind))).toEqual([]);
  });

  test("its whole configurations parse", () => {
    for (const { info, text } of fencesOf(readGuide(file)).filter((fence) => fence.info === "yaml" && fence.text.startsWith("version:"))) {
      const result = parseConfig({ file, bytes: Buffer.from(text), folder: "/nowhere", services: SERVICE_SCHEMAS, variables: {} });
      expect(result.ok ? [] : result.problems, info).toEqual([]);
    }
  });
});

test("a difference is seen", () => {
  expect(unsaid(["Done: 3 steps in 1.2 s."], "Done: 31 steps in 40 s.")).toEqual([]);
  expect(unsaid(["machine/a created"], "machine/a created  1.0 s")).toEqual([]);
  expect(unsaid(["one", "two"], "one\nthree")).toEqual(["two"]);
  expect(unsaid(["one"], "one\ntwo")).toEqual(["(not shown) two"]);
  expect(unsaid(["…", "two"], "one\ntwo")).toEqual([]);
  expect(unsaid(["…", "four"], "one\ntwo")).toEqual(["four"]);
  expect(unsaid(["a … c"], "a b c")).toEqual([]);
});

test("every verb is in the README or a guide, and no guide names one that is not there", () => {
  const text = GUIDES.map(readGuide).join("\n");
  expect(Object.keys(VERBS).filter((verb) => !text.includes(`croft ${verb}`))).toEqual([]);
  const named = blocks.flatMap(({ commands }) => commands.flatMap(({ words }) => [...words.matchAll(/\bcroft ([a-z]+)/g)]));
  expect(named.map(([, verb = ""]) => verb).filter((verb) => !Object.hasOwn(VERBS, verb))).toEqual([]);
});

test("docs/configuration.md is what the schema says (UPDATE_GOLDEN=1 writes it)", () => {
  const file = join(PROJECT, "docs/configuration.md");
  const text = renderMarkdown(makeSchema(SERVICE_SCHEMAS));
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(readFileSync(file, "utf8")).toBe(text);
});
