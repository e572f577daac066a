/** Options of a command: one table is its parser, its help and its completion. Strict, with the error a person can act on. */
import { parseArgs } from "node:util";
import { closest } from "../provisioner/config/suggest.ts";
import { CroftError } from "../provisioner/errors.ts";

export type Option = {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: boolean;
  /** What a string option takes, as help shows it: `FILE`. */
  readonly value?: string;
  /** One line of help. */
  readonly summary: string;
};
export type Options = Readonly<Record<string, Option>>;

const unknownHint = (words: readonly string[], options: Options): string => {
  const known = Object.keys(options);
  const wrong = words.find((word) => word.startsWith("--") && !known.includes(word.slice(2).split("=")[0] ?? ""));
  const near = wrong === undefined ? undefined : closest(wrong.slice(2), known);
  return near === undefined ? "croft COMMAND --help" : `did you mean \`--${near}\`?`;
};

/** Values of the options and the words that are none. @throws CroftError USAGE */
export const parseWords = <T extends Options>(words: readonly string[], options: T) => {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error);
    throw new CroftError("USAGE", message, { hint: unknownHint(words, options) });
  }
};

const oneSite = (sites: readonly string[]): string | undefined => {
  if (sites.length <= 1) return sites[0];
  throw new CroftError("USAGE", `one site at a time, got ${sites.map((word) => `\`${word}\``).join(" and ")}`, {
    hint: "croft COMMAND --help",
  });
};

/** A whole number of an option. @throws CroftError USAGE */
export const parseCount = (option: string, text: string | undefined, otherwise: number): number => {
  if (text === undefined) return otherwise;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new CroftError("USAGE", `\`--${option}\` takes a whole number, got \`${text}\``, { hint: `such as --${option} 300` });
};

/** For commands whose only word is the site, which `--file` names as well. */
export const parseOptions = <T extends Options>(words: readonly string[], options: T) => {
  const { values, positionals } = parseWords(words, options);
  const { file } = values as { readonly file?: string };
  const named = oneSite([...positionals, ...(file === undefined ? [] : [file])]);
  return { values, site: named ?? ".", named };
};

export const jsonOption = { json: { type: "boolean", summary: "JSON instead of text" } } as const satisfies Options;

/** Which site: of every command that reads one. */
export const siteOptions = {
  env: { type: "string", value: "NAME", summary: "the environment NAME of croft.yaml; part of every name" },
  file: { type: "string", short: "f", value: "SITE", summary: "the site: a folder with a croft.yaml, or the file itself" },
} as const satisfies Options;

export const simulateOption = {
  simulate: { type: "boolean", summary: "on fakes in memory: needs no root, touches nothing, writes nothing" },
} as const satisfies Options;

/** Options of every command that changes a site. */
export const changeOptions = {
  ...siteOptions,
  ...jsonOption,
  yes: { type: "boolean", short: "y", summary: "do not ask" },
  wait: { type: "string", value: "SECONDS", summary: "wait that long for another run's lock" },
  "allow-destroy": {
    type: "string",
    multiple: true,
    value: "NAME",
    summary: "allow removing one resource that holds data; may be repeated",
  },
} as const satisfies Options;
