import { createHash } from 'node:crypto';

/** Two versions of a prompt that are served in turn, `split` of a hundred times the second. */
export interface Comparison {
  readonly versions: readonly [string, string];
  readonly split: number;
}

/** What stands for a comparison where its turns are counted: another split begins anew. */
export const comparisonKey = (prompt: string, { versions, split }: Comparison): string =>
  `${prompt} ${versions.join(' ')} ${split}`;

/**
 * Which of the two is served at a turn (0 is the first). The same for the same turn, and exact over each block of turns: of
 * 100 for a split of 33, of 10 for 30, of 2 for 50. Within a block the order is drawn from a hash, so that no habit of
 * asking falls in with it.
 */
export function versionAt(prompt: string, comparison: Comparison, turn: number): string {
  const { versions, split } = comparison;
  const shared = greatestDivisor(split, 100);
  const [size, seconds] = [100 / shared, split / shared];
  const block = Math.floor(turn / size);
  const drawn = Array.from({ length: size }, (_, place) => ({
    place,
    lot: createHash('sha256')
      .update(`${comparisonKey(prompt, comparison)} ${block} ${place}`)
      .digest('hex'),
  })).sort((a, b) => (a.lot < b.lot ? -1 : 1));
  return drawn.slice(0, seconds).some(({ place }) => place === turn % size) ? versions[1] : versions[0];
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));
