import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal, type Journal, type Opening } from '../../src/journal/journal.ts';
import { parseJournal, readJournal, type Upgrade } from '../../src/journal/read.ts';

interface Note {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly text: string;
}

/** Version 1 said `words` for `text`. */
const upgrade: Upgrade<Note> = (raw, version) => {
  const fields: Record<string, unknown> = { ...raw };
  if (version > 2) return `version ${version} is newer than this program`;
  const text = version === 1 ? (fields['words'] ?? fields['text']) : fields['text'];
  if (typeof text !== 'string') return 'no text';
  return { seq: Number(fields['seq']), at: Number(fields['at']), kind: String(fields['kind']), text };
};

const note = (seq: number, text = `note ${seq}`): Note => ({ seq, at: 1000 + seq, kind: 'note', text });
const notes = (from: number, to: number): Note[] =>
  Array.from({ length: to - from + 1 }, (_, index) => note(from + index));

let folder: string;
let file: string;
const opened: Journal<Note>[] = [];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'tmops-journal-')));
  file = join(folder, 'journal.jsonl');
});

afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  await rm(folder, { recursive: true, force: true });
});

async function openAt(path: string): Promise<Extract<Opening<Note>, { kind: 'open' }>> {
  const opening = await openJournal<Note>(path, { upgrade });
  if (opening.kind !== 'open') throw new Error(`The journal did not open: ${JSON.stringify(opening)}`);
  opened.push(opening.journal);
  return opening;
}

async function written(events: readonly Note[]): Promise<Buffer> {
  const { journal } = await openAt(file);
  await journal.append(events);
  await journal.close();
  return readFile(file);
}

describe('a journal', () => {
  it('is made with its folder, closed to others, as JSON lines', async () => {
    const path = join(folder, 'runs', 'initial', 'journal.jsonl');
    const { journal, events, cut } = await openAt(path);
    expect({ events, cut }).toEqual({ events: [], cut: null });
    await journal.append([note(1, 'a\nb "ü" \u2028'), note(2)]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'runs'))).mode & 0o777).toBe(0o700);
    expect((await readFile(path, 'utf8')).split('\n')).toEqual([
      '{"v":1,"seq":1,"at":1001,"kind":"note","text":"a\\nb \\"ü\\" \u2028"}',
      '{"v":1,"seq":2,"at":1002,"kind":"note","text":"note 2"}',
      '',
    ]);
  });

  it('gives back what was appended, also while the writer has it open', async () => {
    const { journal } = await openAt(file);
    await journal.append(notes(1, 3));
    expect(await readJournal(file, upgrade)).toEqual({ events: notes(1, 3), end: { kind: 'clean' } });
    await journal.close();
    const again = await openAt(file);
    expect(again.events).toEqual(notes(1, 3));
    await again.journal.append(notes(4, 4));
    expect((await readJournal(file, upgrade)).events).toEqual(notes(1, 4));
  });

  it('keeps the order of calls that overlap, and resolves each when its own events can be read', async () => {
    const { journal } = await openAt(file);
    const calls = Array.from({ length: 100 }, (_, index) => [note(2 * index + 1), note(2 * index + 2)]);
    await Promise.all(
      calls.map(async (events) => {
        await journal.append(events);
        const { events: read } = await readJournal(file, upgrade);
        expect(read.slice(0, events[1]!.seq).at(-1)).toEqual(events[1]);
      }),
    );
    expect((await readJournal(file, upgrade)).events).toEqual(notes(1, 200));
  });

  it('reads lines of an older version through the upgrade', async () => {
    await writeFile(
      file,
      '{"v":1,"seq":1,"at":5,"kind":"note","words":"old"}\n{"v":2,"seq":2,"at":6,"kind":"note","text":"new"}\n',
    );
    const { events } = await openAt(file);
    expect(events).toEqual([
      { seq: 1, at: 5, kind: 'note', text: 'old' },
      { seq: 2, at: 6, kind: 'note', text: 'new' },
    ]);
  });

  it('has one writer', async () => {
    const { journal } = await openAt(file);
    expect(await openJournal(file, { upgrade })).toMatchObject({ kind: 'locked', heldBy: { pid: process.pid } });
    await journal.close();
    await journal.close();
    expect((await openAt(file)).events).toEqual([]);
  });

  it('refuses events that do not follow on, and those after its end', async () => {
    const { journal } = await openAt(file);
    await expect(journal.append([note(2)])).rejects.toThrow('Internal error: event 2 where 1 should be');
    await journal.append([note(1)]);
    await expect(journal.append([note(2), note(4)])).rejects.toThrow('event 4 where 3 should be');
    await journal.append([note(2)]);
    await journal.append([]);
    await journal.close();
    await expect(journal.append([note(3)])).rejects.toMatchObject({ name: 'JournalError', code: 'EBADF', path: file });
  });
});

