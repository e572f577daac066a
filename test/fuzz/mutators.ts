/** Ways to change a configuration: some keep it right, some spoil one token (and know which), some do anything. */
import { pick, type Random } from "./random.ts";

/** `from`, `to`: the changed token in the new text. */
export type Mutation = { readonly name: string; readonly text: string; readonly from: number; readonly to: number };
type Range = { readonly from: number; readonly to: number };

const cut = (text: string, from: number, to: number, put: string): string => text.slice(0, from) + put + text.slice(to);
const rangesOf = (text: string, pattern: RegExp): readonly Range[] =>
  [...text.matchAll(pattern)].map((match) => ({ from: match.index, to: match.index + match[0].length }));

/** Offsets that stand in a comment mean nothing to the parser. */
const isLoud = (text: string, { from }: Range): boolean =>
  !/(?:^|\s)#[^\n]*$/.test(text.slice(text.lastIndexOf("\n", from - 1) + 1, from + 1));

const KEY = /(?<=^\s*(?:- )?(?:\{ ?)?|[{,] ?)[A-Za-z_][\w-]*(?=:(?:\s|$))/gm;
const VALUE = /(?<=[\w"]: |- |\[)(?:"[^"\n]*"|[^\s{}[\],"#][^\s,}\]]*)(?=\s*(?:[,}\]#\n]|$))/g;

const keys = (text: string): readonly Range[] => rangesOf(text, KEY).filter((range) => isLoud(text, range));
const values = (text: string): readonly Range[] => rangesOf(text, VALUE).filter((range) => isLoud(text, range));
const tokens = (text: string): readonly Range[] => [...keys(text), ...values(text)];

const put = (name: string, text: string, { from, to }: Range, word: string): Mutation => ({
  name,
  text: cut(text, from, to, word),
  from,
  to: from + word.length,
});

type Mutator = (text: string, random: Random) => Mutation;
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_";

const misspelt = (word: string, random: Random): string => {
  const at = random(word.length);
  const letter = LETTERS[random(LETTERS.length)] ?? "x";
  return pick(random, [cut(word, at, at + 1, ""), cut(word, at, at, letter), cut(word, at, at + 1, letter), word + letter]);
};

const JUNK = [
  "nope!",
  "-1",
  "'x y'",
  "[]",
  "{}",
  "~",
  "3.5",
  "true",
  '""',
  "0x10",
  "1e999",
  "99999999999999999999",
  "../x",
  "/",
  "a;b",
  "$(id)",
  "${x}",
  "é",
  "а",
  "A B",
  "[1, 2]",
  "{ a: 1 }",
  "no",
  "08:00",
  "%n",
];
const SIGNS = [
  "\t",
  "\0",
  "\u202e",
  "\u200b",
  "\ufeff",
  "\u00a0",
  "\r",
  "`",
  "@",
  "{",
  "}",
  "[",
  "]",
  '"',
  "'",
  "&a ",
  "*a",
  "!!x ",
  "%",
  "|",
  ">",
  ": ",
  "$",
  "\\",
  ";",
  "é",
  "а",
  "\u{1f600}",
];

const lineRanges = (text: string): readonly Range[] =>
  rangesOf(text, /^[^\n]+$/gm).filter(({ from, to }) => /^\s*[^\s#]/.test(text.slice(from, to)));

/** Each spoils one token, or happens to leave it right. */
const SPOIL: readonly Mutator[] = [
  (text, random) => {
    const range = pick(random, keys(text));
    return put("misspelt key", text, range, misspelt(text.slice(range.from, range.to), random));
  },
  (text, random) => {
    const range = pick(random, values(text));
    return put("misspelt value", text, range, misspelt(text.slice(range.from, range.to), random));
  },
  (text, random) => put("junk value", text, pick(random, values(text)), pick(random, JUNK)),
  (text, random) => put("long word", text, pick(random, tokens(text)), "x".repeat(pick(random, [30, 70, 300, 5000]))),
  (text, random) => {
    const range = pick(random, tokens(text));
    const at = range.from + random(range.to - range.from + 1);
    const sign = pick(random, SIGNS);
    return { name: `sign ${JSON.stringify(sign)}`, text: cut(text, at, at, sign), from: range.from, to: range.to + sign.length };
  },
  (text, random) => {
    const range = pick(random, lineRanges(text));
    const line = text.slice(range.from, range.to);
    return { name: "line twice", text: cut(text, range.to, range.to, `\n${line}`), from: range.to + 1, to: range.to + 1 + line.length };
  },
  (text, random) => {
    const range = pick(random, lineRanges(text));
    const spaces = " ".repeat(1 + random(3));
    return { name: "indented line", text: cut(text, range.from, range.from, spaces), from: range.from, to: range.to + spaces.length };
  },
  (text, random) => {
    const range = pick(random, lineRanges(text));
    const line = text.slice(range.from, range.to);
    const word = `${/^\s*/.exec(line)?.[0] ?? ""}${pick(random, ["unknown: 1", "replicas: 2", "image: a", "stray", "- stray", "}", "]", "---", "? a", "<<: 1"])}`;
    return {
      name: `stray ${word.trim()}`,
      text: cut(text, range.from, range.from, `${word}\n`),
      from: range.from,
      to: range.from + word.length,
    };
  },
];

const NASTY = [
  ...SIGNS,
  ...JUNK,
  "\n",
  "- ",
  "? ",
  "#",
  " #",
  "<<: ",
  "---\n",
  "...",
  ",",
  "null",
  "__proto__: 1",
  "constructor",
  "[".repeat(200),
  "- ".repeat(200),
  " ".repeat(70),
  "x".repeat(5000),
  "\ud800",
];

/** Anything at all: no token is to blame. */
const WRECK: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => cut(text, random(text.length), random(text.length), ""),
  (text, random) => {
    const at = random(text.length);
    return cut(text, at, at + random(9), pick(random, NASTY));
  },
  (text, random) => text.slice(0, random(text.length)),
  (text, random) => {
    const lines = text.split("\n");
    lines.splice(random(lines.length), random(3), pick(random, lines), pick(random, NASTY));
    return lines.join("\n");
  },
  (text, random) => {
    const lines = text.split("\n");
    lines.splice(random(lines.length), 1 + random(2));
    return lines.join("\n");
  },
  (text, random) =>
    text
      .split("\n")
      .toSorted(() => random(3) - 1)
      .join("\n"),
];

const inPlace = (text: string, range: Range | undefined, change: (word: string) => string): string =>
  range === undefined ? text : cut(text, range.from, range.to, change(text.slice(range.from, range.to)));
const some = (random: Random, ranges: readonly Range[]): Range | undefined => (ranges.length === 0 ? undefined : pick(random, ranges));

const topBlocks = (text: string): readonly string[] => text.split(/^(?=[a-z])/m);
const MACHINES = ["edge", "web", "app", "data"] as const;
const freshName = (random: Random): string => `m${random(1_000_000)}`;

/** A machine with all that refers to it; keys of the same spelling (`apps`) are other words. */
const renameMachine = (text: string, from: string, to: string): string =>
  text.replaceAll(new RegExp(`(?<=machine: )${from}\\b|(?<=^ {2})${from}(?=:)`, "gm"), to);

/** What stands is right before and after. */
const KEEP: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => inPlace(text, some(random, rangesOf(text, /$/gm)), () => `  # ${pick(random, ["a: b", "é", "[", '"', "- x", "AKIA"])}`),
  (text, random) => inPlace(text, some(random, rangesOf(text, /^/gm)), () => pick(random, ["# a comment\n", "\n", "   \n"])),
  (text, random) =>
    inPlace(text, some(random, rangesOf(text, /\b(?:512MiB|1GiB|1280MiB)(?=[ ,]*(?:\}|disks))/g)), () =>
      pick(random, ["1281MiB", "2GiB", "2049MiB", "3000MiB"]),
    ),
  (text, random) => inPlace(text, some(random, rangesOf(text, /(?<=rt: )\d+/g).slice(0, 1)), () => String(2000 + 2 * random(2000))),
  (text, random) =>
    inPlace(
      text,
      some(
        random,
        values(text).filter(
          ({ from, to }) => /^[a-z][\w./-]*$/.test(text.slice(from, to)) && !/^(?:true|false)$/.test(text.slice(from, to)),
        ),
      ),
      (word) => pick(random, [`"${word}"`, `'${word}'`]),
    ),
  (text, random) => inPlace(text, some(random, keys(text)), (word) => pick(random, [`"${word}"`, `'${word}'`])),
  (text, random) => text.replaceAll(/\b(?:portfolio|hello)\.test\b/g, `${freshName(random)}.test`),
  (text, random) =>
    topBlocks(text.endsWith("\n") ? text : `${text}\n`)
      .toSorted(() => random(3) - 1)
      .join(""),
  (text, random) =>
    inPlace(
      text,
      some(
        random,
        rangesOf(text, /(?<=\{) |(?<=[\w"]), |(?<=\w:) (?=\w)/g).filter((range) => isLoud(text, range)),
      ),
      (word) => `${word} `,
    ),
];

export const keepRight = (text: string, random: Random): string => {
  let result = random(2) === 0 ? text : renameMachine(text, pick(random, MACHINES), freshName(random));
  for (let rounds = random(4); rounds > 0; rounds -= 1) result = pick(random, KEEP)(result, random);
  return random(8) === 0 ? result.replaceAll("\n", "\r\n") : result;
};

export const spoilOne = (text: string, random: Random): Mutation => pick(random, SPOIL)(text, random);

export const wreck = (text: string, random: Random): string => {
  let result = text;
  for (let rounds = 1 + random(3); rounds > 0 && result !== ""; rounds -= 1) result = pick(random, WRECK)(result, random);
  return result;
};
