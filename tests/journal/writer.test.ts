import { mkdtemp, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseJournal, type JournalEvent } from '../../src/journal/read.ts';
import { writerOn, type Tape, type Writer } from '../../src/journal/writer.ts';

const event = (seq: number): JournalEvent => ({ seq, at: seq, kind: 'note' });
const failed = (code: string): Error => Object.assign(new Error(`${code}: made up`), { code });

let folder: string;
let file: string;
let handle: FileHandle;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmops-writer-'));
  file = join(folder, 'journal.jsonl');
  handle = await open(file, 'w+');
});

afterEach(async () => {
  await handle.close();
  await rm(folder, { recursive: true, force: true });
});

const writerAt = (tape: Tape): Writer<JournalEvent> => writerOn(tape, { file, bytes: 0, seq: 0, version: 1 });
const numbers = async (): Promise<number[]> =>
  parseJournal(await readFile(file), (raw) => ({ ...event(0), ...raw })).events.map(({ seq }) => seq);

/** The real file, with what a bad disk does before each call. */
function tapeThat(
  bad: Partial<{ write: (length: number) => number; datasync: () => void; truncate: () => void }>,
): Tape {
  return {
    write: (bytes, offset, length, position) =>
      Promise.resolve(bad.write?.(length) ?? length).then((some) => handle.write(bytes, offset, some, position)),
    datasync: async () => {
      bad.datasync?.();
      await handle.datasync();
    },
    truncate: async (bytes) => {
      bad.truncate?.();
      await handle.truncate(bytes);
    },
  };
}

describe('a writer', () => {
  it('shares a flush among the calls that come while another runs', async () => {
    let flushes = 0;
    const writer = writerAt(tapeThat({ datasync: () => (flushes += 1) }));
    await Promise.all(Array.from({ length: 50 }, (_, index) => writer.append([event(index + 1)])));
    expect(await numbers()).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(flushes).toBe(2);
  });

  it('goes on writing where the system took a part only', async () => {
    const writer = writerAt(tapeThat({ write: (length) => Math.min(length, 7) }));
    await writer.append([event(1), event(2)]);
    expect(await numbers()).toEqual([1, 2]);
  });

  it('is idle when nothing waits', async () => {
    const writer = writerAt(handle);
    const call = writer.append([event(1)]);
    await writer.idle();
    expect(await numbers()).toEqual([1]);
    await call;
    await writer.idle();
  });
});

describe('a writer on a disk that is full', () => {
  it.runIf(process.platform === 'linux')('tells it as it is: /dev/full', async () => {
    const full = await open('/dev/full', 'w');
    const writer = writerAt(full);
    await expect(writer.append([event(1)])).rejects.toMatchObject({ name: 'JournalError', path: file });
    await full.close();
  });

  it('cuts off the half-written rest, rejects what waited behind, and goes on when there is room again', async () => {
    let room = 30;
    const writer = writerAt(
      tapeThat({
        write: (length) => {
          if (room === 0) throw failed('ENOSPC');
          const some = Math.min(length, room);
          room -= some;
          return some;
        },
      }),
    );
    const first = writer.append([event(1), event(2)]);
    const behind = writer.append([event(3)]);
    await expect(first).rejects.toMatchObject({ name: 'JournalError', code: 'ENOSPC', path: file });
    await expect(behind).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await readFile(file)).length).toBe(0);
    room = Infinity;
    await writer.append([event(1)]);
    expect(await numbers()).toEqual([1]);
  });

  it('writes nothing while what was half written cannot be cut off, and goes on when it can', async () => {
    let bad = true;
    const writer = writerAt(
      tapeThat({
        write: (length) => {
          if (!bad) return length;
          handleWrites += 1;
          if (handleWrites > 1) throw failed('ENOSPC');
          return 7;
        },
        truncate: () => {
          if (bad) throw failed('EIO');
        },
      }),
    );
    let handleWrites = 0;
    await expect(writer.append([event(1)])).rejects.toMatchObject({
      code: 'EIO',
      message: `Could not cut back ${file}: Could not append to ${file}: ENOSPC: made up`,
    });
    expect((await readFile(file)).length).toBe(7);
    await expect(writer.append([event(1)])).rejects.toMatchObject({ code: 'EIO' });
    bad = false;
    await writer.append([event(1)]);
    expect(await numbers()).toEqual([1]);
    expect((await readFile(file, 'utf8')).endsWith('}\n')).toBe(true);
  });

  it('tells, asked with no events, whether the disk takes something again, and leaves nothing of that', async () => {
    let full = true;
    const writer = writerAt(
      tapeThat({
        write: (length) => {
          if (full) throw failed('ENOSPC');
          return length;
        },
      }),
    );
    await writer.append([]);
    await expect(writer.append([event(1)])).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(writer.append([])).rejects.toMatchObject({ code: 'ENOSPC' });
    full = false;
    await writer.append([]);
    expect((await readFile(file)).length).toBe(0);
    await writer.append([event(1)]);
    expect(await numbers()).toEqual([1]);
  });

  it('ends when a file takes no byte at all', async () => {
    const writer = writerAt(tapeThat({ write: () => 0 }));
    await expect(writer.append([event(1)])).rejects.toThrow('the file takes no more bytes');
  });
});

describe('a writer whose flush fails', () => {
  it('rejects that call and all later ones until a flush succeeds; what was not flushed is cut off by then', async () => {
    let fail = false;
    const writer = writerAt(
      tapeThat({
        datasync: () => {
          if (fail) throw failed('EIO');
        },
      }),
    );
    await writer.append([event(1)]);
    fail = true;
    await expect(writer.append([event(2), event(3)])).rejects.toMatchObject({ name: 'JournalError', code: 'EIO' });
    await expect(writer.append([event(2)])).rejects.toMatchObject({ code: 'EIO' });
    expect(await numbers()).toEqual([1]);
    fail = false;
    await writer.append([event(2)]);
    expect(await numbers()).toEqual([1, 2]);
  });
});
