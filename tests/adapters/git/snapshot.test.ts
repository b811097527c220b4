import { chmod, mkdir, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGit, type Git } from '../../../src/adapters/git/open.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

let repo: SampleRepo;
let git: Git;
beforeEach(async () => {
  repo = await sampleRepo({ name: 'a répo' });
  git = openGit({ environment: repo.environment });
});
afterEach(() => repo.dispose());

const ref = (name: string) => `refs/tmops/auth-api/initial/${name}`;
const take = (name: string) => git.snapshot(repo.root, ref(name));
const files = async (commit: string) =>
  (await repo.git(['ls-tree', '-r', '--name-only', '-z', commit])).split('\0').filter((name) => name !== '');

test('records tracked, changed and untracked files; index, HEAD and files stay as they are', async () => {
  await repo.write('src/sum.js', 'changed\n');
  await repo.write('staged.txt', 'staged\n');
  await repo.git(['add', 'staged.txt']);
  await repo.write('new file ü.txt', 'new\n');
  await repo.write('noise.log', 'ignored\n');
  await repo.write('.tmops/auth-api/notes', 'ours\n');
  const look = async () => ({
    index: await readFile(join(repo.root, '.git/index')),
    indexTime: (await stat(join(repo.root, '.git/index'))).mtimeMs,
    head: await repo.read('.git/HEAD'),
    main: await repo.git(['rev-parse', 'main']),
    status: await repo.git(['-c', 'core.quotePath=false', '--no-optional-locks', 'status', '--porcelain']),
  });
  const before = await look();
  const taken = await take('start');
  expect(await look()).toEqual(before);
  expect(await files(taken.commit)).toEqual([
    '.gitignore',
    'new file ü.txt',
    'package.json',
    'src/sum.js',
    'staged.txt',
    'test/sum.test.js',
  ]);
  expect(await repo.git(['rev-parse', ref('start')])).toBe(taken.commit);
  expect(await repo.git(['rev-parse', `${ref('start')}^`])).toBe(before.main);
  expect(await repo.git(['log', '-1', '--format=%an <%ae> %s', ref('start')])).toBe(
    'tmops <tmops@localhost> tmops snapshot auth-api/initial/start',
  );
  expect(taken.skipped).toEqual([]);
});

test('what changed between two snapshots, commits of the agent or not', async () => {
  const from = await take('tester-before');
  await repo.write('test/more.test.js', '// more\n');
  await repo.git(['add', '.']);
  await repo.git(['commit', '--quiet', '-m', 'Tests']);
  await repo.write('src/sum.js', 'changed\n');
  await rm(join(repo.root, 'package.json'));
  await rm(join(repo.root, 'test/sum.test.js'));
  await symlink('more.test.js', join(repo.root, 'test/sum.test.js'));
  await repo.write('tab\tand\nline.txt', '');
  const to = await take('tester-after');
  const expected = [
    { path: 'package.json', how: 'deleted' },
    { path: 'src/sum.js', how: 'modified' },
    { path: 'tab\tand\nline.txt', how: 'added' },
    { path: 'test/more.test.js', how: 'added' },
    { path: 'test/sum.test.js', how: 'retyped' },
  ];
  expect(await git.changedFiles(repo.root, { from: from.ref, to: to.ref })).toEqual(expected);
  expect(await git.changedFiles(repo.root, { from: from.commit, to: to.commit })).toEqual(expected);
  expect(await git.changedFiles(repo.root, { from: to.ref, to: to.ref })).toEqual([]);
  await expect(git.changedFiles(repo.root, { from: '--output=/tmp/x', to: to.ref })).rejects.toThrow('exit code');
});

test('sees what an agent told git to overlook', async () => {
  const from = await take('a');
  await repo.git(['update-index', '--assume-unchanged', 'src/sum.js']);
  await repo.git(['update-index', '--skip-worktree', 'package.json']);
  await repo.write('src/sum.js', 'hidden\n');
  await repo.write('package.json', '{}\n');
  await take('b');
  expect(await git.changedFiles(repo.root, { from: from.ref, to: ref('b') })).toEqual([
    { path: 'package.json', how: 'modified' },
    { path: 'src/sum.js', how: 'modified' },
  ]);
  expect(await repo.git(['ls-files', '-v', 'src/sum.js', 'package.json'])).toBe('S package.json\nh src/sum.js');
});

test('sees a change of the same size in the same second', async () => {
  const file = join(repo.root, 'src/sum.js');
  const from = await take('a');
  const { atime, mtime } = await stat(file);
  await writeFile(file, (await readFile(file, 'utf8')).replace('a + b', 'a - b'));
  await utimes(file, atime, mtime);
  // The times say nothing happened; ctime does.
  await take('b');
  expect(await git.changedFiles(repo.root, { from: from.ref, to: ref('b') })).toEqual([
    { path: 'src/sum.js', how: 'modified' },
  ]);
});

