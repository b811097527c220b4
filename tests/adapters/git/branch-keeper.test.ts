import { chmod, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGit } from '../../../src/adapters/git/open.ts';
import type { KeptAside } from '../../../src/core/conflicted.ts';
import type { BranchKeeper } from '../../../src/engine/branch-ports.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

const BRANCH = 'feature/auth-api';
const NAME = 'auth-api/initial/conflict-1';
let repo: SampleRepo;
let tree: string;
let keeper: BranchKeeper;
let known: string;
let files: string | null;

beforeEach(async () => {
  repo = await sampleRepo({ name: 'a répo' });
  tree = join(repo.base, 'trees', 'auth api');
  await repo.git(['worktree', 'add', '--quiet', '-b', BRANCH, tree]);
  keeper = keeperOf();
  await put('src/sum.js', 'of the team\n');
  known = await commit('Team');
  // What the team has not committed yet.
  await put('tests/new.test.js', 'of the team\n');
  files = await keepKnown();
});
afterEach(() => repo.dispose());

const keeperOf = (command?: string): BranchKeeper =>
  openGit({ environment: repo.environment, ...(command === undefined ? {} : { command }) }).keeper;
const git = (...args: string[]): Promise<string> => repo.git(args, tree);
/** For what ends with an exit code other than 0, as a merge with conflicts does. */
const anyway = (...args: string[]): Promise<unknown> => git(...args).catch(() => null);
async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), text);
}
const read = (path: string): Promise<string | null> => readFile(join(tree, path), 'utf8').catch(() => null);
async function commit(message: string, ...only: string[]): Promise<string> {
  await git('add', ...(only.length > 0 ? only : ['--all']));
  await git('commit', '--quiet', '--message', message);
  return git('rev-parse', 'HEAD');
}
const keepKnown = (): Promise<string | null> => keeper.keep(tree, { name: 'auth-api/initial/known', tip: known });
const stand = () => keeper.stand(tree, { branch: BRANCH, known });
const setAside = (by = keeper): Promise<KeptAside> => by.setAside(tree, { branch: BRANCH, name: NAME });
const putRight = (kept: KeptAside, by = keeper) => by.putRight(tree, { branch: BRANCH, tip: known, files, kept });
/** As the team left it: its branch, nothing staged, its uncommitted file there. */
async function isAsKnown(): Promise<void> {
  expect(await git('symbolic-ref', 'HEAD')).toBe(`refs/heads/${BRANCH}`);
  expect(await git('rev-parse', 'HEAD')).toBe(known);
  expect(await git('status', '--porcelain', '--untracked-files=all')).toBe('?? tests/new.test.js');
  expect(await read('tests/new.test.js')).toBe('of the team\n');
  expect(await stand()).toMatchObject({ tip: known, head: { branch: BRANCH }, underWay: null, move: null });
}
/** A branch whose changes collide with those of the feature. */
async function other(): Promise<void> {
  await repo.git(['switch', '--quiet', '--create', 'other', 'main']);
  await repo.write('src/sum.js', 'of another\n');
  await repo.git(['commit', '--quiet', '--all', '--message', 'Other']);
}

