/** The guides' commands on real machines, in the order of each guide, with the output it shows. */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GUIDES, blocksOf, makePlace, runCommand, unsaid } from "../docs-blocks.ts";
import { PROJECT, ROOT, croft } from "./croft.ts";

/** Below the project, so that builds of the examples find their packages. */
const folder = join(PROJECT, "test", ".sites", "docs");

const guides = GUIDES.filter((file) => blocksOf(file).some(({ where }) => where === "site"));

const clean = async (): Promise<void> => {
  for (const site of ["hello", "portfolio"]) await croft(["destroy", "--purge", join(PROJECT, "examples", site)]);
  rmSync(folder, { recursive: true, force: true });
};
beforeEach(clean);
afterEach(clean);

describe.each(guides)("%s", (file) => {
  test("runs as it says, on a real site", () => {
    mkdirSync(folder, { recursive: true });
    cpSync(join(PROJECT, "examples"), join(folder, "examples"), {
      recursive: true,
      filter: (path) => !/\/(node_modules|dist)$/.test(path),
    });
    const environment = makePlace(folder, ROOT);
    for (const { line, where, commands } of blocksOf(file)) {
      if (where === "by hand") continue;
      for (const { words, shown } of commands) {
        const said = runCommand(words, folder, environment);
        if (shown !== undefined) expect(unsaid(shown, said), `${file}:${line} $ ${words}\n${said}`).toEqual([]);
      }
    }
  });
});
