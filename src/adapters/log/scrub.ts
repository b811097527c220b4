import { hiding, REDACTED, SECRET_NAME } from '../../core/secrets.ts';

/** Bounds of one line: a capture of a pane in a fact must not become a log of its own. */
const LIMITS = { depth: 6, entries: 64, text: 4096 } as const;

export type Facts = Readonly<Record<string, unknown>>;

export interface Scrubber {
  text(text: string): string;
  facts(facts: Facts): Record<string, unknown>;
}

/**
 * Makes facts fit for a log: text under a name like `apiKey` or `authorization` goes, as does what `hide` takes out of a
 * text; errors become plain facts with their cause; what is too deep, too many or too long is cut.
 */
export function scrubber(hide: (text: string) => string = hiding([])): Scrubber {
  const text = (whole: string): string => {
    const clean = hide(whole);
    return clean.length > LIMITS.text ? `${clean.slice(0, LIMITS.text)}… (${clean.length} characters)` : clean;
  };
  return { text, facts: (facts) => entriesOf(facts, text, 0) };
}

type Text = (text: string) => string;

function entriesOf(object: object, text: Text, depth: number): Record<string, unknown> {
  const entries = Object.entries(object).slice(0, LIMITS.entries);
  return Object.fromEntries(entries.map(([name, value]) => [name, named(name, value, text, depth)]));
}

function named(name: string, value: unknown, text: Text, depth: number): unknown {
  return SECRET_NAME.test(name) && typeof value === 'string' && value !== '' ? REDACTED : plain(value, text, depth);
}

function plain(value: unknown, text: Text, depth: number): unknown {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return '[function]';
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= LIMITS.depth) return '[deeper]';
  if (Array.isArray(value)) return value.slice(0, LIMITS.entries).map((item) => plain(item, text, depth + 1));
  return value instanceof Error ? errorFacts(value, text, depth) : entriesOf(value, text, depth + 1);
}

function errorFacts(error: Error, text: Text, depth: number): Record<string, unknown> {
  const own = entriesOf(error, text, depth + 1);
  const cause = error.cause === undefined ? {} : { cause: plain(error.cause, text, depth + 1) };
  return { ...own, name: error.name, message: text(error.message), stack: text(error.stack ?? ''), ...cause };
}
