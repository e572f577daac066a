/** Options of a command: strict, with the error a person can act on. */
import { parseArgs } from "node:util";
import type { ParseArgsOptionsConfig } from "node:util";
import { closest } from "../provisioner/config/suggest.ts";
import { CroftError } from "../provisioner/errors.ts";

const unknownHint = (words: readonly string[], options: ParseArgsOptionsConfig): string => {
  const known = Object.keys(options);
  const wrong = words.find((word) => word.startsWith("--") && !known.includes(word.slice(2).split("=")[0] ?? ""));
  const near = wrong === undefined ? undefined : closest(wrong.slice(2), known);
  return near === undefined ? "croft --help" : `did you mean \`--${near}\`?`;
};

/** Values of the options and the words that are none. @throws CroftError USAGE */
export const parseWords = <T extends ParseArgsOptionsConfig>(words: readonly string[], options: T) => {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error);
    throw new CroftError("USAGE", message, { hint: unknownHint(words, options) });
  }
};

/** For commands whose only word is the site. */
export const parseOptions = <T extends ParseArgsOptionsConfig>(words: readonly string[], options: T) => {
  const { values, positionals } = parseWords(words, options);
  if (positionals.length > 1) {
    throw new CroftError("USAGE", `one site at a time, got ${positionals.map((word) => `\`${word}\``).join(" and ")}`, {
      hint: "croft --help",
    });
  }
  return { values, site: positionals[0] ?? "." };
};

/** A whole number of an option. @throws CroftError USAGE */
export const parseCount = (option: string, text: string | undefined, otherwise: number): number => {
  if (text === undefined) return otherwise;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new CroftError("USAGE", `\`--${option}\` takes a whole number, got \`${text}\``, { hint: `such as --${option} 300` });
};

/** Options of every command that changes a site. */
export const changeOptions = {
  json: { type: "boolean" },
  yes: { type: "boolean", short: "y" },
  env: { type: "string" },
  wait: { type: "string" },
  "allow-destroy": { type: "string", multiple: true },
} as const satisfies ParseArgsOptionsConfig;
