/**
 * Two good files, changed ten thousand times: read, or refused with a place, in bounded time and memory. Where one token
 * was spoilt, the place is in it. `FUZZ_SEED` and `FUZZ_MUTATIONS` choose others.
 */
import { afterAll, expect, test } from "vitest";
import { makeChild } from "./child.ts";
import type { ConfigAnswer, ConfigJob } from "./config-child.ts";
import { SEED } from "./random.ts";

const MUTATIONS = Number(process.env["FUZZ_MUTATIONS"] ?? 10_000);
const SHARE = 100;
/** For a share: no single file may come near this. */
const LIMITS = { memoryMiB: 256, milliseconds: 60_000 };
const child = makeChild<ConfigJob, ConfigAnswer>(new URL("./config-child.ts", import.meta.url), LIMITS);
afterAll(() => child.end());

const all = async (): Promise<readonly ConfigAnswer[]> => {
  const answers: ConfigAnswer[] = [];
  for (let from = 0; from < MUTATIONS; from += SHARE) {
    const job = { seed: SEED, from, count: Math.min(SHARE, MUTATIONS - from) };
    const { answer } = await child.ask(job).catch((cause: unknown) => {
      throw new Error(`FUZZ_SEED=${SEED}, mutations ${from} to ${from + SHARE}: ${String(cause)}`, { cause });
    });
    answers.push(answer);
  }
  return answers;
};

const sum = (answers: readonly ConfigAnswer[], key: "valid" | "spoilt" | "near"): number =>
  answers.reduce((total, answer) => total + answer[key], 0);

test(`${MUTATIONS} changed configurations (FUZZ_SEED=${SEED})`, { timeout: 3_600_000 }, async () => {
  const answers = await all();
  const [valid, spoilt, near] = [sum(answers, "valid"), sum(answers, "spoilt"), sum(answers, "near")];
  const slowest = Math.max(...answers.map(({ slowestMs }) => slowestMs));
  console.log(`${valid} valid, ${spoilt} refused for one token, ${near} told inside it, slowest ${Math.round(slowest)} ms`);
  if (process.env["FUZZ_SHOW"] !== undefined) console.log(answers.flatMap(({ misses }) => misses).join("\n"));
  expect(answers.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(valid / MUTATIONS).toBeGreaterThanOrEqual(0.2);
  expect(near / spoilt).toBeGreaterThanOrEqual(0.95);
});
