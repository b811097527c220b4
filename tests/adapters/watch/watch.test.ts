import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFile,
  chmod,
  link,
  mkdir,
  mkdtemp,
  open,
  realpath,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckpointWatch, Sighting } from '../../../src/engine/ports.ts';
import { checkpointWatch, type WatchOptions } from '../../../src/adapters/watch/watch.ts';
import { until } from '../../rig/wait.ts';

const NAME = '003-tests-complete.md';
const WANTED = new Set([NAME, '005-impl-complete.md', 'SUMMARY.md']);
/** So far off that a test within it shows notification at work. */
const NEVER_MS = 60_000;

let root: string;
let folder: string;
let file: string;
let seen: Sighting[];
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'tmops-watch-')));
  folder = join(root, 'checkpoints');
  file = join(folder, NAME);
  await mkdir(folder);
  seen = [];
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rm(root, { recursive: true, force: true });
});

async function watching(
  options: WatchOptions = {},
  folders = [folder],
  wanted: ReadonlySet<string> = WANTED,
): Promise<void> {
  const watch: CheckpointWatch = checkpointWatch({ rescanMs: NEVER_MS, ...options });
  stops.push(await watch.watch(folders, wanted, (sighting) => seen.push(sighting)));
}

const textIs = (text: string) => (): boolean => {
  const last = seen.at(-1);
  return last?.kind === 'file' && last.text === text;
};
const refusedFor = (why: RegExp) => (): boolean => {
  const last = seen.at(-1);
  return last?.kind === 'refused' && why.test(last.why);
};
const soon = { withinMs: 2000 };

