import { codeOf, JournalError } from './error.ts';
import { MAX_BYTES, type JournalEvent } from './read.ts';

/** What the writer needs of an open file; a FileHandle is one. */
export interface Tape {
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
}

/** Where writing begins: the journal's length, and the number of its last event (0 when it is empty). */
export interface Begin {
  readonly file: string;
  readonly bytes: number;
  readonly seq: number;
  /** Written as `v` into each line. */
  readonly version: number;
}

export interface Writer<E extends JournalEvent> {
  /**
   * Writes the events as one block of lines and resolves when they are flushed. Calls that come while a flush runs
   * share the next one, in their order. Rejects with a JournalError when the disk refuses; so do the calls waiting
   * behind, whose numbers would leave a gap. What was refused is cut off again, before anything else is written: at once
   * where that can be done, else by the calls after it, which are refused as long as it cannot. Without events, it is
   * tried whether a disk that refused takes something again.
   */
  append(events: readonly E[]): Promise<void>;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

export function writerOn<E extends JournalEvent>(tape: Tape, begin: Begin): Writer<E> {
  let { bytes, seq: flushed } = begin;
  let promised = begin.seq;
  let waiting: Waiting[] = [];
  let refused = false;
  let flushing: Promise<void> | null = null;

  const fail = (error: JournalError, calls: readonly Waiting[]): void => {
    for (const call of [...calls, ...waiting]) call.reject(error);
    waiting = [];
    promised = flushed;
  };

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const calls = waiting;
      waiting = [];
      const block = Buffer.concat(calls.map((call) => call.block));
      const error =
        (refused ? await tryBlock(tape, bytes, begin.file) : null) ??
        (await writeBlock(tape, block, bytes, begin.file));
      refused = error !== null;
      if (error !== null) {
        fail(error, calls);
        continue;
      }
      bytes += block.length;
      flushed = calls.at(-1)?.seq ?? flushed;
      for (const call of calls) call.resolve();
    }
    flushing = null;
  };

  return {
    async append(events) {
      if (events.length === 0 && !refused) return;
      const block = blockOf(events, promised, begin.version);
      const ahead = waiting.reduce((sum, call) => sum + call.block.length, bytes);
      if (ahead + block.length > MAX_BYTES) throw new JournalError('append to', begin.file, 'EFBIG');
      promised += events.length;
      const seq = promised;
      const done = new Promise<void>((resolve, reject) => waiting.push({ block, seq, resolve, reject }));
      flushing ??= flush();
      await done;
    },
    idle: async () => flushing ?? undefined,
  };
}

interface Waiting {
  readonly block: Buffer;
  /** Number of the block's last event. */
  readonly seq: number;
  readonly resolve: () => void;
  readonly reject: (error: JournalError) => void;
}

function blockOf(events: readonly JournalEvent[], last: number, version: number): Buffer {
  const lines = events.map((event, index) => {
    const { seq, at, ...rest } = event;
    if (seq !== last + index + 1) throw new Error(`Internal error: event ${seq} where ${last + index + 1} should be`);
    return `${JSON.stringify({ v: version, seq, at, ...rest })}\n`;
  });
  return Buffer.from(lines.join(''));
}

async function writeBlock(tape: Tape, block: Buffer, position: number, file: string): Promise<JournalError | null> {
  if (block.length === 0) return null;
  try {
    await writeAll(tape, block, position);
    await tape.datasync();
    return null;
  } catch (error) {
    return cutBack(tape, position, failureOf(error, file));
  }
}

/** More than a line mostly needs, so that what is tried is no luck. */
const TRIED_BYTES = 4096;

/**
 * Whether a disk that refused something takes a block again, which is cut off in either case. First of all what may be left
 * of the refused one goes: also of one that was written whole and not flushed, since its caller was told that it is not there.
 */
async function tryBlock(tape: Tape, position: number, file: string): Promise<JournalError | null> {
  try {
    await tape.truncate(position);
    await tape.datasync();
    await writeAll(tape, Buffer.alloc(TRIED_BYTES, ' '), position);
    await tape.datasync();
    await tape.truncate(position);
    await tape.datasync();
    return null;
  } catch (error) {
    return cutBack(tape, position, failureOf(error, file));
  }
}

async function writeAll(tape: Tape, block: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < block.length) {
    const { bytesWritten } = await tape.write(block, written, block.length - written, position + written);
    if (bytesWritten === 0) throw new Error('the file takes no more bytes');
    written += bytesWritten;
  }
}

async function cutBack(tape: Tape, position: number, error: JournalError): Promise<JournalError> {
  try {
    await tape.truncate(position);
    return error;
  } catch (cause) {
    return new JournalError('cut back', error.path, codeOf(cause), error);
  }
}

function failureOf(error: unknown, file: string): JournalError {
  return new JournalError('append to', file, codeOf(error), error);
}
