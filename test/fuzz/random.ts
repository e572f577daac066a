/** Mulberry32: small and seeded, good enough to choose what to spoil. */
export type Random = (below: number) => number;

export const makeRandom = (seed: number): Random => {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

export const pick = <T>(random: Random, items: readonly T[]): T => items[random(items.length)] as T;

/** `FUZZ_SEED` of the environment, or always the same one. */
export const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_121);
