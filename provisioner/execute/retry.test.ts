import { expect, test } from "vitest";
import { CroftError } from "../errors.ts";
import { RETRY_WAITS, isTransient, retryTransient } from "./retry.ts";

const passing = new CroftError("TRANSPORT", "connection lost", { transient: true });

const tryIt = async (failures: readonly unknown[], options: { readonly abortAfter?: number } = {}) => {
  const controller = new AbortController();
  const waited: number[] = [];
  const attempts: number[] = [];
  const outcome = await retryTransient(
    async (attempt) => {
      attempts.push(attempt);
      if (attempt <= failures.length) throw failures[attempt - 1];
      return "done";
    },
    {
      signal: controller.signal,
      onWait: (_, wait) => void waited.push(wait),
      sleep: async () => (waited.length === options.abortAfter ? controller.abort() : undefined),
    },
  ).catch((error: unknown) => error);
  return { outcome, waited, attempts };
};

test("the first try is enough", async () => {
  expect(await tryIt([])).toEqual({ outcome: "done", waited: [], attempts: [1] });
});

test("waits by the table", async () => {
  expect(await tryIt([passing, passing, passing])).toEqual({ outcome: "done", waited: RETRY_WAITS, attempts: [1, 2, 3, 4] });
});

test("gives up at the end of the table", async () => {
  expect(await tryIt([passing, passing, passing, passing])).toEqual({ outcome: passing, waited: RETRY_WAITS, attempts: [1, 2, 3, 4] });
});

test("what will not pass is not tried again", async () => {
  const error = new Error("no");
  expect(await tryIt([error])).toEqual({ outcome: error, waited: [], attempts: [1] });
  expect(isTransient(error)).toBe(false);
});

test("stops waiting when asked to stop", async () => {
  expect(await tryIt([passing, passing], { abortAfter: 1 })).toMatchObject({ outcome: passing, attempts: [1] });
});

test("an abort cuts a real wait short", async () => {
  const controller = new AbortController();
  const begun = performance.now();
  const work = retryTransient(() => Promise.reject(passing), { signal: controller.signal, waits: [60_000] });
  setTimeout(() => controller.abort(), 10);
  await expect(work).rejects.toBe(passing);
  await expect(retryTransient(() => Promise.reject(passing), { signal: controller.signal })).rejects.toBe(passing);
  expect(performance.now() - begun).toBeLessThan(5000);
});
