import { constants } from 'node:fs';
import { rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makePrivateFolder } from '../files/in-place.ts';
import { codeOf } from '../files/refused.ts';
import { openRegular } from '../files/regular.ts';
import { auditFiles, CURRENT, fullName } from './files.ts';
import { opened, sealed, START, type Facts, type Head } from './record.ts';

/** A file is full at this size, and the next one goes on; they are read whole. */
const FULL_BYTES = 8 * 1024 * 1024;
/** How many files are kept: half a gigabyte. */
const MOST_FILES = 64;
/** What only read is flushed within this time. */
const READS_WITHIN_MS = 500;
/** What waits for a disk that takes nothing; older records are counted as lost. */
const MOST_WAITING = 10_000;

export interface AuditLog {
  /**
   * Adds a record. With `flushed` it resolves when the record is on the disk; else at once, and the disk has it within half a second.
   * Never rejects: a disk that refuses is told to `onFault`, and the records wait for the next call.
   */
  record(facts: Facts, flushed: boolean): Promise<void>;
  /** Writes what waits and closes the file. */
  close(): Promise<void>;
}

export interface AuditOptions {
  readonly folder: string;
  readonly onFault: (error: unknown) => void;
  /** The present time as ISO 8601. */
  readonly now: () => string;
  /** In bytes; absent: 8 MB. */
  readonly fullBytes?: number;
}

/** The audit log of a workspace, for its one supervisor. The file is opened with the first record. */
export function auditLog(options: AuditOptions): AuditLog {
  const { onFault, now } = options;
  let waiting: Facts[] = [];
  let lost = 0;
  let tape: Tape | null = null;
  let flushing: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const flushOnce = async (): Promise<void> => {
    const taken = lost > 0 ? [{ kind: 'gap', at: now(), lost } as const, ...waiting] : waiting;
    waiting = [];
    lost = 0;
    try {
      tape ??= await openTape(options);
      tape = await written(tape, taken, options);
    } catch (error) {
      // Nothing of them is in the file, or it is torn and will be put right when it is opened again.
      await tape?.handle.close().catch(onFault);
      tape = null;
      waiting = [...taken, ...waiting];
      onFault(error);
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    // Who comes while a flush runs waits for the next one, which takes all that came meanwhile.
    const mine = (flushing ?? Promise.resolve()).then(() => (waiting.length > 0 ? flushOnce() : undefined));
    const settled = mine.finally(() => {
      if (flushing === settled) flushing = null;
    });
    flushing = settled;
    return settled;
  };
  return {
    async record(facts, flushed) {
      waiting.push(facts);
      if (waiting.length > MOST_WAITING) {
        waiting.shift();
        lost += 1;
      }
      if (flushed) await flush();
      else timer ??= setTimeout(() => void flush(), READS_WITHIN_MS);
    },
    async close() {
      await flush();
      await tape?.handle.close();
      tape = null;
    },
  };
}

interface Tape {
  readonly handle: FileHandle;
  readonly path: string;
  readonly firstSeq: number;
  readonly bytes: number;
  readonly head: Head;
}

async function written(tape: Tape, facts: readonly Facts[], options: AuditOptions): Promise<Tape> {
  const file = tape.bytes >= (options.fullBytes ?? FULL_BYTES) ? await nextFile(tape, options) : tape;
  let { head } = file;
  const lines = facts.map((each) => {
    const { line, head: after } = sealed(each, head);
    head = after;
    return `${line}\n`;
  });
  const block = Buffer.from(lines.join(''));
  try {
    let done = 0;
    while (done < block.length)
      done += (await file.handle.write(block, done, block.length - done, file.bytes + done)).bytesWritten;
    await file.handle.datasync();
  } catch (error) {
    // They are written again: whole lines of them must not stay.
    await cutBack(file, error);
  }
  return { ...file, bytes: file.bytes + block.length, head };
}

/** Rejects with what went wrong. What cannot be cut now, the next opening sees: as a torn line, or as records that are there twice. */
async function cutBack({ handle, bytes }: Tape, cause: unknown): Promise<never> {
  try {
    await handle.truncate(bytes);
  } catch (error) {
    throw new AggregateError([cause, error], 'the audit log could be neither written nor cut back');
  }
  throw cause;
}

async function openTape({ folder, now }: AuditOptions): Promise<Tape> {
  await makePrivateFolder(dirname(folder));
  await makePrivateFolder(folder);
  const before = (await auditFiles(folder)).filter((file) => !file.endsWith(CURRENT)).at(-1);
  const path = join(folder, CURRENT);
  const handle = await openRegular(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const { text, head, firstSeq } = await endOf(handle);
    const follows = head ?? (before === undefined ? START : await headOf(before));
    const whole = text.lastIndexOf('\n') + 1;
    const torn = text.length - whole;
    const tape = { handle, path, firstSeq: firstSeq ?? follows.seq + 1, bytes: whole, head: follows };
    if (torn === 0) return tape;
    // A crash cut a line off. What is left of it goes, and the log says so.
    await handle.truncate(whole);
    return await written(tape, [{ kind: 'gap', at: now(), torn }], { folder, now, onFault: () => undefined });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

interface End {
  readonly text: Buffer;
  readonly head: Head | null;
  readonly firstSeq: number | null;
}

async function endOf(handle: FileHandle): Promise<End> {
  const text = await handle.readFile();
  const lines = text
    .toString('utf8', 0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1);
  const last = opened(lines.at(-1) ?? '');
  const first = opened(lines[0] ?? '');
  return {
    text,
    head: last.ok ? { seq: last.record.seq, hash: last.hash } : null,
    firstSeq: first.ok ? first.record.seq : null,
  };
}

async function headOf(file: string): Promise<Head> {
  const handle = await openRegular(file, constants.O_RDONLY);
  try {
    return (await endOf(handle)).head ?? START;
  } finally {
    await handle.close();
  }
}

/** Puts the full file beside, and the oldest ones away when there are more than are kept. */
async function nextFile(tape: Tape, { folder }: AuditOptions): Promise<Tape> {
  await rename(tape.path, join(folder, fullName(tape.firstSeq)));
  const handle = await openRegular(tape.path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  await tape.handle.close();
  const files = await auditFiles(folder);
  for (const old of files.slice(0, Math.max(0, files.length - MOST_FILES)))
    await rm(old).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  return { handle, path: tape.path, firstSeq: tape.head.seq + 1, bytes: 0, head: tape.head };
}
