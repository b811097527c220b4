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
   * behind, whose numbers would leave a gap. After a refused write the half-written rest is cut off and later calls may
   * succeed; after a failed flush or cut nobody knows what is on the disk, and only opening the journal anew finds out.
   */
  append(events: readonly E[]): Promise<void>;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

export function writerOn<E extends JournalEvent>(tape: Tape, begin: Begin): Writer<E> {
  let { bytes, seq: flushed } = begin;
  let promised = begin.seq;
  let waiting: Waiting[] = [];
  let broken: JournalError | null = null;
  let flushing: Promise<void> | null = null;

  const fail = ({ error, lasting }: Failure, calls: readonly Waiting[]): void => {
    if (lasting) broken = error;
    for (const call of [...calls, ...waiting]) call.reject(error);
    waiting = [];
    promised = flushed;
  };

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const calls = waiting;
      waiting = [];
      const block = Buffer.concat(calls.map((call) => call.block));
      const failure = await writeBlock(tape, block, bytes, begin.file);
      if (failure !== null) {
        fail(failure, calls);
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
      if (broken !== null) throw broken;
      if (events.length === 0) return;
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

interface Failure {
  readonly error: JournalError;
  readonly lasting: boolean;
}

function blockOf(events: readonly JournalEvent[], last: number, version: number): Buffer {
  const lines = events.map((event, index) => {
    const { seq, at, ...rest } = event;
    if (seq !== last + index + 1) throw new Error(`Internal error: event ${seq} where ${last + index + 1} should be`);
    return `${JSON.stringify({ v: version, seq, at, ...rest })}\n`;
  });
  return Buffer.from(lines.join(''));
}

async function writeBlock(tape: Tape, block: Buffer, position: number, file: string): Promise<Failure | null> {
  try {
    await writeAll(tape, block, position);
  } catch (error) {
    return cutBack(tape, position, failureOf(error, file));
  }
  try {
    await tape.datasync();
    return null;
  } catch (error) {
    return { error: failureOf(error, file), lasting: true };
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

async function cutBack(tape: Tape, position: number, error: JournalError): Promise<Failure> {
  try {
    await tape.truncate(position);
    return { error, lasting: false };
  } catch (cause) {
    return { error: new JournalError('cut back', error.path, codeOf(cause), error), lasting: true };
  }
}

function failureOf(error: unknown, file: string): JournalError {
  return new JournalError('append to', file, codeOf(error), error);
}