describe('how the branch stands', () => {
  it('tells commits on top, who made them and which files they changed', async () => {
    expect(await stand()).toEqual({
      ...{ tip: known, head: { branch: BRANCH, commit: known }, underWay: null, lockedSince: null },
      ...{ move: null, headLog: null },
    });
    await put('src/foreign.js', 'x\n');
    const to = await commit('Foreign', 'src/foreign.js');
    expect((await stand()).move).toEqual({
      ...{ from: known, to, kind: 'ahead', elsewhere: false, commitCount: 1, files: ['src/foreign.js'], fileCount: 1 },
      log: { what: 'commit: Foreign', by: 'Sample <sample@example.invalid>' },
      commits: [{ commit: to, subject: 'Foreign', by: 'Sample <sample@example.invalid>' }],
    });
  });

  it('tells a rewritten history: reset, amended, rebased', async () => {
    await git('reset', '--quiet', '--hard', 'HEAD~1');
    expect((await stand()).move).toMatchObject({ kind: 'rewritten', log: { what: 'reset: moving to HEAD~1' } });
    await git('reset', '--quiet', '--hard', known);
    expect((await stand()).move).toBeNull();
    await git('commit', '--quiet', '--amend', '--message', 'Amended');
    expect((await stand()).move).toMatchObject({ kind: 'rewritten', elsewhere: false, commitCount: 1 });
    await git('reset', '--quiet', '--hard', known);
    await repo.git(['commit', '--quiet', '--allow-empty', '--message', 'Main']);
    await git('rebase', '--quiet', 'main');
    expect((await stand()).move).toMatchObject({
      kind: 'rewritten',
      elsewhere: false,
      log: { what: expect.stringContaining('rebase') as string },
    });
  });

  it('tells a branch that was moved from outside of the worktree, also when work went on top of it here', async () => {
    const made = await repo.git(['commit-tree', `${known}^{tree}`, '-p', known, '-m', 'Elsewhere']);
    await repo.git(['update-ref', `refs/heads/${BRANCH}`, made]);
    expect((await stand()).move).toMatchObject({ kind: 'ahead', elsewhere: true });
    await put('src/more.js', 'x\n');
    await commit('On top', 'src/more.js');
    expect((await stand()).move).toMatchObject({ kind: 'ahead', elsewhere: true, commitCount: 2 });
    // Where git keeps no logs nothing is claimed.
    await git('reflog', 'expire', '--expire=now', '--all');
    expect((await stand()).move).toMatchObject({ elsewhere: false });
  });

  it('tells another branch, none, and one that is gone', async () => {
    await git('switch', '--quiet', '--create', 'mine');
    expect(await stand()).toMatchObject({
      ...{ tip: known, head: { branch: 'mine' }, move: null },
      headLog: { what: `checkout: moving from ${BRANCH} to mine` },
    });
    await git('checkout', '--quiet', '--detach');
    expect(await stand()).toMatchObject({ tip: known, head: { branch: null, commit: known } });
    await git('branch', '--quiet', '--delete', '--force', BRANCH);
    expect(await stand()).toMatchObject({ tip: null, move: null });
  });

  it('tells since when the index is locked', async () => {
    const lock = join(repo.root, '.git', 'worktrees', 'auth api', 'index.lock');
    const found = (await readdir(join(repo.root, '.git', 'worktrees')))[0] ?? '';
    const place = lock.replace('auth api', found);
    await writeFile(place, '');
    await utimes(place, 1000, 1000);
    expect(await stand()).toMatchObject({ lockedSince: 1_000_000 });
  });

  it('changes its mark with what it stands for, and only then', async () => {
    const mark = () => keeper.mark(tree, BRANCH);
    const first = await mark();
    await stand();
    await keepKnown();
    expect(await mark()).toEqual(first);
    await git('commit', '--quiet', '--allow-empty', '--message', 'More');
    const second = await mark();
    expect(second.branch).not.toBe(first.branch);
    await git('checkout', '--quiet', '--detach');
    expect(await mark()).toMatchObject({
      branch: second.branch,
      tree: expect.not.stringMatching(second.tree) as string,
    });
    await repo.git(['pack-refs', '--all']);
    expect((await mark()).branch).not.toBe(second.branch);
  });

  it('keeps the same files on the same commit as the same commit', async () => {
    expect(await keepKnown()).toBe(files);
    await put('tests/new.test.js', 'more\n');
    expect(await keepKnown()).not.toBe(files);
    // What was committed in between is not known to be the run's.
    await commit('Foreign');
    expect(await keepKnown()).toBeNull();
  });
});

/** What others may leave behind, and the word for it. */
const LEFT: readonly (readonly [string, string | null, () => Promise<unknown>])[] = [
  [
    'commits, with files staged, changed and never added',
    null,
    async () => {
      await put('src/foreign.js', 'x\n');
      await commit('Foreign', 'src/foreign.js');
      await put('src/staged.js', 'staged\n');
      await git('add', 'src/staged.js');
      await put('src/staged.js', 'and changed\n');
      await put('src/loose ü.js', 'loose\n');
      await rm(join(tree, 'package.json'));
    },
  ],
  ['a reset that took files along', null, () => git('reset', '--quiet', '--hard', 'HEAD~1')],
  ['another branch', null, () => git('switch', '--quiet', '--create', 'mine', 'main')],
  [
    'a branch that is gone',
    null,
    async () => {
      await git('checkout', '--quiet', '--detach');
      await git('commit', '--quiet', '--allow-empty', '--message', 'On none');
      await git('branch', '--quiet', '--delete', '--force', BRANCH);
    },
  ],
  ['a merge', 'merge', () => other().then(() => anyway('merge', 'other'))],
  ['a rebase', 'rebase', () => other().then(() => anyway('rebase', 'other'))],
  ['a cherry-pick', 'cherry-pick', () => other().then(() => anyway('cherry-pick', 'other'))],
  [
    'a revert',
    'revert',
    async () => {
      await put('src/sum.js', 'later\n');
      await commit('Later', 'src/sum.js');
      await anyway('revert', '--no-edit', known);
    },
  ],
  [
    'a bisection',
    'bisection',
    () => git('bisect', 'start', 'HEAD', 'main').then(() => git('checkout', '--quiet', 'main~0')),
  ],
  [
    'mail that does not apply',
    'rebase',
    async () => {
      await other();
      await writeFile(join(repo.base, 'mail'), await repo.git(['format-patch', '--stdout', 'main..other']));
      await anyway('am', join(repo.base, 'mail'));
    },
  ],
];

