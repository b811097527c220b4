import { lstat, mkdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGit } from '../../../src/adapters/git/open.ts';
import type { Trees } from '../../../src/core/rolled-back.ts';
import type { Rewinder } from '../../../src/engine/ports.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';
import { until } from '../../rig/wait.ts';

const BRANCH = 'feature/auth-api';
let repo: SampleRepo;
let tree: string;
let rewinder: Rewinder;

beforeEach(async () => {
  repo = await sampleRepo({ name: 'a répo', files: { 'src/old.js': 'old\n', 'src/dir/x.js': 'x\n' } });
  tree = join(repo.base, 'trees', 'auth api');
  await repo.git(['worktree', 'add', '--quiet', '-b', BRANCH, tree]);
  rewinder = openGit({ environment: repo.environment }).rewinder;
});
afterEach(() => repo.dispose());

const git = (...args: string[]): Promise<string> => repo.git(args, tree);
async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), text);
}
const text = (path: string): Promise<string | null> => readFile(join(tree, path), 'utf8').catch(() => null);
async function commit(message: string): Promise<string> {
  await git('add', '--all');
  await git('commit', '--quiet', '--message', message);
  return git('rev-parse', 'HEAD');
}
async function keep(name: string): Promise<Trees> {
  return rewinder.keep(tree, await rewinder.look(tree), `auth-api/initial/${name}`);
}
/** What was kept, as a point that is gone back to: uncommitted then, what is uncommitted now. */
const point = ({ head, files }: Trees): Trees => ({ head, index: head, files });
const back = async (to: Trees, message = 'back'): Promise<void> => {
  const paths = (await rewinder.differing(tree, await rewinder.look(tree), to)).map(({ path }) => path);
  await rewinder.put(tree, { branch: BRANCH, to, paths, message });
};
/** The three layers, each by the trees that git makes of them. */
const layers = async (): Promise<string[]> => {
  const { head, index, files } = await rewinder.look(tree);
  return [await git('rev-parse', `${head}^{tree}`), index, files];
};

/** A day's work over the sample: every kind of change, committed, staged and neither. */
async function work(): Promise<void> {
  await put('src/new.js', 'new\n');
  await put('src/deep/er/new.js', 'new\n');
  await put('src/sum.js', 'committed\n');
  await rm(join(tree, 'src/old.js'));
  await commit('Implement');
  await put('src/sum.js', 'staged\n');
  await put('src/staged.js', 'staged\n');
  await git('add', '--all');
  await put('src/sum.js', 'neither\n');
  await put('src/loose \u00fc\n"x".js', 'loose\n');
  await rm(join(tree, 'src/dir'), { recursive: true });
  await writeFile(join(tree, 'src/dir'), 'a file now\n');
  await symlink('sum.js', join(tree, 'src/link'));
}

