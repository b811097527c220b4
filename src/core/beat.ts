/**
 * How long until the next moment that everything of this pace shares, in ms: a process with forty agents wakes once for
 * all of them, and paces that divide one another wake together.
 *
 * At least a quarter of the pace and at most five: timers end some tenths of a millisecond early by the clock, and the
 * moment that has just been kept shall not be kept again.
 */
export function untilBeat(now: number, paceMs: number): number {
  const leftMs = paceMs - (now % paceMs);
  return leftMs < paceMs / 4 ? leftMs + paceMs : leftMs;
}
