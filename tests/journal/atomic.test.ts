import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flushFolder } from '../../src/files/write-whole.ts';
import { makeFolder, writeAtomically } from '../../src/journal/atomic.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmops-atomic-'));
  file = join(folder, 'state.json');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writing a file whole', () => {
  it('makes it, closed to others, and replaces it', async () => {
    await writeAtomically(file, 'one');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await writeAtomically(file, 'two');
    expect(await readFile(file, 'utf8')).toBe('two');
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('shows a reader the old or the new text and nothing between', async () => {
    const texts = ['a', 'b'].map((letter) => letter.repeat(200_000));
    await writeAtomically(file, texts[0]!);
    const progress = { left: 40 };
    const writes = (async () => {
      for (; progress.left > 0; progress.left -= 1) await writeAtomically(file, texts[progress.left % 2]!);
    })();
    let reads = 0;
    while (progress.left > 0) {
      expect(texts.includes(await readFile(file, 'utf8'))).toBe(true);
      reads += 1;
    }
    await writes;
    expect(reads).toBeGreaterThan(0);
  });

  it('keeps writers at the same time apart', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(5000));
    await Promise.all(texts.map((text) => writeAtomically(file, text)));
    expect(texts).toContain(await readFile(file, 'utf8'));
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('refuses a link, and leaves it and what it leads to', async () => {
    const other = join(folder, 'other');
    await writeFile(other, 'untouched');
    await symlink(other, file);
    await expect(writeAtomically(file, 'new')).rejects.toMatchObject({
      code: 'ENOTREGULAR',
      message: `Could not write ${file}: ${file} is a link, which is not followed, and not a regular file`,
    });
    expect(await readlink(file)).toBe(other);
    expect(await readFile(other, 'utf8')).toBe('untouched');
  });

  it('leaves nothing behind when it fails, and says why', async () => {
    await mkdir(join(file, 'inner'), { recursive: true });
    await expect(writeAtomically(file, 'text')).rejects.toMatchObject({
      name: 'JournalError',
      path: file,
      code: 'ENOTREGULAR',
    });
    expect(await readdir(folder)).toEqual(['state.json']);
    const nowhere = join(folder, 'missing', 'file');
    await expect(writeAtomically(nowhere, 'text')).rejects.toMatchObject({ name: 'JournalError', code: 'ENOENT' });
  });
});

describe('making a folder', () => {
  it('makes those above it, closed to others, and is content with one that is there', async () => {
    const deep = join(folder, 'a', 'b', 'c');
    await makeFolder(deep);
    await makeFolder(deep);
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700);
    expect((await stat(deep)).isDirectory()).toBe(true);
    await flushFolder(deep);
  });

  it('says why it cannot', async () => {
    await writeFile(file, '');
    await expect(makeFolder(join(file, 'a'))).rejects.toMatchObject({ name: 'JournalError', code: 'ENOTDIR' });
  });
});
