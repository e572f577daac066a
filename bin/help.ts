/** What `croft VERB --help` prints: from the verb's line and its own options. Pure. */
import type { CommandModule } from "./main.ts";
import type { Option, Options } from "./options.ts";
import type { Verb } from "./verbs.ts";

export const optionWords = (name: string, option: Option): string =>
  [`--${name}`, ...(option.value === undefined ? [] : [option.value])].join(" ") + (option.short === undefined ? "" : `, -${option.short}`);

/** Of every verb: no table needs to name it. */
export const HELP_OPTION = { help: { type: "boolean", short: "h", summary: "show this" } } as const satisfies Options;

const optionLines = (options: Options): readonly string[] => {
  const rows = Object.entries({ ...options, ...HELP_OPTION }).map(([name, option]) => [optionWords(name, option), option.summary] as const);
  const width = Math.max(...rows.map(([words]) => words.length));
  return rows.map(([words, summary]) => `  ${words.padEnd(width)}  ${summary}`);
};

export const renderHelp = (verb: Verb, command: Pick<CommandModule, "options" | "example">): string =>
  [
    `Usage: croft ${verb.usage} [OPTIONS]`,
    "",
    `${verb.summary[0]?.toUpperCase()}${verb.summary.slice(1)}.`,
    "",
    "Options:",
    ...optionLines(command.options),
    "",
    "Example:",
    ...command.example.split("\n").map((line) => `  ${line}`),
  ].join("\n");