describe('going back', () => {
  it('restores committed, staged and other work, by one commit on top, and leaves no folder of it', async () => {
    await put('notes.txt', 'uncommitted before\n');
    const then = point(await keep('then'));
    const before = await layers();
    await work();
    const head = await git('rev-parse', 'HEAD');
    await back(then, 'tmops rollback 1\n\nMore.\n');
    expect(await layers()).toEqual([before[0], await git('rev-parse', 'HEAD^{tree}'), before[2]]);
    expect(await git('rev-parse', 'HEAD^')).toBe(head);
    expect(await git('log', '-1', '--format=%an %s')).toBe('tmops tmops rollback 1');
    expect(await git('status', '--porcelain')).toBe('?? notes.txt');
    await expect(lstat(join(tree, 'src/deep'))).rejects.toThrow('ENOENT');
    expect([await text('src/dir/x.js'), await text('src/old.js')]).toEqual(['x\n', 'old\n']);
  });

  it('is undone, layer by layer', async () => {
    const then = point(await keep('then'));
    await work();
    const kept = await keep('now');
    const before = await layers();
    await back(then);
    await back(kept);
    expect(await layers()).toEqual(before);
    expect(await readlink(join(tree, 'src/link'))).toBe('sum.js');
    expect(await git('rev-list', '--count', `${kept.head}..HEAD`)).toBe('2');
    expect(await git('show', 'refs/tmops/auth-api/initial/now-files:src/sum.js')).toBe('neither');
    expect(await git('show', 'refs/tmops/auth-api/initial/now-index:src/sum.js')).toBe('staged');
  });

  it('done twice, or half done before, is done once', async () => {
    const then = point(await keep('then'));
    await work();
    const now = await rewinder.look(tree);
    const paths = (await rewinder.differing(tree, now, then)).map(({ path }) => path);
    const order = { branch: BRANCH, to: then, paths, message: 'back' };
    await rewinder.put(tree, order);
    const head = await git('rev-parse', 'HEAD');
    await put('src/new.js', 'new\n');
    await rewinder.put(tree, order);
    expect([await git('rev-parse', 'HEAD'), await text('src/new.js')]).toEqual([head, null]);
  });

  it('makes no commit where nothing was committed', async () => {
    const then = point(await keep('then'));
    await put('src/new.js', 'new\n');
    await back(then);
    expect([await git('rev-parse', 'HEAD'), await text('src/new.js')]).toEqual([then.head, null]);
  });

  it('touches nothing but the files that are named', async () => {
    const then = point(await keep('then'));
    await put('src/new.js', 'new\n');
    await put('test/new.test.js', 'test\n');
    await commit('Both');
    await put('test/other.test.js', 'other\n');
    await rewinder.put(tree, { branch: BRANCH, to: then, paths: ['src/new.js'], message: 'back' });
    expect(await git('ls-files', 'src/new.js', 'test')).toBe('test/new.test.js\ntest/sum.test.js');
    expect(await git('status', '--porcelain')).toBe('?? test/other.test.js');
  });

  it('removes nothing through a link, and no repository within the project', async () => {
    const outside = join(repo.base, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'x.js'), 'precious\n');
    const then = point(await keep('then'));
    await put('lib/x.js', 'mine\n');
    await commit('lib');
    await rm(join(tree, 'lib'), { recursive: true });
    await symlink(outside, join(tree, 'lib'));
    await git('init', '--quiet', 'inner');
    await put('inner/file', 'inner\n');
    await repo.git(['add', '.'], join(tree, 'inner'));
    await repo.git(['commit', '--quiet', '-m', 'inner'], join(tree, 'inner'));
    await back(then);
    expect(await readFile(join(outside, 'x.js'), 'utf8')).toBe('precious\n');
    expect([await text('lib'), await text('inner/file')]).toEqual([null, 'inner\n']);
  });

  it('is refused before anything is touched where files that git ignores would be lost', async () => {
    await put('settings', 'then\n');
    const then = point(await keep('then'));
    await put('.gitignore', 'settings\n');
    await put('settings', 'now, and ignored\n');
    await put('src/new.js', 'new\n');
    await expect(back(then)).rejects.toThrow('settings, which git ignores, is in the way of another: move it away');
    expect([await text('settings'), await text('src/new.js')]).toEqual(['now, and ignored\n', 'new\n']);
    await rm(join(tree, 'settings'));
    await mkdir(join(tree, 'settings'));
    await put('settings/inside', 'ignored too\n');
    await expect(back(then)).rejects.toThrow('settings/inside is in a folder that is in the way');
  });

  it('is refused on another branch', async () => {
    const then = point(await keep('then'));
    await put('src/new.js', 'new\n');
    await git('switch', '--quiet', '--create', 'elsewhere');
    await expect(back(then)).rejects.toThrow(/is on refs\/heads\/elsewhere, not on refs\/heads\/feature/);
    expect(await text('src/new.js')).toBe('new\n');
  });

  it('waits for another git that has the index', async () => {
    const then = point(await keep('then'));
    await put('src/new.js', 'new\n');
    await git('add', '--all');
    const lock = await git('rev-parse', '--git-path', 'index.lock');
    await writeFile(lock, '');
    // Tells when the user's own index was asked for.
    const command = join(repo.base, 'git.sh');
    const calls = join(repo.base, 'calls');
    const note = `[ -n "$GIT_INDEX_FILE" ] || echo "$@" >> '${calls}'`;
    await writeFile(command, `#!/bin/sh\n${note}\nexec git "$@"\n`, { mode: 0o700 });
    rewinder = openGit({ environment: repo.environment, command }).rewinder;
    const going = back(then);
    await until('the index was asked for', async () =>
      (await readFile(calls, 'utf8').catch(() => '')).includes('update-index'),
    );
    await rm(lock);
    await going;
    expect(await git('status', '--porcelain')).toBe('');
  });
});

