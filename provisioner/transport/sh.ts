/** The only way to make a command: a literal with holes, each value one quoted word. */
import { CroftError } from "../errors.ts";

declare const brand: unique symbol;
export type Command = { readonly text: string; readonly [brand]: true };

type Value = string | number | Command | readonly (string | number)[];

const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word of POSIX shell. Throws on NUL, which no argument can hold. */
export const quoteWord = (word: string): string => {
  if (word.includes("\0")) throw new CroftError("BUG", "a command word cannot hold a NUL byte");
  return SAFE.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
};

const isCommand = (value: Value): value is Command => typeof value === "object" && "text" in value;

const renderValue = (value: Value): string => {
  if (isCommand(value)) return value.text;
  if (typeof value === "string") return quoteWord(value);
  if (typeof value === "number") return quoteWord(String(value));
  return value.map((word) => quoteWord(String(word))).join(" ");
};

type Quote = "'" | '"' | undefined;

/** The quote still open at the end of a piece of shell text. */
const openQuote = (piece: string, start: Quote): Quote => {
  let open = start;
  for (let index = 0; index < piece.length; index += 1) {
    const char = piece[index];
    if (char === "\\" && open !== "'") index += 1;
    else if (open === undefined && (char === "'" || char === '"')) open = char;
    else if (char === open) open = undefined;
  }
  return open;
};

/**
 * sh`mkdir -p ${path}`: a value becomes one quoted word, an array several, another command its text.
 * @throws CroftError BUG where a value stands inside quotes.
 */
export const sh = (pieces: TemplateStringsArray, ...values: readonly Value[]): Command => {
  let open: Quote;
  let text = "";
  pieces.raw.forEach((piece, index) => {
    text += piece;
    open = openQuote(piece, open);
    const value = values[index];
    if (value === undefined) return;
    if (open !== undefined) throw new CroftError("BUG", `a value inside quotes in sh: ${text}…`);
    text += renderValue(value);
  });
  return { text } as Command;
};

/** Several commands, each run only if the one before succeeded. */
export const allOf = (commands: readonly Command[]): Command => ({ text: commands.map((command) => command.text).join(" && ") }) as Command;
