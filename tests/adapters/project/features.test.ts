import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listFeatures, parseLine, withLine, type FeatureLine } from '../../../src/adapters/project/features.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

const FRESH: FeatureLine = {
  feature: 'auth-api',
  status: 'active',
  since: '2025-01-02T03:04:05Z',
  branch: 'feature/auth-api',
};
const LINE = 'auth-api:active:2025-01-02T03:04:05Z:feature/auth-api';
const keepTime = (newest: FeatureLine | null) => (newest ? { ...newest, branch: FRESH.branch } : FRESH);

test.each([
  ['auth-api:active:2025-01-02T03:04:05+02:00:main', 'active', '2025-01-02T03:04:05+02:00', 'main'],
  ['auth-api:done:x:feature/auth-api\r', 'done', 'x', 'feature/auth-api'],
])('line %j', (line, status, since, branch) => {
  expect(parseLine(line)).toEqual({ feature: 'auth-api', status, since, branch });
});

test.each(['', '# comment', 'auth-api', 'auth-api:active', 'auth-api:active:main', 'Bad Name:active:t:b'])(
  'no line: %j',
  (line) => {
    expect(parseLine(line)).toBeNull();
  },
);

describe('withLine', () => {
  test.each([
    ['an empty file', '', `${LINE}\n`],
    ['a last line without a line feed', 'other:a:b:c', `other:a:b:c\n${LINE}\n`],
    [
      'an older line',
      'x\nauth-api:done:2020-01-01T00:00:00Z:main\ny',
      'x\nauth-api:done:2020-01-01T00:00:00Z:feature/auth-api\ny',
    ],
    ['CRLF', 'auth-api:a:t:main\r\nother:a:b:c\r\n', 'auth-api:a:t:feature/auth-api\r\nother:a:b:c\r\n'],
    ['several of ours', 'auth-api:a:1:m\nodd\nauth-api:b:2:m\n', 'auth-api:b:2:feature/auth-api\nodd\n'],
    ['several, the last one broken', 'auth-api:a:1:m\nauth-api:\n', 'auth-api:a:1:feature/auth-api\n'],
    ['only a broken one', 'auth-api:??\n', `${LINE}\n`],
    ['a name that begins like ours', 'auth-api-2:a:b:c\n', `auth-api-2:a:b:c\n${LINE}\n`],
  ])('%s', (_, before, after) => {
    expect(withLine(before, 'auth-api', keepTime)).toBe(after);
    expect(withLine(after, 'auth-api', keepTime)).toBe(after);
  });

  test('every other line stays, byte for byte and in order', () => {
    const line = fc.oneof(
      fc.constantFrom('auth-api:a:t:main', 'auth-api:', 'auth-apix', ' auth-api:a:b:c', '', '\r', '# x\r', ':::'),
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => Buffer.from(text).toString('latin1')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.boolean(), (lines, ended) => {
        const before = lines.join('\n') + (ended ? '\n' : '');
        const after = withLine(before, 'auth-api', () => FRESH);
        const others = (text: string) =>
          text.split('\n').filter((each) => !each.startsWith('auth-api:') && each !== '');
        expect(others(after)).toEqual(others(before));
        expect(after.split('\n').filter((each) => each.trimEnd() === LINE)).toHaveLength(1);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

describe('listFeatures', () => {
  let repo: SampleRepo;
  beforeEach(async () => {
    repo = await sampleRepo({ commits: false });
  });
  afterEach(() => repo.dispose());

  test('none where there is no .tmops, or where it is a link', async () => {
    expect(await listFeatures(repo.root)).toEqual([]);
    await symlink(repo.base, join(repo.root, '.tmops'));
    expect(await listFeatures(repo.root)).toEqual([]);
  });

  test('lines and folders together; odd ones are passed over; a current that leads out counts as none', async () => {
    await repo.write(
      '.tmops/FEATURES.txt',
      'zeta:active:t:1:b\nodd\nauth-api:a:t:b\nauth-api:done:2020-01-01T00:00:00Z:feature/auth-api\n',
    );
    await mkdir(join(repo.root, '.tmops/auth-api/runs/retry'), { recursive: true });
    await symlink('runs/retry', join(repo.root, '.tmops/auth-api/current'));
    await mkdir(join(repo.root, '.tmops/orphan'));
    await symlink('../../src', join(repo.root, '.tmops/orphan/current'));
    await mkdir(join(repo.root, '.tmops/.archive'));
    expect(await listFeatures(repo.root)).toEqual([
      {
        feature: 'auth-api',
        line: { status: 'done', since: '2020-01-01T00:00:00Z', branch: 'feature/auth-api' },
        run: 'retry',
      },
      { feature: 'orphan', line: null, run: null },
      { feature: 'zeta', line: { status: 'active', since: 't:1', branch: 'b' }, run: null },
    ]);
  });
});