test('leaves .tmops out: ignored or not, a folder or the link in a worktree, committed or not', async () => {
  await repo.write('.tmops/auth-api/notes', 'ours\n');
  const tree = join(repo.base, 'tree');
  await repo.git(['worktree', 'add', '--quiet', '-b', 'feature/x', tree]);
  await symlink(join(repo.root, '.tmops'), join(tree, '.tmops'));
  const clean = ['.gitignore', 'package.json', 'src/sum.js', 'test/sum.test.js'];
  const look = async () => {
    for (const path of [repo.root, tree]) {
      expect(await files((await git.snapshot(path, ref('a'))).commit), path).toEqual(clean);
    }
  };
  await look();
  await git.addExclude(repo.root, '.tmops');
  await look();
  await repo.git(['add', '--force', '.tmops']);
  await repo.git(['commit', '--quiet', '-m', 'By mistake']);
  await look();
  expect(await repo.git(['status', '--porcelain'])).toBe('');
});

test('works in a linked worktree, a sparse checkout, a conflict and without a commit', async () => {
  const tree = join(repo.base, 'tree');
  await repo.git(['worktree', 'add', '--quiet', '-b', 'feature/x', tree]);
  await writeFile(join(tree, 'only-here.txt'), '');
  const there = await git.snapshot(tree, 'refs/tmops/x/initial/a');
  expect(await files(there.commit)).toContain('only-here.txt');
  expect(await repo.git(['rev-parse', 'refs/tmops/x/initial/a'])).toBe(there.commit);

  for (const how of [
    ['--no-cone', '/src/'],
    ['--cone', 'src'],
    ['--cone', '--sparse-index', 'src'],
  ]) {
    await repo.git(['sparse-checkout', 'set', ...how], tree);
    const sparse = await git.snapshot(tree, 'refs/tmops/x/initial/sparse');
    expect(await files(sparse.commit), how.join(' ')).toEqual(await files(there.commit));
  }

  await repo.git(['checkout', '--quiet', '-b', 'other']);
  await repo.write('src/sum.js', 'theirs\n');
  await repo.git(['commit', '--quiet', '-am', 'Theirs']);
  await repo.git(['checkout', '--quiet', 'main']);
  await repo.write('src/sum.js', 'ours\n');
  await repo.git(['commit', '--quiet', '-am', 'Ours']);
  await expect(repo.git(['merge', 'other'])).rejects.toThrow('git merge other');
  const conflict = await take('conflict');
  expect(await repo.git(['show', `${conflict.commit}:src/sum.js`])).toContain('<<<<<<<');
  expect((await git.status(repo.root)).conflicted).toEqual(['src/sum.js']);

  const fresh = await sampleRepo({ commits: false });
  try {
    const first = await git.snapshot(fresh.root, ref('first'));
    expect(await fresh.git(['rev-list', '--count', first.commit])).toBe('1');
    expect(await fresh.git(['ls-tree', '-r', '--name-only', first.commit])).toContain('src/sum.js');
  } finally {
    await fresh.dispose();
  }
});

test('a repository inside is recorded by its commit, or named as left out when it has none', async () => {
  await repo.git(['init', '--quiet', 'fixtures/empty repo']);
  await repo.git(['clone', '--quiet', repo.root, 'fixtures/whole']);
  const taken = await take('a');
  expect(taken.skipped).toEqual(['fixtures/empty repo']);
  expect(await files(taken.commit)).toContain('fixtures/whole');
});

test('line endings that the user wants warned about do not stop it, nor does a missing name', async () => {
  await repo.git(['config', 'core.autocrlf', 'input']);
  await repo.git(['config', 'core.safecrlf', 'true']);
  await repo.git(['config', '--global', '--unset', 'user.email']);
  await repo.git(['config', '--global', 'user.useConfigOnly', 'true']);
  await repo.write('crlf.txt', 'one\r\ntwo\r\n');
  expect(await files((await take('a')).commit)).toContain('crlf.txt');
});

test('a file that cannot be read is an error, never a snapshot without it', async () => {
  // Root reads everything, so a clean filter fails in its place.
  await repo.write('.gitattributes', 'secret.txt filter=broken\n');
  await repo.git(['config', 'filter.broken.clean', 'false']);
  await repo.git(['config', 'filter.broken.required', 'true']);
  await repo.write('secret.txt', 'x\n');
  await chmod(join(repo.root, 'secret.txt'), 0o000);
  await expect(take('a')).rejects.toThrow('secret.txt');
  await expect(repo.git(['rev-parse', '--verify', ref('a')])).rejects.toThrow();
});

test('leaves no temporary index behind, also after a failure, and refuses a ref of the user', async () => {
  const { TMPDIR } = process.env;
  const own = join(repo.base, 'own tmp');
  await mkdir(own);
  process.env['TMPDIR'] = own;
  try {
    await take('a');
    await expect(git.snapshot(repo.root, ref('bad..name'))).rejects.toThrow('refs/tmops');
    expect(await readdir(own)).toEqual([]);
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
  await expect(git.snapshot(repo.root, 'refs/heads/main')).rejects.toThrow('Internal error');
});
