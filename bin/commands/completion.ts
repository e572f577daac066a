/** `croft completion SHELL`: what makes the tabulator key know croft's verbs and options. */
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { COMPLETIONS, wordsOf } from "../completion.ts";
import type { Completed, Shell } from "../completion.ts";
import type { Io } from "../main.ts";
import { parseWords } from "../options.ts";
import type { Verb } from "../verbs.ts";

export const options = {};
export const example = 'eval "$(croft completion bash)"';

const isShell = (word: string): word is Shell => Object.hasOwn(COMPLETIONS, word);

/** Every verb with its options: the one place that loads all commands. */
export const loadVerbs = (verbs: Readonly<Record<string, Verb>>): Promise<readonly Completed[]> =>
  Promise.all(
    Object.entries(verbs).map(async ([verb, { summary, usage, load }]) => ({
      verb,
      summary,
      words: wordsOf(usage),
      options: (await load()).options,
    })),
  );

export const run = async (words: readonly string[], io: Io, verbs: Readonly<Record<string, Verb>>): Promise<number> => {
  const { positionals } = parseWords(words, options);
  const [shell = ""] = positionals;
  if (!isShell(shell) || positionals.length > 1)
    throw new CroftError("USAGE", shell === "" ? "completion of which shell?" : `no completion for \`${positionals.join(" ")}\``, {
      hint: `croft completion ${Object.keys(COMPLETIONS).join(" | ")}`,
    });
  io.out(COMPLETIONS[shell](await loadVerbs(verbs)).trimEnd());
  return EXIT.ok;
};
