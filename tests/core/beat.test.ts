import fc from 'fast-check';
import { expect, it } from 'vitest';
import { untilBeat } from '../../src/core/beat.ts';

const anyTime = fc.integer({ min: 0, max: 2 ** 45 });
const anyPace = fc.integer({ min: 8, max: 60_000 });

it('ends at a moment that all of the same pace share, and at none that was just kept', () => {
  fc.assert(
    fc.property(anyTime, anyPace, (now, paceMs) => {
      const leftMs = untilBeat(now, paceMs);
      expect((now + leftMs) % paceMs).toBe(0);
      expect(leftMs).toBeGreaterThanOrEqual(paceMs / 4);
      expect(leftMs).toBeLessThanOrEqual(paceMs * 1.25);
    }),
  );
});

it.each([
  [10_000, 1000, 1000],
  [10_400, 1000, 600],
  // A timer that ended early: not once more after a millisecond.
  [10_999, 1000, 1001],
  [10_200, 5000, 4800],
])('at %d with a pace of %d ms: %d ms', (now, paceMs, leftMs) => {
  expect(untilBeat(now, paceMs)).toBe(leftMs);
});

it('wakes those of a pace and of its multiples together', () => {
  const now = 12_345;
  expect((now + untilBeat(now, 3000)) % 1000).toBe(0);
  expect((now + untilBeat(now, 5000)) % 1000).toBe(0);
});
