/** Numbers that look random and follow from a seed, so that a failing run can be repeated. */
export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
  chance(part: number): boolean;
  /** Another source whose numbers follow from this one's. */
  fork(): Random;
}

/** Mulberry32: 32 bits of state are enough to choose troubles and texts. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    int,
    pick: (from) => {
      const picked = from[int(0, from.length - 1)];
      if (picked === undefined) throw new Error('Internal error: nothing to pick from');
      return picked;
    },
    chance: (part) => next() < part,
    fork: () => seeded(int(0, 2 ** 32 - 1)),
  };
}
