import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyInto } from '../../../src/adapters/project/copy.ts';
import { expand, nameFits, segmentsOf } from '../../../src/adapters/project/glob.ts';
import { treeOf } from '../../rig/project.ts';

let base: string;
let root: string;
let worktree: string;
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'tmops-copy-')));
  root = join(base, 'the root ü');
  worktree = join(base, 'the tree');
  await mkdir(root);
  await mkdir(worktree);
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function put(path: string, text = ''): Promise<void> {
  const file = join(base, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

const copy = (...globs: string[]) => copyInto({ root, worktree, globs });

describe('globs', () => {
  beforeEach(async () => {
    for (const path of [
      '.env',
      '.env.local',
      'a.json',
      'config/local.json',
      'config/deep/er/local.json',
      'packages/one/.env',
      'packages/two/.env',
      'packages/two/node_modules/x/.env',
      '.git/config',
      '.tmops/auth-api/notes',
      'weird [x](y)+.txt',
    ]) {
      await put(join('the root ü', path));
    }
  });

  test.each([
    ['.env', ['.env']],
    ['.env*', ['.env', '.env.local']],
    ['*', ['a.json', 'config', 'packages', 'weird [x](y)+.txt']],
    ['*.json', ['a.json']],
    ['./a.json', ['a.json']],
    ['config', ['config']],
    ['config/', ['config']],
    ['config/*.json', ['config/local.json']],
    ['**/*.json', ['a.json', 'config/deep/er/local.json', 'config/local.json']],
    ['config/**/local.json', ['config/deep/er/local.json', 'config/local.json']],
    ['packages/*/.env', ['packages/one/.env', 'packages/two/.env']],
    ['**/.env', ['.env', 'packages/one/.env', 'packages/two/.env']],
    ['packages/*/node_modules', ['packages/two/node_modules']],
    ['weird [x](y)+.txt', ['weird [x](y)+.txt']],
    ['weird*+.t?t', ['weird [x](y)+.txt']],
    ['.git', []],
    ['.git/config', []],
    ['.*', ['.env', '.env.local']],
    ['.tmops/**', []],
    ['absent/*', []],
    ['a.json/x', []],
  ])('%s', async (glob, paths) => {
    const segments = segmentsOf(glob);
    expect(segments && (await expand(root, segments, 100))).toEqual(paths);
  });

  test.each(['', '/etc/passwd', '../x', 'a/../../x', '.', 'a\0b'])('%j is none', (glob) => {
    expect(segmentsOf(glob)).toBeNull();
  });

  test('matches are limited', async () => {
    expect(await expand(root, ['*'], 2)).toHaveLength(2);
  });

  test('a pattern takes its own characters literally', () => {
    expect(nameFits('a.b', 'axb')).toBe(false);
    expect(nameFits('?', '日')).toBe(true);
    expect(nameFits('*', '.hidden')).toBe(false);
  });
});

test('files and folders are copied with their modes and inner links; the report says what', async () => {
  await put('the root ü/.env', 'KEY=1\n');
  await put('the root ü/node_modules/tool/cli.js', 'x');
  await chmod(join(root, 'node_modules/tool/cli.js'), 0o755);
  await mkdir(join(root, 'node_modules/.bin'));
  await symlink('../tool/cli.js', join(root, 'node_modules/.bin/tool'));
  expect(await copy('.env', 'node_modules', 'absent*')).toEqual({
    copied: ['.env', 'node_modules'],
    files: 3,
    skipped: [{ path: 'absent*', why: 'no-match' }],
  });
  expect(await treeOf(worktree)).toMatchObject({
    '.env': expect.stringContaining('KEY=1') as string,
    'node_modules/.bin/tool': '-> ../tool/cli.js',
    'node_modules/tool/cli.js': '755 x',
  });
});

test('what is in the worktree stays; a copy that a crash left half-way is made anew', async () => {
  await put('the root ü/.env', 'root\n');
  await put('the root ü/config/a', 'root\n');
  await put('the root ü/config/b', 'root\n');
  await put('the tree/.env', 'worked on\n');
  await put('the tree/config/a.tmops-part', 'ro');
  expect(await copy('.env', 'config')).toEqual({
    copied: ['config'],
    files: 2,
    skipped: [{ path: '.env', why: 'already-there' }],
  });
  expect(Object.keys(await treeOf(worktree))).toEqual(['.env', 'config', 'config/a', 'config/b']);
  expect(await copy('config')).toMatchObject({ copied: [], files: 0 });
});

test('no link leads out, neither one that is copied nor one in the worktree that is written through', async () => {
  await put('secret/key', 'secret');
  await symlink('../secret', join(root, 'out'));
  await symlink(join(root, 'a'), join(root, 'absolute'));
  await put('the root ü/a', 'a');
  await put('the root ü/dir/file', 'x');
  await symlink('../../secret', join(worktree, 'dir'));
  expect(await copy('out', 'absolute', 'dir', 'out/key', '../secret/key')).toEqual({
    copied: [],
    files: 0,
    skipped: [
      { path: 'out', why: 'link-out' },
      { path: 'absolute', why: 'link-out' },
      { path: 'dir/file', why: 'link-out' },
      { path: 'out/key', why: 'no-match' },
      { path: '../secret/key', why: 'bad-pattern' },
    ],
  });
  expect(await treeOf(join(base, 'secret'))).toEqual({ key: expect.stringContaining('secret') as string });
});

test('a worktree inside the root is not copied into itself, nor is a repository inside', async () => {
  worktree = join(root, 'trees/auth-api');
  await mkdir(worktree, { recursive: true });
  await put('the root ü/trees/notes', '');
  await put('the root ü/trees/.git/config', '');
  expect(await copy('*')).toMatchObject({ copied: ['trees'], files: 1 });
  expect(Object.keys(await treeOf(worktree))).toEqual(['trees', 'trees/notes']);
});
