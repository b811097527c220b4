import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openRegular } from '../files/regular.ts';
import { flushFolder, writeNew } from '../files/write-whole.ts';
import { makeFolder } from './atomic.ts';
import { codeOf, during, JournalError } from './error.ts';
import { self, takeLock, type Holder } from './lock.ts';
import { parseJournal, readAll, type JournalEvent, type Upgrade } from './read.ts';
import { writerOn } from './writer.ts';

/** The one writer of a journal. */
export interface Journal<E extends JournalEvent> {
  readonly file: string;
  /**
   * Appends events whose `seq` follow on from the last one, in one write, and resolves when they are flushed. Calls may
   * overlap: they keep their order and share flushes. Rejects with a JournalError (`ENOSPC`, …; see `writerOn`).
   */
  append(events: readonly E[]): Promise<void>;
  /** Waits for what is being written and lets the lock go. Safe to call twice. */
  close(): Promise<void>;
}

export type Opening<E extends JournalEvent> =
  | {
      readonly kind: 'open';
      readonly journal: Journal<E>;
      readonly events: readonly E[];
      /** What was cut from the end, and the file that keeps it; null when the end was clean. */
      readonly cut: Cut | null;
    }
  | { readonly kind: 'locked'; readonly heldBy: Holder }
  | { readonly kind: 'corrupt'; readonly line: number; readonly why: string; readonly events: readonly E[] };

export interface Cut {
  readonly offset: number;
  readonly bytes: number;
  readonly text: string;
  readonly keptIn: string;
}

export interface JournalOptions<E extends JournalEvent> {
  /** Makes an event of a line that was written under an older or the present version. */
  readonly upgrade: Upgrade<E>;
  /** Version of the events that are appended, 1 when absent. */
  readonly version?: number;
  /** Who holds the journal's lock, this process when absent. */
  readonly holder?: Holder;
}

/**
 * Opens a journal to read it and go on writing: JSON lines `{"v":1,"seq":1,"at":…,"kind":…}`, mode 0600. It is made with its
 * folder (0700) where it is missing. Rejects with a JournalError when the disk refuses, or when something else than a regular
 * file stands there (`ENOTREGULAR`) or a link leads away from its folder (`ELEDAWAY`).
 */
export async function openJournal<E extends JournalEvent>(
  file: string,
  options: JournalOptions<E>,
): Promise<Opening<E>> {
  return during('open', file, async () => {
    await makeFolder(dirname(file));
    const lock = await takeLock(`${file}.lock`, options.holder ?? (await self()));
    if (!lock.ok) return { kind: 'locked', heldBy: lock.heldBy };
    try {
      const opening = await openLocked(file, options, lock.release);
      if (opening.kind !== 'open') await lock.release();
      return opening;
    } catch (error) {
      await lock.release();
      throw error;
    }
  });
}

const TORN_FILES_MAX = 1000;

async function openLocked<E extends JournalEvent>(
  file: string,
  options: JournalOptions<E>,
  release: () => Promise<void>,
): Promise<Opening<E>> {
  const handle = await openOrMake(file);
  try {
    const content = await readAll(handle, file);
    const { events, end } = parseJournal(content, options.upgrade);
    if (end.kind === 'corrupt') {
      await handle.close();
      return { ...end, events };
    }
    const cut = end.kind === 'torn' ? await cutOff(handle, file, content.subarray(end.offset), end) : null;
    const bytes = end.kind === 'torn' ? end.offset : content.length;
    const journal = journalOn<E>(handle, { file, bytes, seq: events.length, version: options.version ?? 1 }, release);
    return { kind: 'open', journal, events, cut };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openOrMake(file: string): Promise<FileHandle> {
  try {
    return await openRegular(file, constants.O_RDWR);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const handle = await openRegular(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
  await flushFolder(dirname(file));
  return handle;
}

/** The rest is safe in its own file before it is cut. */
async function cutOff(handle: FileHandle, file: string, rest: Uint8Array, end: Omit<Cut, 'keptIn'>): Promise<Cut> {
  const keptIn = await keep(file, rest);
  await flushFolder(dirname(file));
  await handle.truncate(end.offset);
  await handle.sync();
  return { offset: end.offset, bytes: end.bytes, text: end.text, keptIn };
}

async function keep(file: string, rest: Uint8Array): Promise<string> {
  for (let number = 1; number <= TORN_FILES_MAX; number += 1) {
    const path = `${file}.torn-${number}`;
    try {
      await writeNew(path, rest);
      return path;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
  throw new JournalError('keep the torn end of', file, 'EEXIST');
}

function journalOn<E extends JournalEvent>(
  handle: FileHandle,
  begin: { file: string; bytes: number; seq: number; version: number },
  release: () => Promise<void>,
): Journal<E> {
  const writer = writerOn<E>(handle, begin);
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await writer.idle();
    await handle.close();
    await release();
  };
  return {
    file: begin.file,
    async append(events) {
      if (closing !== null) throw new JournalError('append to', begin.file, 'EBADF');
      await writer.append(events);
    },
    close: () => (closing ??= close()),
  };
}