describe('putting aside', () => {
  it.each(LEFT)('%s', async (_what, underWay, leave) => {
    await leave();
    expect(await stand()).toMatchObject({ underWay });
    const head = await git('rev-parse', 'HEAD');
    const before = await git('status', '--porcelain', '--untracked-files=all');
    const kept = await setAside();
    // Keeping changes nothing.
    expect([await git('rev-parse', 'HEAD'), await git('status', '--porcelain', '--untracked-files=all')]).toEqual([
      head,
      before,
    ]);
    expect(await stand()).toMatchObject({ underWay });
    expect(await putRight(kept)).toBeNull();
    await isAsKnown();
    expect(await git('rev-parse', `refs/tmops/${NAME}-head`)).toBe(head);
    // Asked for once more, as after a crash, it finds nothing to do.
    await putRight(kept);
    await isAsKnown();
  });

  it('makes a stash that git brings back as it was: staged, changed, deleted and never added', async () => {
    await LEFT[0]?.[2]();
    const look = async () => ({
      status: await git('status', '--porcelain', '--untracked-files=all'),
      diff: await git('diff'),
    });
    const [before, foreign] = [await look(), await git('rev-parse', 'HEAD')];
    const kept = await setAside();
    await putRight(kept);
    expect(kept.branch).toBe(foreign);
    expect(await read('src/foreign.js')).toBeNull();
    expect(await git('stash', 'list')).toBe('');
    await rm(join(tree, 'tests/new.test.js'));
    await git('merge', '--quiet', '--ff-only', `refs/tmops/${NAME}-branch`);
    await git('stash', 'apply', '--quiet', '--index', `refs/tmops/${NAME}-stash`);
    expect(await look()).toEqual(before);
  });

  it('keeps the marks of a merge with conflicts, and what was merged', async () => {
    await LEFT[4]?.[2]();
    const kept = await setAside();
    await putRight(kept);
    expect(await git('show', `${kept.stash ?? ''}:src/sum.js`)).toContain('<<<<<<<');
    expect(await git('rev-parse', `refs/tmops/${NAME}-other`)).toBe(await repo.git(['rev-parse', 'other']));
  });

  it('keeps once more what was changed after it was kept', async () => {
    await put('src/foreign.js', 'x\n');
    const kept = await setAside();
    await put('src/late.js', 'late\n');
    const late = await putRight(kept);
    await isAsKnown();
    expect(await git('show', `${late ?? ''}:src/late.js`)).toBe('late');
  });

  it.each([
    [
      'an index that is locked',
      'another git holds the index',
      async (dir: string) => writeFile(join(dir, 'index.lock'), ''),
    ],
    [
      'a branch that is checked out elsewhere',
      `${BRANCH} is checked out at`,
      async () => {
        await git('checkout', '--quiet', '--detach');
        await repo.git(['switch', '--quiet', BRANCH]);
      },
    ],
    [
      'a file in the way that git ignores',
      'which git ignores',
      async () => {
        await git('reset', '--quiet', '--hard', 'HEAD~1');
        await writeFile(join(repo.root, '.git', 'info', 'exclude'), 'tests\n');
        await put('tests/new.test.js', 'of nobody\n');
      },
    ],
  ] as const)(
    'touches nothing for %s',
    async (_what, why, leave) => {
      await put('src/foreign.js', 'x\n');
      const dir = await git('rev-parse', '--absolute-git-dir');
      await leave(dir);
      const kept = await setAside();
      const before = [await git('rev-parse', 'HEAD'), await read('src/foreign.js'), await read('tests/new.test.js')];
      await expect(putRight(kept)).rejects.toThrow(why);
      expect([await git('rev-parse', 'HEAD'), await read('src/foreign.js'), await read('tests/new.test.js')]).toEqual(
        before,
      );
    },
    15_000,
  );

  it('comes to the same end after a crash between commands of git', { timeout: 120_000 }, async () => {
    const [command, count] = [join(repo.base, 'git.sh'), join(repo.base, 'count')];
    const dieAt = async (at: number): Promise<void> => {
      await writeFile(count, '');
      const die = `[ "$(wc -c < '${count}')" -lt ${at} ] || exit 97`;
      await writeFile(command, `#!/bin/sh\n${die}\nprintf x >> '${count}'\nexec git "$@"\n`);
      await chmod(command, 0o700);
    };
    await other();
    const leave = async (): Promise<void> => {
      await put('src/foreign.js', 'x\n');
      await commit('Foreign', 'src/foreign.js');
      await anyway('merge', 'other');
    };
    await leave();
    await dieAt(10_000);
    await putRight(await setAside(), keeperOf(command));
    const calls = (await readFile(count, 'utf8')).length;
    expect(calls).toBeGreaterThan(10);
    for (let at = 0; at < calls; at += 3) {
      await leave();
      const kept = await setAside();
      await dieAt(at);
      await expect(putRight(kept, keeperOf(command))).rejects.toThrow('97');
      await putRight(kept);
      await isAsKnown();
      expect(await git('show', `${kept.branch ?? ''}:src/foreign.js`)).toBe('x');
    }
  });
});