describe('a checkpoint is reported', () => {
  it('with its content, hash and time', async () => {
    await watching();
    await writeFile(file, '# ü\n');
    await until('the file is seen', textIs('# ü\n'), soon);
    expect(seen.at(-1)).toEqual({
      kind: 'file',
      file: NAME,
      path: file,
      text: '# ü\n',
      sha256: createHash('sha256').update('# ü\n').digest('hex'),
      mtimeMs: expect.any(Number) as number,
    });
  });

  it('that was written before watching began, before `watch` resolves', async () => {
    await writeFile(file, 'early\n');
    await watching();
    expect(seen).toMatchObject([{ kind: 'file', text: 'early\n' }]);
  });

  it('that is truncated and then written', async () => {
    await writeFile(file, 'old\n');
    await watching();
    const handle = await open(file, 'r+');
    await handle.truncate();
    await until('the empty file is seen', textIs(''), soon);
    await handle.write('new\n');
    await until('the new text is seen', textIs('new\n'), soon);
    await handle.close();
  });

  it('that is written in many small pieces, without a pause', async () => {
    await watching();
    const handle = await open(file, 'w');
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index}\n`);
    for (const line of lines) await handle.write(line);
    await handle.close();
    await until('the whole text is seen', textIs(lines.join('')), soon);
  });

  it('that is renamed into place, over an older one too', async () => {
    await watching();
    for (const text of ['first\n', 'second\n']) {
      await writeFile(join(folder, '.003.swp'), text);
      await rename(join(folder, '.003.swp'), file);
      await until(`${text} is seen`, textIs(text), soon);
    }
  });

  it('that is moved in from another folder', async () => {
    await watching();
    await writeFile(join(root, 'draft'), 'moved\n');
    await rename(join(root, 'draft'), file);
    await until('the file is seen', textIs('moved\n'), soon);
  });

  it('that is appended to', async () => {
    await writeFile(file, 'a\n');
    await watching();
    await appendFile(file, 'b\n');
    await until('the longer text is seen', textIs('a\nb\n'), soon);
  });

  it('that is removed and written again', async () => {
    await writeFile(file, 'a\n');
    await watching();
    await unlink(file);
    await writeFile(file, 'b\n');
    await until('the new text is seen', textIs('b\n'), soon);
  });

  it('that is removed, once, and only where one was reported; and when it is back as it was', async () => {
    await watching({ rescanMs: 20 });
    const other = join(folder, '005-impl-complete.md');
    await writeFile(file, 'a\n');
    await utimes(file, 1_000_000, 1_000_000);
    await until('it is seen', textIs('a\n'), soon);
    await unlink(file);
    await until('its end is seen', () => seen.at(-1)?.kind === 'gone', soon);
    expect(seen.at(-1)).toEqual({ kind: 'gone', file: NAME, path: file });
    await writeFile(other, 'b\n');
    await until('looks have gone on', textIs('b\n'), soon);
    await writeFile(file, 'a\n');
    await utimes(file, 1_000_000, 1_000_000);
    await until('it is seen again', textIs('a\n'), soon);
    expect(seen.filter(({ kind }) => kind === 'gone')).toHaveLength(1);
  });

  it('that is removed while only looks tell', async () => {
    await writeFile(file, 'a\n');
    await watching({ rescanMs: 20 });
    await unlink(file);
    await until('its end is seen', () => seen.at(-1)?.kind === 'gone', soon);
  });

  it('as vim writes: the old one renamed away, the new one made', async () => {
    await writeFile(file, 'a\n');
    await watching();
    await rename(file, `${file}~`);
    await writeFile(file, 'b\n');
    await unlink(`${file}~`);
    await until('the new text is seen', textIs('b\n'), soon);
    expect(seen.every((sighting) => sighting.file === NAME)).toBe(true);
  });

  it('in each folder that is watched', async () => {
    await watching({}, [folder, root]);
    await writeFile(join(root, 'SUMMARY.md'), 'one\n');
    await until('the first is seen', textIs('one\n'), soon);
    await writeFile(join(folder, 'SUMMARY.md'), 'two\n');
    await until('the second is seen', textIs('two\n'), soon);
    expect([...new Set(seen.map(({ path }) => path))]).toEqual([join(root, 'SUMMARY.md'), join(folder, 'SUMMARY.md')]);
  });

  it('once while its content and time stay the same', async () => {
    await writeFile(file, 'same\n');
    await utimes(file, 1000, 1000);
    await watching({ rescanMs: 20 });
    await chmod(file, 0o640);
    await writeFile(join(folder, 'SUMMARY.md'), 'later\n');
    await until('the later file is seen', textIs('later\n'), soon);
    await writeFile(file, 'same\n');
    await utimes(file, 1000, 1000);
    await writeFile(join(folder, 'SUMMARY.md'), 'last\n');
    await until('the last file is seen', textIs('last\n'), soon);
    expect(seen.filter((sighting) => sighting.kind === 'file' && sighting.mtimeMs === 1_000_000)).toHaveLength(1);
  });

  it('again when only its time is another', async () => {
    await writeFile(file, 'same\n');
    await utimes(file, 1000, 1000);
    await watching();
    await utimes(file, 2000, 2000);
    await until('the new time is seen', () => seen.length === 2, soon);
    expect(seen).toMatchObject([{ mtimeMs: 1_000_000 }, { mtimeMs: 2_000_000 }]);
  });
});

describe('nothing is reported', () => {
  it('of names that nobody waits for', async () => {
    await watching();
    for (const name of [
      '.003-tests-complete.md.swp',
      '003-tests-complete.md~',
      '4913',
      '.003-tests-complete.md.12-1.tmp',
      '009-other.md',
    ]) {
      await writeFile(join(folder, name), 'x\n');
    }
    await writeFile(file, 'last\n');
    await until('the wanted file is seen', textIs('last\n'), soon);
    expect(new Set(seen.map((sighting) => sighting.file))).toEqual(new Set([NAME]));
  });

  it('after watching was stopped, which may be done twice', async () => {
    await watching({ rescanMs: 10 });
    await Promise.all([stops[0]!(), stops[0]!()]);
    await writeFile(file, 'late\n');
    const watch = checkpointWatch();
    expect(await watch.look(file)).toMatchObject({ text: 'late\n' });
    expect(seen).toEqual([]);
  });
});

describe('what is no regular file of ours is refused', () => {
  const other = (): string => join(root, 'other');
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a symbolic link', () => writeFile(other(), 'secret\n').then(() => symlink(other(), file)), /symbolic link/],
    ['a link to nowhere', () => symlink('/nonexistent', file), /symbolic link/],
    ['a link to a device', () => symlink('/dev/zero', file), /symbolic link/],
    ['a FIFO', () => promisify(execFile)('mkfifo', [file]), /FIFO/],
    ['a folder', () => mkdir(file), /folder/],
    ['a socket', () => listenAt(file), /socket/],
    ['a file of two names', () => writeFile(other(), 'secret\n').then(() => link(other(), file)), /2 names/],
    ['a file that is too large', () => writeFile(file, 'x'.repeat(5001)), /5001 bytes, more than 5000/],
  ])('%s, found at the start and later', async (_, make, why) => {
    await make();
    await watching({ maxBytes: 5000 });
    expect(seen).toHaveLength(1);
    expect(refusedFor(why)()).toBe(true);
    await rm(file, { recursive: true });
    await writeFile(file, 'fine\n');
    await until('a regular file in its place is seen', textIs('fine\n'), soon);
    await unlink(file);
    await make();
    await until('it is refused again', refusedFor(why), soon);
    expect(JSON.stringify(seen)).not.toContain('secret');
  });

  it('a file that may not be read', async () => {
    await chmod(folder, 0o777);
    await asNobody(async () => {
      await watching();
      await writeFile(file, 'secret\n', { mode: 0 });
      await until('it is refused', refusedFor(/may not be read/), soon);
      await chmod(file, 0o600);
      await until('it is seen when it may be read', textIs('secret\n'), soon);
    });
  });

  it('anything in a folder that is a link', async () => {
    await writeFile(file, 'text\n');
    await symlink(folder, join(root, 'link'));
    await watching({}, [join(root, 'link')]);
    expect(seen).toMatchObject([
      { kind: 'refused', path: join(root, 'link', NAME), why: `its folder leads to ${folder}` },
    ]);
  });

  it('anything in a folder that was replaced by a link', async () => {
    await watching({ rescanMs: 20 });
    await rename(folder, join(root, 'elsewhere'));
    await symlink(join(root, 'elsewhere'), folder);
    await writeFile(join(root, 'elsewhere', NAME), 'text\n');
    await until('it is refused', refusedFor(/its folder leads to/), soon);
    expect(seen.some((sighting) => sighting.kind === 'file')).toBe(false);
  });
});

describe('a folder', () => {
  it('that is removed and made again is watched again', async () => {
    await writeFile(file, 'a\n');
    await watching();
    for (const text of ['b\n', 'c\n']) {
      await rm(folder, { recursive: true });
      await mkdir(folder);
      await writeFile(file, text);
      await until(`${text} is seen`, textIs(text), soon);
      await appendFile(file, 'more\n');
      await until('a change in the new folder is seen', textIs(`${text}more\n`), soon);
    }
  });

  it('that does not exist yet is watched when it is made', async () => {
    const deep = join(root, 'runs', 'initial', 'checkpoints');
    await watching({}, [deep]);
    await mkdir(deep, { recursive: true });
    await writeFile(join(deep, NAME), 'a\n');
    await until('the file is seen', textIs('a\n'), soon);
    await appendFile(join(deep, NAME), 'b\n');
    await until('a change is seen', textIs('a\nb\n'), soon);
  });

  it('that is moved into place with a file in it is looked at', async () => {
    const later = join(root, 'later');
    await watching({}, [later]);
    await writeFile(file, 'a\n');
    await rename(folder, later);
    await until('the file is seen', textIs('a\n'), soon);
  });

  it('that may not be listed is told as trouble once, and looked at four times a second', async () => {
    const troubles: string[] = [];
    await chmod(folder, 0o333);
    await asNobody(async () => {
      await watching({ trouble: (why) => troubles.push(why) });
      await writeFile(file, 'a\n');
      await until('the file is seen', textIs('a\n'), soon);
      await appendFile(file, 'b\n');
      await until('the change is seen', textIs('a\nb\n'), soon);
    });
    expect(troubles).toEqual([expect.stringMatching(/^Cannot watch .*checkpoints: EACCES/)]);
  });

  it('that nobody notifies about is looked at again and again', async () => {
    const deep = join(root, 'a', 'b', 'c', 'd', 'e', 'f');
    await watching({ rescanMs: 20 }, [deep]);
    await mkdir(deep, { recursive: true });
    await writeFile(join(deep, NAME), 'a\n');
    await until('the file is seen', textIs('a\n'), soon);
  });
});

async function listenAt(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  server.unref();
  stops.push(
    () =>
      new Promise((resolve) =>
        server.close(() => {
          resolve();
        }),
      ),
  );
}

/** Root may read anything, so the test gives its rights away for the while. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work();
  await chmod(root, 0o777);
  process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}
