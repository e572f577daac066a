export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** At most `most` pieces of work run at once; others wait for their turn, in order. */
export function makeGate(most: number): Gate {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => void waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
