import { mkdtemp, open, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
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

  it('never leads through a link that takes turns with the file', async () => {
    const watch = checkpointWatch();
    await writeFile(join(folder, 'secret'), 'secret');
    const progress = { left: 150 };
    const turns = (async () => {
      for (; progress.left > 0; progress.left -= 1) {
        await rm(`${file}.new`, { force: true });
        await (progress.left % 2 === 0
          ? symlink(join(folder, 'secret'), `${file}.new`)
          : writeFile(`${file}.new`, 'public'));
        await rename(`${file}.new`, file);
      }
    })();
    const kinds = new Set<string>();
    while (progress.left > 0) {
      const sighting = await watch.look(file);
      kinds.add(sighting?.kind ?? 'absent');
      if (sighting?.kind === 'file') expect(sighting.text).toBe('public');
    }
    await turns;
    expect(kinds).toContain('file');
    expect(kinds).toContain('refused');
  });

  it('never reads a part of what is appended all the while', async () => {
    const watch = checkpointWatch({ maxBytes: 1_000_000 });
    const line = `${'x'.repeat(99)}\n`;
    const handle = await open(file, 'a');
    const progress = { left: 1500 };
    const appends = (async () => {
      for (; progress.left > 0; progress.left -= 1) {
        await handle.write(line);
        // Breaks of many lengths, so that an append falls into each moment of a look.
        for (let turn = 0; turn < progress.left % 40; turn += 1) await setImmediate();
      }
      await handle.close();
    })();
    const rests = new Set<number>();
    while (progress.left > 0) {
      const sighting = await watch.look(file);
      if (sighting?.kind === 'file') rests.add(sighting.text.length % line.length);
    }
    await appends;
    expect([...rests]).toEqual([0]);
  });

  it('never mixes two states of a file that is replaced all the while', async () => {
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
