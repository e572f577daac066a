/** The command line: finds the verb, loads only its file, turns errors into text and an exit code. */
import { CroftError, ERROR_CODES, errorChain } from "../provisioner/errors.ts";
import type { Options } from "./options.ts";
import { HELP, VERBS } from "./verbs.ts";
import type { Verb } from "./verbs.ts";

/** What every command gets; the process itself is touched only here. */
export type Io = {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly color: boolean;
  readonly interactive: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
};

export type CommandModule = {
  /** `verbs`: for the command that is about commands. */
  readonly run: (words: readonly string[], io: Io, verbs: Readonly<Record<string, Verb>>) => Promise<number>;
  readonly options: Options;
  /** Lines as a person types them. */
  readonly example: string;
};

/** A job on another host writes to files, but somebody's terminal shows them: `CROFT_TERMINAL` is its width. */
const terminal = process.env["CROFT_TERMINAL"];
if (terminal !== undefined) process.stdout.columns = Number(terminal);
const isTerminal = terminal !== undefined || process.stdout.isTTY === true;

const makeIo = (): Io => ({
  out: (text) => void process.stdout.write(`${text}\n`),
  error: (text) => void process.stderr.write(`${text}\n`),
  color: isTerminal && process.env["NO_COLOR"] === undefined,
  interactive: isTerminal && (terminal !== undefined || process.stdin.isTTY === true),
  environment: process.env,
  folder: process.cwd(),
});

/** Errors of the configuration come with their own frames and exit code. */
const isWhole = (error: unknown): error is Error & { readonly exitCode: number; readonly json: string } =>
  error instanceof Error && "exitCode" in error && "json" in error;

const renderError = (error: unknown): string => {
  if (isWhole(error)) return error.message;
  if (!(error instanceof CroftError)) {
    const known = error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error);
    return `error[BUG]: ${known}\n  = help: this is a fault of croft; please report it with the lines above`;
  }
  const [first = "", ...causes] = errorChain(error);
  const tail = (error.tail ?? "").split("\n").filter((line) => line !== "");
  return [
    `error[${error.code}]: ${first}`,
    ...causes.map((cause) => `  caused by: ${cause}`),
    ...tail.map((line) => `  | ${line}`),
    ...(error.hint === undefined ? [] : [`  = help: ${error.hint}`]),
  ].join("\n");
};

const exitCodeOf = (error: unknown): number => (error instanceof CroftError || isWhole(error) ? error.exitCode : ERROR_CODES.BUG);

const usageError = async (words: readonly string[]): Promise<CroftError> => {
  const { closest } = await import("../provisioner/config/suggest.ts");
  const near = closest(words[0] ?? "", Object.keys(VERBS));
  return new CroftError("USAGE", `unknown command \`${words[0]}\``, {
    hint: near === undefined ? "croft --help" : `did you mean \`croft ${near}\`?`,
  });
};

/** What follows `--` belongs to another program. */
const wantsHelp = (words: readonly string[]): boolean => {
  const cut = words.indexOf("--");
  return (cut < 0 ? words : words.slice(0, cut)).some((word) => word === "--help" || word === "-h");
};

const main = async (words: readonly string[], io: Io): Promise<number> => {
  const [verb, ...rest] = words;
  if (verb !== undefined && /^--(on|host-key|identity)(=|$)/.test(verb)) return (await import("./on.ts")).runElsewhere(words, io);
  if (verb === undefined || verb === "--help" || verb === "-h" || verb === "help") {
    io.out(HELP);
    return verb === undefined ? ERROR_CODES.USAGE : 0;
  }
  const known = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (known === undefined) throw await usageError(words);
  const command = await known.load();
  if (!wantsHelp(rest)) return command.run(rest, io, VERBS);
  const { renderHelp } = await import("./help.ts");
  io.out(renderHelp(known, command));
  return 0;
};

const io = makeIo();
try {
  process.exitCode = await main(process.argv.slice(2), io);
} catch (error) {
  io.error(isWhole(error) && process.argv.includes("--json") ? error.json : renderError(error));
  process.exitCode = exitCodeOf(error);
}
