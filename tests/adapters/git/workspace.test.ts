import { chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openGit } from '../../../src/adapters/git/open.ts';
import { readVersion } from '../../../src/adapters/git/workspace.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

let repo: SampleRepo;
beforeEach(async () => {
  repo = await sampleRepo({ name: 'my repo ünï 日本' });
});
afterEach(() => repo.dispose());

const git = () => openGit({ environment: repo.environment });

describe('findWorkspace', () => {
  test('the root, a sub folder, .git, a link to it and a linked worktree all give the main worktree', async () => {
    const linked = join(repo.base, 'linked tree');
    await repo.git(['worktree', 'add', '-b', 'other', linked]);
    await mkdir(join(linked, 'deep', 'er'), { recursive: true });
    const alias = join(repo.base, 'alias');
    await symlink(repo.root, alias);
    const found = { kind: 'found', root: repo.root, commonDir: join(repo.root, '.git') };
    for (const cwd of [
      repo.root,
      join(repo.root, 'src'),
      join(repo.root, '.git', 'refs'),
      alias,
      join(linked, 'deep', 'er'),
    ]) {
      expect(await git().findWorkspace(cwd), cwd).toEqual(found);
    }
  });

  test('GIT_DIR and GIT_WORK_TREE of the caller change nothing', async () => {
    const other = await sampleRepo();
    try {
      const environment = {
        ...repo.environment,
        GIT_DIR: join(other.root, '.git'),
        GIT_WORK_TREE: other.root,
        GIT_CEILING_DIRECTORIES: repo.root,
      };
      const found = await openGit({ environment }).findWorkspace(join(repo.root, 'src'));
      expect(found).toMatchObject({ kind: 'found', root: repo.root });
    } finally {
      await other.dispose();
    }
  });

  test('a submodule and a worktree of it are a workspace of their own', async () => {
    const library = join(repo.base, 'library');
    await repo.git(['clone', '--quiet', repo.root, library]);
    await repo.git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'lib']);
    const tree = join(repo.base, 'lib-tree');
    await repo.git(['worktree', 'add', '-b', 'other', tree], join(repo.root, 'lib'));
    for (const cwd of [join(repo.root, 'lib', 'src'), tree]) {
      expect(await git().findWorkspace(cwd), cwd).toEqual({
        kind: 'found',
        root: join(repo.root, 'lib'),
        commonDir: join(repo.root, '.git', 'modules', 'lib'),
      });
    }
  });

  test('what is no workspace is told by kind', async () => {
    const plain = join(repo.base, 'plain');
    await mkdir(plain);
    const bare = join(repo.base, 'bare.git');
    await repo.git(['clone', '--quiet', '--bare', repo.root, bare]);
    const ofBare = join(repo.base, 'of-bare');
    await repo.git(['worktree', 'add', '-b', 'other', ofBare], bare);
    const fresh = join(repo.base, 'fresh');
    await repo.git(['init', '--quiet', fresh]);
    expect(await git().findWorkspace(plain)).toEqual({ kind: 'not-a-repo', cwd: plain });
    expect(await git().findWorkspace(join(plain, 'absent'))).toMatchObject({ kind: 'not-a-repo' });
    expect(await git().findWorkspace(join(repo.root, 'package.json'))).toMatchObject({ kind: 'not-a-repo' });
    expect(await git().findWorkspace(bare)).toEqual({ kind: 'bare', commonDir: bare });
    expect(await git().findWorkspace(ofBare)).toEqual({ kind: 'bare', commonDir: bare });
    expect(await git().findWorkspace(fresh)).toEqual({ kind: 'no-commits', root: await realpath(fresh) });
  });

  test('a worktree whose repository lies elsewhere without a main worktree says so', async () => {
    const apart = join(repo.base, 'apart');
    const store = join(repo.base, 'store');
    await repo.git(['clone', '--quiet', `--separate-git-dir=${store}`, repo.root, apart]);
    const linked = join(repo.base, 'linked');
    await repo.git(['worktree', 'add', '-b', 'other', linked], apart);
    expect(await git().findWorkspace(apart)).toEqual({ kind: 'found', root: apart, commonDir: store });
    expect(await git().findWorkspace(linked)).toEqual({ kind: 'no-main-worktree', commonDir: store });
  });

  test('a repository of somebody else is told with what git says about it', async () => {
    const wary = join(repo.base, 'wary-git');
    await writeFile(wary, '#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec git "$@"\n');
    await chmod(wary, 0o755);
    const found = await openGit({ environment: repo.environment, command: wary }).findWorkspace(repo.root);
    expect(found).toMatchObject({ kind: 'not-owned', cwd: repo.root });
    expect(JSON.stringify(found)).toContain('safe.directory');
  });

  test('git missing, and git too old', async () => {
    expect(await openGit({ environment: repo.environment, command: 'no-such-git' }).findWorkspace(repo.root)).toEqual({
      kind: 'git-missing',
    });
    const old = join(repo.base, 'old-git');
    await writeFile(old, '#!/bin/sh\necho git version 2.29.9\n');
    await chmod(old, 0o755);
    const opened = openGit({ environment: repo.environment, command: old });
    expect(await opened.findWorkspace(repo.root)).toEqual({ kind: 'too-old', version: '2.29.9', needed: '2.30' });
  });
});

test.each([
  ['git version 2.39.5', '2.39.5'],
  ['git version 2.39.5 (Apple Git-154)', '2.39.5'],
  ['git version 2.47.0.windows.1', '2.47.0'],
  ['strange', 'strange'],
])('version of %j', (said, version) => {
  expect(readVersion(said)).toBe(version);
});
