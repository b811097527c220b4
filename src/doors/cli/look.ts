/** How lines are to look: set by whoever prints, so that renderers stay functions of their view. */
export interface Look {
  /** Columns to fit into; Infinity when the output is no terminal. */
  readonly columns: number;
  readonly ink: Ink;
  /** ms since the epoch: what ages are counted from. */
  readonly now: number;
}

export type Tone = 'plain' | 'strong' | 'faint' | 'good' | 'warning' | 'bad';
export type Ink = (text: string, tone: Tone) => string;

const CODES: Readonly<Record<Exclude<Tone, 'plain'>, number>> = { strong: 1, faint: 2, good: 32, warning: 33, bad: 31 };

export const noInk: Ink = (text) => text;
/** ECMA-48 SGR codes that every terminal knows. */
export const colourInk: Ink = (text, tone) =>
  tone === 'plain' || text === '' ? text : `\u001b[${CODES[tone]}m${text}\u001b[0m`;

/** `7s`, `4m`, `2h 5m`, `3d`: how long ago an ISO time was. */
export function age(at: string, now: number): string {
  return duration(now - Date.parse(at));
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours}h` : `${hours}h ${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d`;
}

/** The time of day in the user's zone, `14:03:09`. */
export function timeOfDay(at: string): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** The times in a sentence of the supervisor as the user's clock shows them; on another day with the date. */
export function localTimes(text: string, now: number): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (at) => {
    const date = new Date(at);
    const isToday = date.toDateString() === new Date(now).toDateString();
    const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0'));
    return isToday ? timeOfDay(at) : `${day.join('-')} ${timeOfDay(at)}`;
  });
}