describe('what is told', () => {
  it('differs by layer and file', async () => {
    const then = point(await keep('then'));
    await work();
    await git('rm', '--quiet', '--cached', 'package.json');
    const changes = await rewinder.differing(tree, await rewinder.look(tree), then);
    expect(Object.fromEntries(changes.map(({ path, how }) => [path, how]))).toEqual({
      ...{ 'src/new.js': 'deleted', 'src/deep/er/new.js': 'deleted', 'src/staged.js': 'deleted' },
      ...{ 'src/loose \u00fc\n"x".js': 'deleted', 'src/link': 'deleted', 'src/dir': 'deleted' },
      ...{ 'src/dir/x.js': 'added', 'src/old.js': 'added', 'src/sum.js': 'modified', 'package.json': 'modified' },
    });
  });

  it('are the commits since, newest first, with their files', async () => {
    const since = await git('rev-parse', 'HEAD');
    await put('src/a b\u00fc.js', 'a\n');
    const first = await commit('One: a "quoted"\ttab');
    await put('src/c.js', 'c\n');
    await put('src/sum.js', 'c\n');
    const second = await commit('Two\n\nwith a body');
    expect(await rewinder.commits(tree, since)).toEqual([
      { commit: second, subject: 'Two', files: ['src/c.js', 'src/sum.js'] },
      { commit: first, subject: 'One: a "quoted"\ttab', files: ['src/a b\u00fc.js'] },
    ]);
    expect(await rewinder.commits(tree, second)).toEqual([]);
    expect(await rewinder.parentOf(tree, second)).toBe(first);
    expect(await rewinder.parentOf(tree, 'f'.repeat(40))).toBeNull();
  });

  it('is what stands in the way', async () => {
    const since = await git('rev-parse', 'HEAD');
    const obstacle = (from = since, at = tree) => rewinder.obstacle(at, { branch: BRANCH, since: from });
    expect(await obstacle()).toBeNull();
    expect(await obstacle(since, join(tree, 'nowhere'))).toMatchObject({ kind: 'no-worktree' });
    expect(await obstacle('f'.repeat(40))).toEqual({ kind: 'rewritten', since: 'f'.repeat(40) });
    await put('src/sum.js', 'ours\n');
    const ours = await commit('Ours');
    await git('branch', 'theirs', since);
    await repo.git(['worktree', 'add', '--quiet', join(repo.base, 'theirs'), 'theirs']);
    await writeFile(join(repo.base, 'theirs', 'src/sum.js'), 'theirs\n');
    await repo.git(['commit', '--quiet', '--all', '--message', 'Theirs'], join(repo.base, 'theirs'));
    await git('merge', '--quiet', 'theirs').catch(() => undefined);
    expect(await obstacle()).toEqual({ kind: 'under-way', what: 'merge' });
    await put('src/sum.js', 'both\n');
    await git('commit', '--quiet', '--all', '--message', 'Merged');
    expect(await obstacle()).toEqual({ kind: 'merged', commit: await git('rev-parse', 'HEAD') });
    await git('reset', '--quiet', '--hard', since);
    expect(await obstacle(ours)).toEqual({ kind: 'rewritten', since: ours });
    await put('src/sum.js', 'stashed\n');
    await git('stash', '--quiet');
    await put('src/sum.js', 'other\n');
    await commit('Other');
    await git('stash', 'pop').catch(() => undefined);
    expect(await obstacle()).toEqual({ kind: 'conflicts', files: ['src/sum.js'] });
    await git('checkout', '--quiet', '--force', '--detach');
    expect(await obstacle()).toMatchObject({ kind: 'other-branch', branch: null });
  });
});
