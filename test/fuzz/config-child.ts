/** Worker: a share of the mutated configurations, each read and judged. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort } from "node:worker_threads";
import { sourceText } from "../../provisioner/config/bytes.ts";
import { renderProblems } from "../../provisioner/config/diagnostics.ts";
import { parseConfig, type ConfigResult } from "../../provisioner/config/parse.ts";
import { EXAMPLE_SERVICES } from "../../provisioner/config/services.fixture.ts";
import { makeText } from "../../provisioner/config/text.ts";
import { answerJobs } from "./child.ts";
import { keepRight, spoilOne, wreck, type Mutation } from "./mutators.ts";
import { makeRandom, pick } from "./random.ts";

export type ConfigJob = { readonly seed: number; readonly from: number; readonly count: number };
export type ConfigAnswer = {
  readonly valid: number;
  /** Refused files with one spoilt token, and how many of them are told inside it. */
  readonly spoilt: number;
  readonly near: number;
  readonly misses: readonly string[];
  /** What must never be: a right file refused, a refusal without a place. */
  readonly wrong: readonly string[];
  readonly slowestMs: number;
};

const EXAMPLES = ["hello", "portfolio"].map((name) =>
  readFileSync(join(import.meta.dirname, "../../examples", name, "croft.yaml"), "utf8"),
);
const FILE = "croft.yaml";

const parse = (bytes: Uint8Array): ConfigResult =>
  parseConfig({ file: FILE, folder: "/srv", bytes, services: EXAMPLE_SERVICES, variables: {} });

type Refusal = Extract<ConfigResult, { ok: false }>;

const faultOf = ({ problems }: Refusal, source: string): string | undefined => {
  const lines = source.split("\n");
  const bad = problems.find(
    ({ place, message }) =>
      place.line < 1 ||
      place.line > lines.length ||
      place.col > [...(lines[place.line - 1] ?? "")].length + 1 ||
      message.length >= 400 ||
      /undefined|\[object|NaN/.test(message),
  );
  if (bad !== undefined) return `odd problem ${JSON.stringify(bad)}`;
  const shown = renderProblems(problems, { [FILE]: source });
  if (!/^ {2}--> croft\.yaml:\d+:\d+$/m.test(shown)) return "no place is shown";
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f\u202e]/.test(shown)) return "something unseen is shown";
  return /^\s+at .*:\d+:\d+\)?$/m.test(shown) ? "a stack is shown" : undefined;
};

/** Some problem starts inside the spoilt token, or one character beside it. */
const isNear = ({ problems }: Refusal, { text, from, to }: Mutation): boolean => {
  const source = makeText(FILE, text);
  const token = source.place({ start: from, end: to });
  const isAfter = (line: number, col: number): boolean => line > token.line || (line === token.line && col >= token.col - 1);
  const isBefore = (line: number, col: number): boolean => line < token.endLine || (line === token.endLine && col <= token.endCol + 1);
  return problems.some(({ place }) => isAfter(place.line, place.col) && isBefore(place.line, place.col));
};

type Tally = { -readonly [Key in keyof ConfigAnswer]: ConfigAnswer[Key] extends readonly string[] ? string[] : number };

const KEPT = 3;
const SPOILT = 8;

const one = (tally: Tally, seed: number, index: number): void => {
  const random = makeRandom(seed + index * 7919);
  const example = pick(random, EXAMPLES);
  const kind = random(10);
  const mutation: Mutation =
    kind < KEPT || kind >= SPOILT
      ? { name: "", text: kind < KEPT ? keepRight(example, random) : wreck(example, random), from: 0, to: 0 }
      : spoilOne(example, random);
  const bytes = new TextEncoder().encode(mutation.text);
  if (kind >= SPOILT && random(10) === 0 && bytes.length > 0) bytes[random(bytes.length)] = random(256);
  const start = performance.now();
  const result = parse(bytes);
  tally.slowestMs = Math.max(tally.slowestMs, performance.now() - start);
  if (result.ok) {
    tally.valid += 1;
    return;
  }
  const say = (text: string): string => `FUZZ_SEED=${seed} mutation ${index}: ${text}`;
  const told = (): string =>
    result.problems
      .map(({ place, message }) => `${place.line}:${place.col} ${message}`)
      .slice(0, 3)
      .join("; ");
  const fault = faultOf(result, sourceText(bytes));
  if (fault !== undefined) tally.wrong.push(say(fault));
  if (kind < KEPT) tally.wrong.push(say(`a right file was refused: ${told()}`));
  if (mutation.name === "") return;
  tally.spoilt += 1;
  if (isNear(result, mutation)) tally.near += 1;
  else
    tally.misses.push(say(`${mutation.name} ${JSON.stringify(mutation.text.slice(mutation.from, mutation.to).slice(0, 60))}: ${told()}`));
};

answerJobs<ConfigJob, ConfigAnswer>(parentPort, ({ seed, from, count }) => {
  const tally: Tally = { valid: 0, spoilt: 0, near: 0, misses: [], wrong: [], slowestMs: 0 };
  for (let index = from; index < from + count; index += 1) one(tally, seed, index);
  return tally;
});
