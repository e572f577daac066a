import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadVerbs } from "./commands/completion.ts";
import { COMPLETIONS, flagsOf, wordsOf } from "./completion.ts";
import type { Completed } from "./completion.ts";
import { renderHelp } from "./help.ts";
import { VERBS } from "./verbs.ts";

let verbs: readonly Completed[] = [];
let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "croft-completion-"));
  verbs = await loadVerbs(VERBS);
  writeFileSync(join(folder, "croft.bash"), COMPLETIONS.bash(verbs));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash itself offers after these words. */
const complete = (...words: readonly string[]): readonly string[] =>
  execFileSync(
    "bash",
    [
      "-c",
      'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); $(complete -p croft | sed "s/.*-F \\([^ ]*\\) .*/\\1/"); printf "%s\\n" "${COMPREPLY[@]}"',
      "bash",
      join(folder, "croft.bash"),
      ...words,
    ],
    { encoding: "utf8" },
  )
    .split("\n")
    .filter((line) => line !== "");

const hasShell = (shell: string): boolean => {
  try {
    return execFileSync(shell, ["-c", "true"]).length === 0;
  } catch {
    return false;
  }
};

describe("completion", () => {
  test("words of a usage are its alternatives", () => {
    expect(wordsOf("vm list | ssh NAME | log NAME")).toEqual(["list", "ssh", "log"]);
    expect(wordsOf("state restore [SITE]")).toEqual(["restore"]);
    expect(wordsOf("apply FILE")).toEqual([]);
    expect(wordsOf("plan [SITE]")).toEqual([]);
  });

  test("bash completes verbs, words and options", () => {
    expect(complete("croft", "de")).toEqual(["destroy"]);
    expect(complete("croft", "")).toEqual([...Object.keys(VERBS), "--help"]);
    expect(complete("croft", "vm", "s")).toContain("ssh");
    expect(complete("croft", "destroy", "--pu")).toEqual(["--purge"]);
    expect(complete("croft", "plan", "examples/hello", "--detailed")).toEqual(["--detailed-exitcode"]);
    expect(complete("croft", "plan", "--out", "")).toEqual([]);
  });

  test("every option of every verb is in its help and in every completion", () => {
    for (const verb of verbs) {
      const known = VERBS[verb.verb];
      if (known === undefined) throw new Error(verb.verb);
      const help = renderHelp(known, { options: verb.options, example: "croft" });
      expect(complete("croft", verb.verb, "-").toSorted()).toEqual(flagsOf(verb).toSorted());
      for (const [name, { summary }] of Object.entries(verb.options)) {
        expect(help).toMatch(new RegExp(`^  --${name}\\b.*${summary.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`, "m"));
        expect(COMPLETIONS.fish(verbs)).toContain(`'__fish_seen_subcommand_from ${verb.verb}' -l ${name}`);
        expect(COMPLETIONS.zsh(verbs)).toContain(`--${name}[`);
        expect(summary.length, `${verb.verb} --${name}`).toBeLessThan(100);
      }
    }
  });

  test("every verb has an example that uses its own options", async () => {
    for (const [verb, { load }] of Object.entries(VERBS)) {
      const { example, options } = await load();
      expect(example).toContain(`croft ${verb}`);
      const flags = example
        .split("\n")
        .filter((line) => line.startsWith(`croft ${verb}`))
        .flatMap((line) => [...(line.split(/ -- | \| | && /)[0] ?? "").matchAll(/--([a-z-]+)/g)].map(([, flag]) => flag));
      expect(Object.keys(options), verb).toEqual(expect.arrayContaining(flags));
    }
  });

  test("every verb that reads a site takes --file and --env", () => {
    for (const { verb, options } of verbs.filter(({ verb: name }) => /\[SITE\]|\bNAME\b/.test(VERBS[name]?.usage ?? ""))) {
      expect(Object.keys(options), verb).toEqual(expect.arrayContaining(["file", "env"]));
    }
  });

  for (const shell of ["zsh", "fish"] as const)
    test.skipIf(!hasShell(shell))(`${shell} reads its script (skipped where ${shell} is not installed)`, () => {
      const file = join(folder, `croft.${shell}`);
      writeFileSync(file, COMPLETIONS[shell](verbs));
      execFileSync(shell, ["-n", file]);
    });
});
