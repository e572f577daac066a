/** Waits between tries of what failed for a passing reason: one table for all of croft. */
import { setTimeout as sleepFor } from "node:timers/promises";
import { CroftError } from "../errors.ts";

/** Milliseconds before the second, third, fourth try. Fixed: a run's length can be foretold. */
export const RETRY_WAITS: readonly number[] = [500, 2000, 5000];

export const isTransient = (error: unknown): boolean => error instanceof CroftError && error.transient;

export type RetryOptions = {
  readonly waits?: readonly number[];
  /** Ends early, without an error, when the signal is aborted. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Told before each wait. */
  readonly onWait?: (error: unknown, milliseconds: number) => void | Promise<void>;
};

const sleepUntilAborted = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleepFor(milliseconds, undefined, { signal }).catch(() => {});

/** Calls `work` with the number of the try, from 1. @throws the last error, at once where it is not transient. */
export const retryTransient = async <T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> => {
  const { waits = RETRY_WAITS, sleep = sleepUntilAborted, signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      const wait = waits[attempt - 1];
      if (wait === undefined || !isTransient(error) || signal.aborted) throw error;
      await options.onWait?.(error, wait);
      await sleep(wait, signal);
      if (signal.aborted) throw error;
    }
  }
};
