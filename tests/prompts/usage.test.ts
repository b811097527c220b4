import { mkdtemp, readFile, realpath, rm, stat, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  counted,
  MOVED_ON_WITHIN_MS,
  movedOn,
  NONE,
  openUsage,
  readUsage,
  usageFile,
  type Use,
} from '../../src/prompts/usage.ts';

const about = { feature: 'auth-api', run: 'initial' };
const use = (more: Partial<Use> = {}): Use => ({
  name: 'a',
  version: '1.0.0',
  about,
  comparison: null,
  at: 1000,
  ...more,
});

describe('what is counted', () => {
  test('uses by version, and turns by comparison', () => {
    const usage = [
      use(),
      use({ at: 2000, comparison: 'a x' }),
      use({ version: '1.1.0', about: null, comparison: 'a x' }),
    ].reduce(counted, NONE);
    expect(usage.versions['a@1.0.0']).toEqual({
      uses: 2,
      watched: 2,
      movedOn: 0,
      firstAt: '1970-01-01T00:00:01.000Z',
      lastAt: '1970-01-01T00:00:02.000Z',
    });
    expect(usage.versions['a@1.1.0']).toMatchObject({ uses: 1, watched: 0 });
    expect(usage.turns).toEqual({ 'a x': 2 });
  });

  test('a run that moved on, once for each use, within an hour, and no other run', () => {
    const used = counted(counted(NONE, use()), use({ about: { feature: 'billing', run: 'initial' } }));
    const moved = movedOn(used, { ...about, at: 2000 });
    expect(moved.versions['a@1.0.0']?.movedOn).toBe(1);
    expect(movedOn(moved, { ...about, at: 3000 })).toBe(moved);
    expect(movedOn(used, { ...about, run: 'retry-1', at: 2000 })).toBe(used);
    const late = movedOn(used, { ...about, at: 1001 + MOVED_ON_WITHIN_MS });
    expect(late.versions['a@1.0.0']?.movedOn).toBe(0);
    expect(late.awaited).toHaveLength(1);
  });

  test('is bounded', () => {
    let usage = NONE;
    for (let index = 0; index < 600; index += 1)
      usage = counted(usage, use({ name: `p${index}`, comparison: `c${index}`, at: 1000 + index }));
    expect(Object.keys(usage.versions)).toHaveLength(500);
    expect(usage.versions['p599@1.0.0']).toBeDefined();
    expect(usage.versions['p0@1.0.0']).toBeUndefined();
    expect(Object.keys(usage.turns)).toHaveLength(200);
    expect(usage.awaited).toHaveLength(200);
  });
});

describe('the file', () => {
  let root: string;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'tmops-usage-')));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test("is the user's alone, and read back", async () => {
    const book = openUsage(root, () => undefined);
    await Promise.all([1, 2, 3].map(() => book.change((usage) => counted(usage, use()))));
    expect((await readUsage(root)).usage.versions['a@1.0.0']?.uses).toBe(3);
    expect((await stat(usageFile(root))).mode & 0o777).toBe(0o600);
    expect((await stat(join(root, '.tmops', '.prompts'))).mode & 0o777).toBe(0o700);
  });

  test.each(['', 'not JSON', '{"v":2}', '[]', '{"v":1,"versions":{"a":{"uses":-1}},"turns":{},"awaited":[]}'])(
    'holding %j is put aside and told',
    async (text) => {
      await mkdir(join(root, '.tmops', '.prompts'), { recursive: true });
      await writeFile(usageFile(root), text);
      const told: unknown[] = [];
      const book = openUsage(root, (error) => told.push(error));
      await book.change((usage) => counted(usage, use()));
      expect((await book.now()).versions['a@1.0.0']?.uses).toBe(1);
      expect(told.map(String).join('')).toContain('was put aside');
      expect(await readFile(`${usageFile(root)}.damaged`, 'utf8')).toBe(text);
    },
  );
});