describe('a journal that was cut', () => {
  it('at any byte, reopens to the events before the cut and goes on from there', async () => {
    const whole = [note(1, 'ü🎉'), ...notes(2, 4)];
    const content = await written(whole);
    const ends = [...content.entries()].filter(([, byte]) => byte === 0x0a).map(([index]) => index + 1);
    for (let length = 0; length <= content.length; length += 1) {
      const path = join(folder, `cut-${length}`);
      await writeFile(path, content.subarray(0, length));
      const kept = ends.filter((end) => end <= length).length;
      const offset = ends[kept - 1] ?? 0;
      const { journal, events, cut } = await openAt(path);
      expect(events, `cut at ${length}`).toEqual(whole.slice(0, kept));
      if (length === offset) expect(cut).toBeNull();
      else {
        expect(cut).toMatchObject({ offset, bytes: length - offset, keptIn: `${path}.torn-1` });
        expect(await readFile(`${path}.torn-1`)).toEqual(content.subarray(offset, length));
      }
      await journal.append([note(kept + 1, 'after')]);
      await journal.close();
      const after = await readJournal(path, upgrade);
      expect(after).toEqual({ events: [...whole.slice(0, kept), note(kept + 1, 'after')], end: { kind: 'clean' } });
    }
  });

  it('is reported and left alone by a reader', async () => {
    const content = await written(notes(1, 2));
    await truncate(file, content.length - 5);
    const before = await readFile(file);
    const { events, end } = await readJournal(file, upgrade);
    expect(events).toEqual(notes(1, 1));
    expect(end).toMatchObject({ kind: 'torn', bytes: before.length - content.indexOf(0x0a) - 1 });
    expect(await readFile(file)).toEqual(before);
  });

  it('keeps the rests of several cuts apart', async () => {
    for (const rest of ['{"v":', 'garbage\n', '\0\0\0\0']) {
      await writeFile(file, `{"v":1,"seq":1,"at":1001,"kind":"note","text":"note 1"}\n${rest}`);
      const { journal, cut, events } = await openAt(file);
      expect(events).toEqual([note(1)]);
      expect(await readFile(cut!.keptIn, 'utf8')).toBe(rest);
      await journal.close();
    }
    expect((await readdir(folder)).filter((name) => name.includes('torn')).sort()).toEqual([
      'journal.jsonl.torn-1',
      'journal.jsonl.torn-2',
      'journal.jsonl.torn-3',
    ]);
  });
});

describe('a journal with a wrong line', () => {
  const line = (seq: number, more = ''): string => `{"v":2,"seq":${seq},"at":1,"kind":"note","text":"t"${more}}\n`;
  it.each([
    ['no JSON in the middle', line(1) + 'oops\n' + line(3), 2, 'not a JSON object in UTF-8'],
    ['an empty line in the middle', line(1) + '\n' + line(2), 2, 'not a JSON object in UTF-8'],
    ['an array in the middle', '[]\n' + line(1), 1, 'not a JSON object in UTF-8'],
    ['a gap', line(1) + line(3), 2, 'seq 3 where 2 should be'],
    ['a number twice', line(1) + line(1), 2, 'seq 1 where 2 should be'],
    ['another beginning', line(7), 1, 'seq 7 where 1 should be'],
    ['no version', '{"seq":1,"at":1,"kind":"note"}\n', 1, 'no version `v`'],
    ['no time', '{"v":1,"seq":1,"kind":"note"}\n', 1, 'no time `at`'],
    ['no kind', '{"v":1,"seq":1,"at":1}\n', 1, 'no `kind`'],
    ['a later version', line(1).replace('"v":2', '"v":3'), 1, 'version 3 is newer than this program'],
    ['what the upgrade refuses', line(1) + '{"v":2,"seq":2,"at":1,"kind":"note"}\n', 2, 'no text'],
  ])('(%s) is corrupt: it is told where, and not written to', async (_, content, at, why) => {
    await writeFile(file, content);
    const events = Array.from({ length: at - 1 }, (__, index) => ({ ...note(index + 1, 't'), at: 1 }));
    expect(await openJournal(file, { upgrade })).toEqual({ kind: 'corrupt', line: at, why, events });
    expect(await readJournal(file, upgrade)).toEqual({ events, end: { kind: 'corrupt', line: at, why } });
    expect(await readFile(file, 'utf8')).toBe(content);
    expect(await readdir(folder)).toEqual(['journal.jsonl']);
  });

  it('is corrupt also where only its characters are wrong', () => {
    const bytes = Buffer.from(line(1) + line(2));
    bytes[20] = 0xff;
    expect(parseJournal(bytes, upgrade).end).toMatchObject({ kind: 'corrupt', line: 1 });
    expect(parseJournal(bytes.subarray(0, line(1).length), upgrade).end).toMatchObject({ kind: 'torn', offset: 0 });
  });
});

describe('a journal that cannot be opened', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['a link', () => symlink(join(folder, 'elsewhere'), file), 'ENOTREGULAR'],
    ['a FIFO', () => mkfifo(file), 'ENOTREGULAR'],
    ['a folder', () => openAt(join(file, 'inner')).then(({ journal }) => journal.close()), 'ENOTREGULAR'],
  ])('(%s) says why', async (_, make, code) => {
    await make();
    await expect(openJournal(file, { upgrade })).rejects.toMatchObject({ name: 'JournalError', code, path: file });
    expect((await readdir(folder)).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  it('(a folder that may not be written) says why', async () => {
    await chmod(folder, 0o500);
    const opening = asNobody(() => openJournal(file, { upgrade }));
    await expect(opening).rejects.toMatchObject({ name: 'JournalError', code: 'EACCES' });
    await chmod(folder, 0o700);
  });

  it('(none) is told by a reader', async () => {
    await expect(readJournal(file, upgrade)).rejects.toMatchObject({
      name: 'JournalError',
      code: 'ENOENT',
      path: file,
    });
  });
});

const mkfifo = (path: string): Promise<unknown> => promisify(execFile)('mkfifo', [path]);

/** Root may write anywhere, so the test gives its rights away for the while. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
