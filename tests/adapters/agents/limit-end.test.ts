import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limitEnd, withLimitEnd, withLimitShown } from '../../../src/adapters/agents/limit-end.ts';

const at = (iso: string): number => Date.parse(iso);
const end = (text: string, now: string, zone: string): string | undefined => {
  const ms = limitEnd(text, at(now), zone);
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

describe('when a limit ends', () => {
  test.each([
    // Text as Claude Code words it, now, zone of the machine, end.
    ["You've hit your session limit · resets 5pm", '2026-10-01T10:00:00Z', 'UTC', '2026-10-01T17:00:00.000Z'],
    ["You've hit your session limit · resets 5pm", '2026-10-01T10:00:00Z', 'Asia/Tokyo', '2026-10-02T08:00:00.000Z'],
    ['resets 5pm', '2026-10-01T10:00:00Z', 'America/New_York', '2026-10-01T21:00:00.000Z'],
    ['resets 5:30pm (Europe/Berlin)', '2026-10-01T10:00:00Z', 'Asia/Tokyo', '2026-10-01T15:30:00.000Z'],
    ['resets 5:30 PM (Europe/Berlin)', '2026-12-01T10:00:00Z', 'Asia/Tokyo', '2026-12-01T16:30:00.000Z'],
    ['resets 12am (UTC)', '2026-10-01T10:00:00Z', 'Asia/Tokyo', '2026-10-02T00:00:00.000Z'],
    ['resets 12:15pm (Asia/Kolkata)', '2026-10-01T10:00:00Z', 'UTC', '2026-10-02T06:45:00.000Z'],
    ['Your limit will reset at 17:00.', '2026-10-01T10:00:00Z', 'Europe/Berlin', '2026-10-01T15:00:00.000Z'],
    ['Your limit will reset at 09:05', '2026-10-01T10:00:00Z', 'UTC', '2026-10-02T09:05:00.000Z'],
    ['reset at 17:00 UTC', '2026-10-01T10:00:00Z', 'Asia/Tokyo', '2026-10-01T17:00:00.000Z'],
    ['weekly limit · resets Oct 5, 9am', '2026-10-01T10:00:00Z', 'UTC', '2026-10-05T09:00:00.000Z'],
    ['weekly limit · resets Oct 5 at 9:30am (Europe/Paris)', '2026-10-01T10:00:00Z', 'UTC', '2026-10-05T07:30:00.000Z'],
    ['resets January 2, 9am', '2026-12-30T10:00:00Z', 'UTC', '2027-01-02T09:00:00.000Z'],
    ['resets Jan 2, 2027, 9am', '2026-12-30T10:00:00Z', 'UTC', '2027-01-02T09:00:00.000Z'],
    ['monthly spend limit · resets Nov 1', '2026-10-05T10:00:00Z', 'America/New_York', '2026-11-01T04:00:00.000Z'],
    ['Claude AI usage limit reached|1760000000', '2025-10-09T00:00:00Z', 'Asia/Tokyo', '2025-10-09T08:53:20.000Z'],
    ['usage limit reached|1760000000000', '2025-10-09T00:00:00Z', 'UTC', '2025-10-09T08:53:20.000Z'],
    ['Fast limit reached · resets in 2h 10m', '2026-10-01T10:00:00Z', 'UTC', '2026-10-01T12:10:00.000Z'],
    ['resets in 45 minutes', '2026-10-01T10:00:00Z', 'UTC', '2026-10-01T10:45:00.000Z'],
    ['Wait for the limit to reset\n2. Go on\nresets 5pm', '2026-10-01T10:00:00Z', 'UTC', '2026-10-01T17:00:00.000Z'],
    // Wrapped by a narrow pane, and with the narrow blank that ICU puts before PM.
    ['limit · resets\n  5:30\u202fPM\n  (Europe/Berlin)', '2026-10-01T10:00:00Z', 'UTC', '2026-10-01T15:30:00.000Z'],
    // The clocks go back in the night between (Oct 25, 2026 in Berlin) and forward (Mar 28, 2027).
    ['resets 9am', '2026-10-24T20:00:00Z', 'Europe/Berlin', '2026-10-25T08:00:00.000Z'],
    ['resets 9am', '2027-03-27T20:00:00Z', 'Europe/Berlin', '2027-03-28T07:00:00.000Z'],
    // This clock is a little ahead of theirs: what has just passed is meant, not the same time of tomorrow.
    ['resets 5pm', '2026-10-01T17:04:00Z', 'UTC', '2026-10-01T17:00:00.000Z'],
    ['resets 12am', '2026-10-02T00:04:00Z', 'UTC', '2026-10-02T00:00:00.000Z'],
    ['resets 5pm', '2026-10-01T17:30:00Z', 'UTC', '2026-10-02T17:00:00.000Z'],
  ])('%j at %s in %s: %s', (text, now, zone, expected) => {
    expect(end(text, now, zone)).toBe(expected);
  });

  test.each([
    '',
    'API Error: Request rejected (429) · This request would exceed your account’s rate limit. Please try again later.',
    'resets soon',
    'resets 5',
    'resets 25:00',
    'resets 5:75pm',
    'resets 13pm',
    'resets 5pm (Nowhere/Land)',
    'resets Foo 5, 9am',
    'resets in a while',
    'resets in 3 moons',
    'limit reached|123',
    'limit reached|99999999999999',
    'limit reached|1960000000',
    'it resets each month',
    'presets 5pm',
    'resets Dec 24, 2031, 9am',
    '5pm',
  ])('%j tells no time', (text) => {
    expect(limitEnd(text, at('2026-10-01T10:00:00Z'), 'UTC')).toBeUndefined();
  });

  test('is that wall clock in that zone, whatever the zone and the day', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/St_Johns',
      'Pacific/Auckland',
      'Asia/Kathmandu',
      'America/Sao_Paulo',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 59 }),
        fc.constantFrom('am', 'pm'),
        fc.date({ min: new Date('2026-01-01'), max: new Date('2028-01-01'), noInvalidDate: true }),
        (zone, hour, minute, half, now) => {
          const text = `resets ${hour}:${String(minute).padStart(2, '0')}${half} (${zone})`;
          const ms = limitEnd(text, now.getTime(), 'UTC') ?? NaN;
          expect(ms - now.getTime()).toBeGreaterThanOrEqual(-600_000);
          expect(ms - now.getTime()).toBeLessThanOrEqual(25 * 3_600_000);
          const shown = new Date(ms).toLocaleTimeString('en-US', {
            timeZone: zone,
            hour: 'numeric',
            minute: '2-digit',
          });
          // An hour that the clocks leave out is shown as the one after it.
          if (!changesClocks(ms, zone))
            expect(shown.replaceAll(/\s/g, '').toLowerCase()).toBe(`${hour}:${String(minute).padStart(2, '0')}${half}`);
        },
      ),
    );
  });
});

