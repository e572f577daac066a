/** Does something again after the connection was lost, a bounded number of times. */
import { setTimeout as sleep } from "node:timers/promises";
import { CroftError } from "../../errors.ts";

export type Reconnect = {
  /** Waits between tries; their number bounds them. */
  readonly delaysMs: readonly number[];
  readonly say: (text: string) => void;
  /** Once aborted, nothing is tried again. */
  readonly signal?: AbortSignal;
};

/** About two minutes in all. */
export const DELAYS_MS: readonly number[] = [250, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000, 30_000];

export const isLost = (error: unknown): boolean => error instanceof CroftError && error.code === "TRANSPORT" && error.transient;

/** `progress` says that something came through since: the count of tries starts anew. */
export const withReconnect = async <T>(options: Reconnect, doing: string, effect: (progress: () => void) => Promise<T>): Promise<T> => {
  let tries = 0;
  for (;;) {
    try {
      return await effect(() => (tries = 0));
    } catch (error) {
      const delay = options.delaysMs[tries];
      if (!isLost(error) || delay === undefined || options.signal?.aborted === true) throw error;
      if (tries === 0) options.say(`the connection was lost while ${doing}; connecting again`);
      tries += 1;
      await sleep(delay, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  }
};
