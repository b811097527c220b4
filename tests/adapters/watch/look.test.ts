import { mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointWatch } from '../../../src/adapters/watch/watch.ts';
import type { CheckpointWatch } from '../../../src/engine/ports.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'tmops-look-')));
  file = join(folder, '003-tests-complete.md');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('one look', () => {
  it('tells what is there, and null when nothing is', async () => {
    const watch: CheckpointWatch = checkpointWatch();
    expect(await watch.look(file)).toBeNull();
    expect(await watch.look(join(file, 'below'))).toBeNull();
    await writeFile(file, '');
    expect(await watch.look(file)).toMatchObject({ kind: 'file', file: basename(file), text: '' });
    expect(await watch.look('/dev/null')).toMatchObject({ kind: 'refused', why: 'it is a device' });
  });

  it('never mixes two states of a file that is rewritten all the while', async () => {
    const watch = checkpointWatch();
    const texts = ['a', 'b'].map((letter) => letter.repeat(60_000));
    await writeFile(file, texts[0]!);
    const progress = { left: 60 };
    const writes = (async () => {
      for (; progress.left > 0; progress.left -= 1) {
        await writeFile(`${file}.new`, texts[progress.left % 2]!);
        await rename(`${file}.new`, file);
      }
    })();
    while (progress.left > 0) {
      const sighting = await watch.look(file);
      if (sighting?.kind === 'file') expect(texts).toContain(sighting.text);
    }
    await writes;
  });
});
