import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openGit, type Git } from '../../../src/adapters/git/open.ts';
import { parseStatus } from '../../../src/adapters/git/status.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

let repo: SampleRepo;
let git: Git;
beforeEach(async () => {
  repo = await sampleRepo();
  git = openGit({ environment: repo.environment });
});
afterEach(() => repo.dispose());

const BRANCH = 'feature/auth-api';

describe('ensureBranch', () => {
  test('makes it once at the HEAD of the root, and checks nothing out', async () => {
    expect(await git.ensureBranch(repo.root, BRANCH)).toEqual({ ok: true, made: true });
    expect(await git.ensureBranch(repo.root, BRANCH)).toEqual({ ok: true, made: false });
    expect(await repo.git(['rev-parse', BRANCH])).toBe(await repo.git(['rev-parse', 'main']));
    expect(await git.head(repo.root)).toEqual({ commit: await repo.git(['rev-parse', 'HEAD']), branch: 'main' });
  });

  test.each([
    ['feature', 'feature'],
    ['feature/auth-api/part', 'feature/auth-api/part'],
  ])('says that the branch %s stands in the way', async (other, by) => {
    await repo.git(['branch', other]);
    expect(await git.ensureBranch(repo.root, BRANCH)).toEqual({
      ok: false,
      problem: { kind: 'branch-blocked', branch: BRANCH, by },
    });
  });
});

describe('checkoutBranch', () => {
  test('makes and checks out, then keeps', async () => {
    expect(await git.checkoutBranch(repo.root, BRANCH)).toEqual({ ok: true, made: true });
    expect((await git.head(repo.root)).branch).toBe(BRANCH);
    await repo.write('src/sum.js', 'dirty\n');
    expect(await git.checkoutBranch(repo.root, BRANCH)).toEqual({ ok: true, made: false });
  });

  test('refuses uncommitted changes of tracked files and makes no branch; untracked files are fine', async () => {
    await repo.write('src/sum.js', 'dirty\n');
    await repo.write('new.txt', 'new\n');
    expect(await git.checkoutBranch(repo.root, BRANCH)).toEqual({
      ok: false,
      problem: { kind: 'dirty', path: repo.root, count: 1, files: ['src/sum.js'] },
    });
    expect(await repo.git(['branch', '--list', BRANCH])).toBe('');
    await repo.git(['checkout', '--', 'src/sum.js']);
    expect(await git.checkoutBranch(repo.root, BRANCH)).toEqual({ ok: true, made: true });
  });

  test('says where the branch is checked out', async () => {
    const at = join(repo.base, 'elsewhere');
    await repo.git(['worktree', 'add', '-b', BRANCH, at]);
    expect(await git.checkoutBranch(repo.root, BRANCH)).toEqual({
      ok: false,
      problem: { kind: 'branch-elsewhere', branch: BRANCH, at },
    });
  });

  test('hands on why git refuses', async () => {
    await repo.git(['checkout', '--quiet', '-b', BRANCH]);
    await repo.write('notes.txt', 'committed\n');
    await repo.git(['add', '.']);
    await repo.git(['commit', '--quiet', '-m', 'Notes']);
    await repo.git(['checkout', '--quiet', 'main']);
    await repo.write('notes.txt', 'mine, untracked\n');
    const done = await git.checkoutBranch(repo.root, BRANCH);
    expect(done).toMatchObject({ ok: false, problem: { kind: 'git-refused', path: repo.root } });
    expect(JSON.stringify(done)).toContain('notes.txt');
    expect(await repo.read('notes.txt')).toBe('mine, untracked\n');
  });
});

describe('status', () => {
  test('tells staged, unstaged, untracked, renamed and conflicted files apart', async () => {
    await repo.git(['checkout', '--quiet', '-b', 'other']);
    await repo.write('src/sum.js', 'theirs\n');
    await repo.git(['commit', '--quiet', '-am', 'Theirs']);
    await repo.git(['checkout', '--quiet', 'main']);
    await repo.write('src/sum.js', 'ours\n');
    await repo.git(['commit', '--quiet', '-am', 'Ours']);
    await expect(repo.git(['merge', 'other'])).rejects.toThrow('git merge other');
    await repo.git(['mv', 'test/sum.test.js', 'test/renamed file.test.js']);
    await repo.write('package.json', '{}\n');
    await repo.write('a b/ü.txt', '');
    await repo.write('.tmops/auth-api/notes', '');
    expect(await git.status(repo.root)).toEqual({
      branch: 'main',
      commit: await repo.git(['rev-parse', 'HEAD']),
      staged: ['test/renamed file.test.js'],
      unstaged: ['package.json'],
      conflicted: ['src/sum.js'],
      untracked: ['a b/'],
    });
  });

  test('is read from a repository without a commit and with a detached HEAD', () => {
    const none = { staged: [], unstaged: [], conflicted: [], untracked: [] };
    expect(parseStatus('# branch.oid (initial)\0# branch.head main\0')).toEqual({
      ...none,
      branch: 'main',
      commit: null,
    });
    expect(parseStatus('# branch.oid abc\0# branch.head (detached)\0')).toEqual({
      ...none,
      branch: null,
      commit: 'abc',
    });
  });
});

test('addExclude writes the line once and keeps what stands there, with or without a last line feed', async () => {
  await repo.write('.git/info/exclude', '# mine\n*.swp');
  expect(await git.addExclude(repo.root, '.tmops')).toBe(true);
  expect(await git.addExclude(join(repo.root, 'src'), '.tmops')).toBe(false);
  expect(await repo.read('.git/info/exclude')).toBe('# mine\n*.swp\n.tmops\n');
  await rm(join(repo.root, '.git/info'), { recursive: true });
  expect(await git.addExclude(repo.root, '.tmops')).toBe(true);
  expect(await repo.read('.git/info/exclude')).toBe('.tmops\n');
});
