import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { versionAt } from '../../src/prompts/split.ts';

const at = (split: number, turn: number, prompt = 'unblock'): string =>
  versionAt(prompt, { versions: ['1.0.0', '1.1.0'], split }, turn);
const served = (split: number, turns: number): string[] => Array.from({ length: turns }, (_, turn) => at(split, turn));
const seconds = (versions: readonly string[]): number => versions.filter((version) => version === '1.1.0').length;

describe('the split', () => {
  test.each([1, 7, 10, 25, 33, 50, 75, 80, 99])('of %i is exact over each hundred', (split) => {
    const versions = served(split, 300);
    for (const from of [0, 100, 200]) expect(seconds(versions.slice(from, from + 100))).toBe(split);
  });

  test('of a half is exact over each two, of 20 over each five', () => {
    for (let from = 0; from < 40; from += 2) expect(seconds(served(50, 40).slice(from, from + 2))).toBe(1);
    for (let from = 0; from < 40; from += 5) expect(seconds(served(20, 40).slice(from, from + 5))).toBe(1);
  });

  test('is the same each time', () => {
    expect(served(37, 100)).toEqual(served(37, 100));
  });

  test('has no rhythm that a habit could fall in with', () => {
    const first = Array.from({ length: 200 }, (_, block) => at(50, block * 2));
    expect(seconds(first)).toBeGreaterThan(70);
    expect(seconds(first)).toBeLessThan(130);
    expect(served(50, 40)).not.toEqual(Array.from({ length: 40 }, (_, turn) => at(50, turn, 'other')));
  });

  test('is never further off than one block', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 250 }), (split, turns) => {
        const off = Math.abs(seconds(served(split, turns)) - (turns * split) / 100);
        expect(off).toBeLessThan(100 / divisor(split, 100));
      }),
      { numRuns: 20 },
    );
  });
});

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
