const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** setTimeout takes no more. */
export const MAX_DURATION_MS = 24 * 24 * 3600 * 1000;

/** `500ms`, `30s`, `1.5h` … in ms; NaN where it is none. */
export function millisecondsIn(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s?(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  return amount === undefined ? NaN : Number(amount) * (UNITS[unit ?? ''] ?? NaN);
}

/** A duration for people: `90 s`, `45 min`, `2 h`. */
export function durationWord(ms: number): string {
  if (ms < 120_000) return `${Number((ms / 1000).toFixed(1))} s`;
  if (ms < 120 * 60_000) return `${Math.round(ms / 60_000)} min`;
  return `${Number((ms / 3_600_000).toFixed(1))} h`;
}
