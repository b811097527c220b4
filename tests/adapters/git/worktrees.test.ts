import { existsSync } from 'node:fs';
import { access, chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openGit, type Git } from '../../../src/adapters/git/open.ts';
import { parseWorktreeList } from '../../../src/adapters/git/worktree-list.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

const BRANCH = 'feature/auth-api';

let repo: SampleRepo;
let git: Git;
let path: string;
beforeEach(async () => {
  repo = await sampleRepo({ name: 'my repo é' });
  git = openGit({ environment: repo.environment });
  path = join(repo.base, 'my repo é.tmops', 'auth-api');
  await git.ensureBranch(repo.root, BRANCH);
});
afterEach(() => repo.dispose());

const ensure = () => git.ensureWorktree({ root: repo.root, path, branch: BRANCH });
const problem = (kind: string, facts: object) => ({ ok: false, problem: { kind, ...facts } });

describe('ensureWorktree', () => {
  test('makes it with its parents, then keeps it, also when work in it is not committed', async () => {
    expect(await ensure()).toEqual({ ok: true, how: 'made', path });
    expect((await git.head(path)).branch).toBe(BRANCH);
    await writeFile(join(path, 'src/sum.js'), 'work\n');
    expect(await ensure()).toEqual({ ok: true, how: 'kept', path });
    expect(await readFile(join(path, 'src/sum.js'), 'utf8')).toBe('work\n');
  });

  test('waits for the record of another one that is just being made', async () => {
    const record = join(repo.root, '.git', 'worktrees', 'other');
    await mkdir(record, { recursive: true });
    await writeFile(join(record, 'gitdir'), `${join(repo.base, 'other', '.git')}\n`);
    await writeFile(join(record, 'HEAD'), 'ref: refs/heads/other\n');
    await writeFile(join(record, 'commondir'), '');
    await expect(repo.git(['worktree', 'list'])).rejects.toThrow('commondir');
    const [answer] = await Promise.all([
      ensure(),
      pause(200).then(() => writeFile(join(record, 'commondir'), '../..\n')),
    ]);
    expect(answer).toEqual({ ok: true, how: 'made', path });
  });

  test('asks again when the record of another one was being removed', async () => {
    // What git said once when it did happen: it takes many at once, and luck.
    const died = join(repo.base, 'died');
    const command = join(repo.base, 'git-that-dies-once');
    await writeFile(
      command,
      `#!/bin/sh
case "$*" in *worktree*add*) ;; *) exec git "$@" ;; esac
[ -e '${died}' ] && exec git "$@"
: >'${died}'
echo "fatal: Invalid path '${repo.root}/.git/worktrees/other': No such file or directory" >&2
exit 128
`,
      { mode: 0o755 },
    );
    const unlucky = openGit({ environment: repo.environment, command });
    const order = { root: repo.root, path, branch: BRANCH };
    expect(await unlucky.ensureWorktree(order)).toEqual({ ok: true, how: 'made', path });
    expect(existsSync(died)).toBe(true);
  });

  test('takes an empty folder, and refuses a full one, a file and a link', async () => {
    await mkdir(path, { recursive: true });
    expect(await ensure()).toEqual({ ok: true, how: 'made', path });
    await git.removeWorktree({ root: repo.root, path });
    await mkdir(path);
    await writeFile(join(path, 'mine'), '');
    expect(await ensure()).toEqual(problem('path-taken', { path, what: 'folder' }));
    await rm(path, { recursive: true });
    await writeFile(path, '');
    expect(await ensure()).toEqual(problem('path-taken', { path, what: 'file' }));
    await rm(path);
    await symlink(join(repo.base, 'nowhere'), path);
    expect(await ensure()).toEqual(problem('path-taken', { path, what: 'link' }));
  });

  test('says where the branch is checked out: another worktree, or the root', async () => {
    const at = join(repo.base, 'elsewhere');
    await repo.git(['worktree', 'add', '--quiet', at, BRANCH]);
    expect(await ensure()).toEqual(problem('branch-elsewhere', { branch: BRANCH, at }));
    await repo.git(['worktree', 'remove', at]);
    await repo.git(['checkout', '--quiet', BRANCH]);
    expect(await ensure()).toEqual(problem('branch-elsewhere', { branch: BRANCH, at: repo.root }));
  });

  test('says that the worktree is on another branch, or on none', async () => {
    await ensure();
    await repo.git(['checkout', '--quiet', '-b', 'other'], path);
    expect(await ensure()).toEqual(problem('worktree-other-branch', { path, branch: 'other' }));
    await repo.git(['checkout', '--quiet', '--detach'], path);
    expect(await ensure()).toEqual(problem('worktree-other-branch', { path, branch: null }));
  });

  test('makes it again where only the folder is gone, unless the user locked it', async () => {
    await ensure();
    await rm(path, { recursive: true });
    expect(await ensure()).toEqual({ ok: true, how: 'repaired', path });
    await repo.git(['worktree', 'lock', '--reason', 'on a stick', path]);
    await rm(path, { recursive: true });
    expect(await ensure()).toEqual(problem('worktree-locked', { path, reason: 'on a stick' }));
  });

  test('finishes what a crash cut short, at each stage that git goes through', async () => {
    const admin = join(repo.root, '.git/worktrees/auth-api');
    const cut: Record<string, () => Promise<unknown>> = {
      'before the folder': () => rm(path, { recursive: true }),
      'before .git': async () => {
        await rm(path, { recursive: true });
        await mkdir(path);
      },
      'before HEAD': async () => {
        await writeFile(join(admin, 'HEAD'), `${'0'.repeat(40)}\n`);
        await rm(join(admin, 'index'));
        await rm(join(path, 'src'), { recursive: true });
      },
      'in the checkout': async () => {
        await rm(join(admin, 'index'));
        await writeFile(join(admin, 'index.lock'), '');
        await rm(join(path, 'src'), { recursive: true });
      },
      'before the unlock': () => Promise.resolve(),
    };
    const quick = openGit({ environment: repo.environment, settleMs: 0 });
    for (const [when, damage] of Object.entries(cut)) {
      await ensure();
      await writeFile(join(admin, 'locked'), 'initializing');
      await damage();
      const done = await quick.ensureWorktree({ root: repo.root, path, branch: BRANCH });
      expect(done, when).toEqual({ ok: true, how: 'repaired', path });
      expect(await repo.git(['status', '--porcelain'], path), when).toBe('');
      expect(await repo.git(['branch', '--show-current'], path), when).toBe(BRANCH);
      await expect(access(join(admin, 'locked')), when).rejects.toThrow('ENOENT');
    }
  });

  test('waits for a git that is still at work on it', async () => {
    await ensure();
    const locked = join(repo.root, '.git/worktrees/auth-api/locked');
    await writeFile(locked, 'initializing');
    const waiting = ensure();
    const unlocked = setTimeout(() => void rm(locked), 150);
    expect(await waiting).toEqual({ ok: true, how: 'kept', path });
    clearTimeout(unlocked);
  });

  test('runs no hook of the user, who keeps them for the commits', async () => {
    const mark = join(repo.base, 'hooked');
    for (const hook of ['post-checkout', 'reference-transaction', 'pre-commit']) {
      await repo.write(`.git/hooks/${hook}`, `#!/bin/sh\necho ${hook} >> '${mark}'\n`);
      await chmod(join(repo.root, '.git/hooks', hook), 0o755);
    }
    await ensure();
    await git.snapshot(path, 'refs/tmops/auth-api/initial/start');
    await expect(access(mark)).rejects.toThrow('ENOENT');
    await repo.git(['commit', '--quiet', '--allow-empty', '-m', 'Work'], path);
    expect(await readFile(mark, 'utf8')).toContain('pre-commit');
  });
});

