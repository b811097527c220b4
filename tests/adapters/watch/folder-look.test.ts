import { mkdir, mkdtemp, realpath, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { folderLook } from '../../../src/adapters/watch/folder-look.ts';
import type { Sighting } from '../../../src/adapters/watch/look.ts';
import { reportsTo } from '../../../src/adapters/watch/reports.ts';

const WANTED = new Set(['a.md', 'b.md', 'c.md']);

const wordsOf = (sighting: Sighting): string => {
  if (sighting.kind === 'gone') return 'gone';
  return sighting.kind === 'file' ? sighting.text : sighting.why;
};

let root: string;
let folder: string;
let looked: string[];
let seen: string[];
let blind: boolean;
let look: () => Promise<void>;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'tmops-look-')));
  folder = join(root, 'checkpoints');
  await mkdir(folder);
  [looked, seen, blind] = [[], [], false];
  const reports = reportsTo((sighting) => seen.push(wordsOf(sighting)), 1000);
  look = folderLook({
    folder,
    wanted: WANTED,
    blind: () => blind,
    reports: {
      lookIfChanged: (path) => {
        looked.push(basename(path));
        return reports.lookIfChanged(path);
      },
    },
  });
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** As if nothing had come into the folder for a while: what is young is looked at in any case. */
const age = (path: string, seconds = 10): Promise<void> => {
  const then = Date.now() / 1000 - seconds;
  return utimes(path, then, then);
};

async function lookedAt(): Promise<string[]> {
  looked = [];
  await look();
  return looked;
}

it('is at all files first, then at those that are there while the folder stays as it is', async () => {
  await writeFile(join(folder, 'b.md'), 'one');
  await age(folder);
  expect(await lookedAt()).toEqual(['a.md', 'b.md', 'c.md']);
  expect(await lookedAt()).toEqual(['b.md']);
  await writeFile(join(folder, 'b.md'), 'another');
  expect(await lookedAt()).toEqual(['b.md']);
  expect(seen).toEqual(['one', 'another']);
});

it('is at all files again once one came or went', async () => {
  await age(folder);
  await look();
  expect(await lookedAt()).toEqual([]);
  await writeFile(join(folder, 'c.md'), 'new');
  await age(folder, 9);
  expect(await lookedAt()).toHaveLength(3);
  expect(await lookedAt()).toEqual(['c.md']);
  await rm(join(folder, 'c.md'));
  expect(await lookedAt()).toHaveLength(3);
  expect(seen).toEqual(['new', 'gone']);
});

it('is at all files of another folder in its place', async () => {
  await age(folder);
  await look();
  await mkdir(join(root, 'other'));
  await writeFile(join(root, 'other', 'a.md'), 'moved');
  await age(join(root, 'other'));
  await rename(folder, join(root, 'old'));
  await rename(join(root, 'other'), folder);
  expect(await lookedAt()).toHaveLength(3);
  expect(seen).toEqual(['moved']);
});

it.each([
  ['young', () => Promise.resolve()],
  ['missing', () => rm(folder, { recursive: true })],
  [
    'not notified about',
    async () => {
      await age(folder);
      blind = true;
    },
  ],
])('is at all files each time while the folder is %s', async (_what, make) => {
  await make();
  await look();
  expect(await lookedAt()).toHaveLength(3);
});
