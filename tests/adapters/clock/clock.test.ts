import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/adapters/clock/clock.ts';
import type { Clock } from '../../../src/engine/ports.ts';

const clock: Clock = systemClock();

describe('the clock of the system', () => {
  it('tells the time', () => {
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(50);
  });

  it('sleeps', async () => {
    const start = performance.now();
    await clock.sleep(20);
    expect(performance.now() - start).toBeGreaterThanOrEqual(19);
  });

  it.each([0, -5, Number.NaN])('does not wait for %d ms', async (ms) => {
    await clock.sleep(ms);
  });

  it('wakes at once when the signal aborts, before or during the sleep', async () => {
    const abort = new AbortController();
    const sleeping = clock.sleep(60_000, abort.signal);
    abort.abort();
    await sleeping;
    await clock.sleep(60_000, abort.signal);
  });

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    await Promise.all([1, 2, 3].map((ms) => clock.sleep(ms, signal)));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('sleeps longer than one timer can', async () => {
    vi.useFakeTimers();
    try {
      let awake = false;
      const sleeping = clock.sleep(2 ** 31 + 1000).then(() => (awake = true));
      await vi.advanceTimersByTimeAsync(2 ** 31);
      expect(awake).toBe(false);
      await vi.advanceTimersByTimeAsync(1000);
      await sleeping;
    } finally {
      vi.useRealTimers();
    }
  });
});