describe('removeWorktree', () => {
  const remove = () => git.removeWorktree({ root: repo.root, path });

  test('removes the folder but not what a link in it leads to; absent is fine; the branch stays', async () => {
    await ensure();
    await repo.write('.tmops/auth-api/notes', 'keep\n');
    await git.addExclude(repo.root, '.tmops');
    await symlink(join(repo.root, '.tmops'), join(path, '.tmops'));
    expect(await remove()).toEqual({ ok: true, removed: true });
    expect(await remove()).toEqual({ ok: true, removed: false });
    expect(await repo.read('.tmops/auth-api/notes')).toBe('keep\n');
    expect(await repo.git(['branch', '--list', BRANCH])).toContain(BRANCH);
  });

  test('refuses uncommitted work, untracked files too', async () => {
    await ensure();
    await writeFile(join(path, 'src/sum.js'), 'work\n');
    await writeFile(join(path, 'new.txt'), 'work\n');
    expect(await remove()).toEqual(problem('dirty', { path, count: 2, files: ['src/sum.js', 'new.txt'] }));
  });

  test('refuses a locked one and clears the record of one whose folder is gone', async () => {
    await ensure();
    await repo.git(['worktree', 'lock', path]);
    expect(await remove()).toEqual(problem('worktree-locked', { path, reason: '' }));
    await repo.git(['worktree', 'unlock', path]);
    await rm(path, { recursive: true });
    expect(await remove()).toEqual({ ok: true, removed: true });
    expect(await repo.git(['worktree', 'list', '--porcelain'])).not.toContain('auth-api');
  });
});

test('the list of worktrees is read', () => {
  const text =
    'worktree /a b\nHEAD 1\nbranch refs/heads/main\n\n' +
    'worktree /c\nHEAD 2\ndetached\nlocked\n\nworktree /d\nHEAD 3\nbranch refs/heads/feature/x\nlocked why so\nprunable gone\n\n';
  expect(parseWorktreeList(text)).toEqual([
    { path: '/a b', branch: 'main', locked: null, bare: false },
    { path: '/c', branch: null, locked: '', bare: false },
    { path: '/d', branch: 'feature/x', locked: 'why so', bare: false },
  ]);
  expect(parseWorktreeList('worktree /bare.git\nbare\n\n')).toEqual([
    { path: '/bare.git', branch: null, locked: null, bare: true },
  ]);
});
