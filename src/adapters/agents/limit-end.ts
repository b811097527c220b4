import type { Evidence } from '../../core/agent.ts';
import type { Screen } from '../../core/screen.ts';

/**
 * When a usage limit ends, from the words that tell of it, in ms since the epoch; undefined where they give no time.
 * `atMs`: when they were written; a time of day is that of the next such moment. `zone`: the IANA zone of a time that
 * names none.
 *
 * Known forms: `resets 5pm`, `resets 5:30pm (Europe/Berlin)`, `reset at 17:00`, `resets Oct 5, 9am`, `resets in 2h 10m`,
 * `limit reached|1760000000`. Anything else is no time: to guess one would leave an agent waiting for days.
 */
export function limitEnd(text: string, atMs: number, zone: string = ownZone()): number | undefined {
  const said = text.slice(0, LONGEST_TEXT);
  const endMs = fromEpoch(said) ?? fromDuration(said, atMs) ?? fromTimeOfDay(said, atMs, zone);
  if (endMs === undefined || endMs < atMs - RECENT_MS || endMs > atMs + LONGEST_WAIT_MS) return undefined;
  return endMs;
}

/** Adds the end of the limit to the report of a turn that broke off at one. */
export function withLimitEnd(evidence: Evidence): Evidence {
  const { news, atMs } = evidence;
  if (news.kind !== 'turn-failed' || !/limit/i.test(`${news.error} ${news.last}`)) return evidence;
  const limitUntilMs = limitEnd(news.last, atMs);
  return limitUntilMs === undefined ? evidence : { ...evidence, news: { ...news, limitUntilMs } };
}

/** Adds the end of the limit to a dialog that tells of one. */
export function withLimitShown(screen: Screen, atMs: number): Screen {
  if (screen.kind !== 'dialog' || screen.dialog.name !== 'limit') return screen;
  const limitUntilMs = limitEnd(screen.dialog.text, atMs);
  return limitUntilMs === undefined ? screen : { ...screen, dialog: { ...screen.dialog, limitUntilMs } };
}

const LONGEST_TEXT = 4_000;
/** Monthly limits are the longest there are. */
const LONGEST_WAIT_MS = 40 * 24 * 3_600_000;
/** Clocks differ: a moment that has just passed here is meant, and not the same time of the next day. */
const RECENT_MS = 10 * 60_000;

const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Seconds or milliseconds behind a bar. */
function fromEpoch(text: string): number | undefined {
  const digits = /\|\s*([0-9]{13}|[0-9]{10})(?![0-9])/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  return digits.length === 13 ? Number(digits) : Number(digits) * 1000;
}

function fromDuration(text: string, atMs: number): number | undefined {
  const said = /\bresets?\s+in\s+((?:[0-9]{1,3}\s*[a-z]+[\s,]*(?:and\s+)?){1,3})/i.exec(text)?.[1];
  if (said === undefined) return undefined;
  const parts = [...said.matchAll(/([0-9]{1,3})\s*([a-z]+)/gi)];
  const ms = parts.map(([, count, unit = '']) => Number(count) * (UNITS_MS[unit[0]?.toLowerCase() ?? ''] ?? NaN));
  const known = parts.every(([, , unit = '']) => UNIT.test(unit));
  return known && ms.length > 0 ? atMs + ms.reduce((sum, each) => sum + each, 0) : undefined;
}

const UNIT = /^(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)$/i;
const UNITS_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const DATE = String.raw`(?<month>[a-z]{3,9})\.? (?<day>[0-9]{1,2})(?:,? (?<year>20[0-9]{2}))?`;
const CLOCK = String.raw`(?<hour>[0-9]{1,2})(?::(?<minute>[0-9]{2}))?(?:\s?(?<half>[ap]\.?m\b\.?))?`;
const ZONE = String.raw`(?:\s*\((?<zone>[A-Za-z_+\-/0-9]{2,40})\)|\s+(?<utc>UTC|GMT)\b)?`;
const RESET = new RegExp(
  String.raw`\bresets?(?: at| on)?:?\s+(?:${DATE}(?:,| at)?\s+)?${CLOCK}(?![0-9:/-])${ZONE}`,
  'gi',
);
const RESET_DAY = new RegExp(String.raw`\bresets?(?: on)?:?\s+${DATE}(?![0-9:])${ZONE}`, 'gi');

