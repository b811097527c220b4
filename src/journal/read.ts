import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { openRegular } from '../files/regular.ts';
import { during, JournalError } from './error.ts';

/** What every event carries: its number in the journal, counted from 1 without a gap, and when it happened (ms since the epoch). */
export interface JournalEvent {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
}

/**
 * Makes an event of a line's content, which was written under `version`. `raw` has numbers `v`, `seq`, `at` and a string
 * `kind`. A string in place of the event says why the line cannot be understood.
 */
export type Upgrade<E extends JournalEvent> = (raw: object, version: number) => E | string;

/** How a journal ends. Offsets and sizes in bytes. */
export type JournalEnd =
  | { readonly kind: 'clean' }
  /** The last line is cut or unreadable: it was never reported as written. `text` is clipped. */
  | { readonly kind: 'torn'; readonly offset: number; readonly bytes: number; readonly text: string }
  /** A line that was once whole is not what was written. The events before it are good. */
  | { readonly kind: 'corrupt'; readonly line: number; readonly why: string };

export interface Reading<E extends JournalEvent> {
  readonly events: readonly E[];
  readonly end: JournalEnd;
}

/** A journal longer than this cannot be read at once, so it is not written either. */
export const MAX_BYTES = 512 * 1024 * 1024;

/** Reads a journal without touching it; a writer may be at work. Rejects with a JournalError (`ENOENT` when it is not there). */
export async function readJournal<E extends JournalEvent>(file: string, upgrade: Upgrade<E>): Promise<Reading<E>> {
  return during('read', file, async () => {
    const handle = await openRegular(file, constants.O_RDONLY);
    try {
      return parseJournal(await readAll(handle, file), upgrade);
    } finally {
      await handle.close();
    }
  });
}

/** The whole content of an open journal. */
export async function readAll(handle: FileHandle, file: string): Promise<Buffer> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new JournalError('read', file, 'EINVAL');
  if (stat.size > MAX_BYTES) throw new JournalError('read', file, 'EFBIG');
  return handle.readFile();
}

/** Reads lines up to the first that is wrong. Only the last one may be wrong without the journal being corrupt. */
export function parseJournal<E extends JournalEvent>(content: Buffer, upgrade: Upgrade<E>): Reading<E> {
  const events: E[] = [];
  let start = 0;
  while (start < content.length) {
    const newline = content.indexOf(NEWLINE, start);
    const raw = newline === -1 ? null : objectIn(content.subarray(start, newline));
    const isLast = newline === -1 || newline === content.length - 1;
    if (raw === null && isLast) return { events, end: tornAt(content, start) };
    const line = events.length + 1;
    const event = raw === null ? 'not a JSON object in UTF-8' : eventIn(raw, line, upgrade);
    if (typeof event === 'string') return { events, end: { kind: 'corrupt', line, why: event } };
    events.push(event);
    start = newline + 1;
  }
  return { events, end: { kind: 'clean' } };
}

const NEWLINE = 0x0a;
const TEXT_MAX_BYTES = 4096;
const utf8 = new TextDecoder('utf-8', { fatal: true });

function tornAt(content: Buffer, offset: number): JournalEnd {
  const text = content.subarray(offset, offset + TEXT_MAX_BYTES).toString('utf8');
  return { kind: 'torn', offset, bytes: content.length - offset, text };
}

function objectIn(line: Uint8Array): object | null {
  try {
    const value: unknown = JSON.parse(utf8.decode(line));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch (error) {
    // TypeError: not UTF-8. SyntaxError: not JSON.
    if (error instanceof TypeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

function eventIn<E extends JournalEvent>(raw: object, seq: number, upgrade: Upgrade<E>): E | string {
  const fields: Readonly<Record<string, unknown>> = { ...raw };
  const { v, seq: written, at, kind } = fields;
  if (typeof v !== 'number') return 'no version `v`';
  if (written !== seq) return `seq ${JSON.stringify(written)} where ${seq} should be`;
  if (typeof at !== 'number') return 'no time `at`';
  return typeof kind === 'string' ? upgrade(raw, v) : 'no `kind`';
}
