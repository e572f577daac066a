/** Two good files, 2,000 seeded mutations: a Model or problems with a place, quickly, and never anything else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sourceText } from "./bytes.ts";
import { renderProblems } from "./diagnostics.ts";
import { parseConfig, type ConfigResult } from "./parse.ts";
import { EXAMPLE_SERVICES } from "./services.fixture.ts";

const EXAMPLES = ["hello", "portfolio"].map((name) =>
  readFileSync(join(import.meta.dirname, "../../examples", name, "croft.yaml"), "utf8"),
);
const MUTATIONS = Number(process.env["FUZZ_MUTATIONS"] ?? 2_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_121);
const SLOWEST_MS = 1_000;

/** mulberry32: small, seeded, good enough to choose mutations. */
const makeRandom = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};
type Random = ReturnType<typeof makeRandom>;

const NASTY = [
  "{",
  "}",
  "[",
  "]",
  '"',
  "'",
  "\t",
  "\n",
  "\0",
  ":",
  ": ",
  "- ",
  "? ",
  "#",
  " #",
  "&a ",
  "*a",
  "!!x ",
  "<<: ",
  "|",
  ">",
  "%",
  "@",
  "`",
  "${",
  "\u202e",
  "\u200b",
  "\ufeff",
  "\r",
  "é",
  "а",
  "\ud800",
  "---\n",
  "...",
  ",",
  "~",
  "null",
  "1e999",
  "99999999999999999999",
  "0x10",
  "__proto__: 1",
  "constructor",
  "../",
  "/",
  ";",
  "$(id)",
  "[".repeat(200),
  "- ".repeat(200),
  " ".repeat(70),
  "x".repeat(5000),
];

const pick = <T>(random: Random, items: readonly T[]): T => items[random(items.length)] as T;
const wordsOf = (text: string) => [...text.matchAll(/[\w.$@/-]+/g), ...text.matchAll(/$/g)];
const cut = (text: string, from: number, to: number, put: string): string => text.slice(0, from) + put + text.slice(to);

const MUTATE: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => {
    const at = random(text.length);
    return cut(text, at, at + 1, "");
  },
  (text, random) => {
    const at = random(text.length);
    return cut(text, at, at, pick(random, NASTY));
  },
  (text, random) => {
    const at = random(text.length);
    return cut(text, at, at + 1 + random(8), pick(random, NASTY));
  },
  (text, random) => {
    const at = random(text.length);
    return cut(text, at, at + random(200), "");
  },
  (text, random) => text.slice(0, random(text.length)),
  (text, random) => {
    const lines = text.split("\n");
    const line = pick(random, lines);
    lines.splice(random(lines.length), 0, line);
    return lines.join("\n");
  },
  (text, random) => {
    const lines = text.split("\n");
    lines.splice(random(lines.length), 1);
    return lines.join("\n");
  },
  (text, random) => {
    const lines = text.split("\n");
    const at = random(lines.length);
    lines[at] = `${" ".repeat(random(4))}${lines[at]}`;
    return lines.join("\n");
  },
  (text, random) => {
    const words = wordsOf(text);
    const word = pick(random, words);
    return cut(text, word.index, word.index + word[0].length, pick(random, words)[0]);
  },
  (text, random) => {
    const words = wordsOf(text);
    const word = pick(random, words);
    return cut(text, word.index, word.index + word[0].length, pick(random, NASTY));
  },
];

const toBytes = (text: string, random: Random): Uint8Array => {
  const bytes = new TextEncoder().encode(text);
  if (random(20) === 0 && bytes.length > 0) bytes[random(bytes.length)] = random(256);
  return bytes;
};

const parse = (bytes: Uint8Array): ConfigResult =>
  parseConfig({ file: "croft.yaml", folder: "/srv", bytes, services: EXAMPLE_SERVICES, variables: {} });

const checkRefusal = (result: Extract<ConfigResult, { ok: false }>, source: string): void => {
  expect(result.problems.length).toBeGreaterThan(0);
  const lines = source.split("\n");
  for (const { place, message } of result.problems) {
    expect(place.line).toBeGreaterThanOrEqual(1);
    expect(place.line).toBeLessThanOrEqual(lines.length);
    expect(place.col).toBeLessThanOrEqual([...(lines[place.line - 1] ?? "")].length + 1);
    expect(message.length).toBeLessThan(400);
    expect(message).not.toMatch(/undefined|\[object|NaN/);
  }
  const text = renderProblems(result.problems, { "croft.yaml": source });
  expect(text).toMatch(/^ {2}--> croft\.yaml:\d+:\d+$/m);
  // eslint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
};

test("mutated files are read or refused, never anything else", () => {
  const random = makeRandom(SEED);
  let refused = 0;
  for (let count = 0; count < MUTATIONS; count += 1) {
    const rounds = 1 + random(3);
    let text = pick(random, EXAMPLES);
    for (let round = 0; round < rounds && text.length > 0; round += 1) text = pick(random, MUTATE)(text, random);
    const bytes = toBytes(text, random);
    const start = performance.now();
    const result = parse(bytes);
    expect(performance.now() - start).toBeLessThan(SLOWEST_MS);
    if (result.ok) continue;
    refused += 1;
    checkRefusal(result, sourceText(bytes));
  }
  expect(refused).toBeGreaterThan(MUTATIONS / 2);
}, 600_000);

test("a single wrong value is named where it stands", () => {
  const random = makeRandom(7);
  const portfolio = EXAMPLES[1] ?? "";
  const values = [
    ...portfolio.matchAll(/(?<=(?:kind|machine|memory|port|stopTimeout|to|host|source|mode|site|domain|path|disk|live): )[\w.@/]+/g),
  ];
  let near = 0;
  for (const value of values) {
    const junk = pick(random, ["nope!", "-1", "'x y'", "[]", "{}", "~", "3.5"]);
    const result = parse(new TextEncoder().encode(cut(portfolio, value.index, value.index + value[0].length, junk)));
    const line = portfolio.slice(0, value.index).split("\n").length;
    if (!result.ok && result.problems.some(({ place }) => place.line === line)) near += 1;
  }
  expect(near / values.length).toBeGreaterThanOrEqual(0.95);
});