/** The first words of that form that make sense: `wait for the limit to reset 2. Go on` is no time. */
function fromTimeOfDay(text: string, atMs: number, usual: string): number | undefined {
  const flat = text.replaceAll(/[\s\u00a0\u202f]+/g, ' ');
  for (const { groups = {} } of [...flat.matchAll(RESET), ...flat.matchAll(RESET_DAY)]) {
    const zone = groups['zone'] ?? (groups['utc'] === undefined ? usual : 'UTC');
    const endMs = isZone(zone) ? momentSaid(groups, atMs, zone) : undefined;
    if (endMs !== undefined) return endMs;
  }
  return undefined;
}

function momentSaid(found: Record<string, string | undefined>, atMs: number, zone: string): number | undefined {
  const time = timeOf(found);
  if (time === undefined) return undefined;
  const { month } = found;
  return month === undefined ? nextTime(time, atMs, zone) : onDate({ ...found, month }, time, atMs, zone);
}

interface TimeOfDay {
  readonly hour: number;
  readonly minute: number;
}

/** Midnight where only a day is said. A bare number is no time: `resets 5` may be anything. */
function timeOf(found: Record<string, string | undefined>): TimeOfDay | undefined {
  const { hour: hourText, minute: minuteText, half } = found;
  if (hourText === undefined) return { hour: 0, minute: 0 };
  const hour = Number(hourText);
  const minute = Number(minuteText ?? 0);
  if (minute > 59) return undefined;
  if (half === undefined) return minuteText === undefined || hour > 23 ? undefined : { hour, minute };
  if (hour < 1 || hour > 12) return undefined;
  return { hour: (hour % 12) + (half.toLowerCase().startsWith('p') ? 12 : 0), minute };
}

function nextTime(time: TimeOfDay, atMs: number, zone: string): number | undefined {
  const { year, month, day } = wallClock(atMs - RECENT_MS, zone);
  const moments = [0, 1].map((later) => momentOf({ year, month, day: day + later, ...time }, zone));
  return moments.find((moment) => moment >= atMs - RECENT_MS);
}

function onDate(
  found: Record<string, string | undefined> & { readonly month: string },
  time: TimeOfDay,
  atMs: number,
  zone: string,
): number | undefined {
  const month = MONTHS.indexOf(found.month.slice(0, 3).toLowerCase());
  const day = Number(found['day']);
  if (month < 0 || day < 1 || day > 31) return undefined;
  const { year } = wallClock(atMs, zone);
  const years = found['year'] === undefined ? [year, year + 1] : [Number(found['year'])];
  const moments = years.map((each) => momentOf({ year: each, month, day, ...time }, zone));
  return moments.find((moment) => moment >= atMs - RECENT_MS);
}

interface WallClock extends TimeOfDay {
  readonly year: number;
  /** 0 to 11. */
  readonly month: number;
  readonly day: number;
}

function isZone(zone: string): boolean {
  try {
    Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

function wallClock(ms: number, zone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const parts = format.formatToParts(ms);
  const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value);
  return { year: part('year'), month: part('month') - 1, day: part('day'), hour: part('hour'), minute: part('minute') };
}

/** The zone's offset changes twice a year at most: the second guess is with the offset of the moment itself. */
function momentOf({ year, month, day, hour, minute }: WallClock, zone: string): number {
  const asUtc = Date.UTC(year, month, day, hour, minute);
  const first = asUtc - offsetMs(asUtc, zone);
  return asUtc - offsetMs(first, zone);
}

function offsetMs(ms: number, zone: string): number {
  const { year, month, day, hour, minute } = wallClock(ms, zone);
  return Date.UTC(year, month, day, hour, minute) - Math.floor(ms / 60_000) * 60_000;
}
