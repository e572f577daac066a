/** Removes objects that nobody names any more, for as long as it takes. */
import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "pino";
import type { Objects } from "./objects.ts";
import type { Trash } from "./trash.ts";

/** Milliseconds between two looks, and how many objects one look takes. */
const PAUSE = 5_000;
const BATCH = 20;

export type Sweeper = {
  /** Looks now instead of later: something was just put on the list. */
  readonly poke: () => void;
  /** Returns when the running look is over. */
  readonly stop: () => Promise<void>;
};

/** Several may run on one list: a key is taken by one of them for a while, and by another when it failed or died. */
export function startSweeper(trash: Trash, objects: Pick<Objects, "remove">, log: Logger): Sweeper {
  const stopping = new AbortController();
  let waking = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      waking = new AbortController();
      const more = await sweep(trash, objects, log);
      if (!more) await wait(PAUSE, undefined, { signal: AbortSignal.any([stopping.signal, waking.signal]) }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    poke: () => waking.abort(),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** Returns whether there is probably more to do. A key whose removal fails stays on the list. */
async function sweep(trash: Trash, objects: Pick<Objects, "remove">, log: Logger): Promise<boolean> {
  try {
    const claims = await trash.claim(BATCH);
    for (const claim of claims) {
      await objects.remove(claim.key);
      await trash.forget(claim);
    }
    return claims.length === BATCH;
  } catch (error) {
    log.warn({ err: error }, "objects could not be removed, trying again");
    return false;
  }
}