/** Whether the zone's clocks are changed within about an hour of this moment. */
function changesClocks(ms: number, zone: string): boolean {
  const hourAt = (at: number): string =>
    new Date(at).toLocaleString('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  const offset = (at: number): string => /GMT.*$/.exec(hourAt(at))?.[0] ?? '';
  return offset(ms - 3_700_000) !== offset(ms + 3_700_000);
}

describe('a turn that broke off', () => {
  const failed = (error: string, last: string) => ({
    id: '1',
    atMs: at('2026-10-01T10:00:00Z'),
    news: { kind: 'turn-failed' as const, error, last },
  });

  test('at a limit that names its end is told with it', () => {
    expect(withLimitEnd(failed('rate_limit', 'You’ve hit your session limit · resets 5pm (UTC)'))).toMatchObject({
      news: { kind: 'turn-failed', limitUntilMs: at('2026-10-01T17:00:00Z') },
    });
  });

  test('at anything else is told as it is', () => {
    for (const evidence of [failed('rate_limit', 'try again later'), failed('server_error', 'resets 5pm')])
      expect(withLimitEnd(evidence)).toBe(evidence);
    const other = { id: '1', atMs: 0, news: { kind: 'turn-ended' as const, last: 'limit resets 5pm', background: 0 } };
    expect(withLimitEnd(other)).toBe(other);
  });
});

describe('a dialog', () => {
  const shown = (name: string, text: string) => ({
    kind: 'dialog' as const,
    dialog: { name, text, choices: ['1. Wait for the limit to reset'], hint: 'h' },
  });
  const now = at('2026-10-01T10:00:00Z');

  test('that tells of a limit is told with its end', () => {
    const screen = withLimitShown(shown('limit', 'Usage limit reached · resets 5pm (UTC)\nWhat now?'), now);
    expect(screen).toMatchObject({ dialog: { name: 'limit', limitUntilMs: at('2026-10-01T17:00:00Z') } });
  });

  test.each([
    shown('limit', 'Usage limit reached'),
    shown('permission', 'echo resets 5pm (UTC)'),
    { kind: 'composer' as const, draft: 'limit resets 5pm', rows: [], busy: false },
  ])('or a screen that does not is as it is', (screen) => {
    expect(withLimitShown(screen, now)).toBe(screen);
  });
});
