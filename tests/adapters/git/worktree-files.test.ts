import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePatch } from '../../../src/adapters/git/added-lines.ts';
import { openGit } from '../../../src/adapters/git/open.ts';
import { projectFiles } from '../../../src/adapters/project/project-files.ts';
import type { ProjectFiles } from '../../../src/engine/role-ports.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

const SAMPLE = ['.gitignore', 'package.json', 'src/sum.js', 'test/sum.test.js'];
const STRANGE = 'src/loose \u00fc\n\t"x" \\.js';
let repo: SampleRepo;
let tree: string;
let start: string;
let files: ProjectFiles;

beforeEach(async () => {
  repo = await sampleRepo({ name: 'a répo' });
  tree = join(repo.base, 'trees', 'auth api');
  await repo.write('.git/info/exclude', '.tmops\n');
  await repo.write('.tmops/auth-api/journal.jsonl', 'ours\n');
  await repo.git(['worktree', 'add', '--quiet', '-b', 'feature/auth-api', tree]);
  await symlink(join(repo.root, '.tmops'), join(tree, '.tmops'));
  start = await git('rev-parse', 'HEAD');
  files = projectFiles(openGit({ environment: repo.environment }));
});
afterEach(() => repo.dispose());

const git = (...args: string[]): Promise<string> => repo.git(args, tree);
async function put(path: string, text: string | Buffer): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), text);
}

it('lists what git knows or would add and what is there, and nothing of git, of tmops or of other repositories', async () => {
  expect(await files.list(tree)).toEqual(SAMPLE);
  await put(STRANGE, 'x');
  await put('staged.js', 'x');
  await git('add', 'staged.js');
  await put('ignored.log', 'x');
  await put('node_modules/a/b.js', 'x');
  await rm(join(tree, 'package.json'));
  await git('init', '--quiet', 'inner');
  await put('inner/x.js', 'x');
  await git('clone', '--quiet', repo.root, 'whole');
  expect(await files.list(tree)).toEqual(['.gitignore', STRANGE, 'src/sum.js', 'staged.js', 'test/sum.test.js']);
  await git('sparse-checkout', 'set', '--no-cone', '/src/', '/staged.js');
  expect(await files.list(tree)).toEqual([STRANGE, 'src/sum.js', 'staged.js']);
});

it('tells what is not committed: changed, staged, deleted, untracked, and what git was told to overlook', async () => {
  expect(await files.uncommitted(tree)).toEqual([]);
  await put('src/sum.js', 'changed\n');
  await git('update-index', '--assume-unchanged', 'src/sum.js');
  await put('staged.js', 'x');
  await git('add', 'staged.js');
  await rm(join(tree, 'staged.js'));
  await put(STRANGE, 'x');
  await put('ignored.log', 'x');
  await rename(join(tree, 'test/sum.test.js'), join(tree, 'test/moved.test.js'));
  expect(await files.uncommitted(tree)).toEqual([
    STRANGE,
    'src/sum.js',
    'staged.js',
    'test/moved.test.js',
    'test/sum.test.js',
  ]);
});

describe('what differs since a commit', () => {
  beforeEach(async () => {
    await put('src/sum.js', 'first\nsecond\n');
    await put('lib/crlf.js', 'one\r\ntwo');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'Work');
    await put(STRANGE, '-- a\n++ b\n+++ b/x\n@@ -1 +1 @@\n\ndiff --git a b\n');
    await put('a b', 'a name with a space\n');
    await put('bytes', Buffer.from([0, 1, 2]));
    await put('hidden.js', 'hidden\n');
    await put('.gitattributes', '*.js -diff\n');
    await rm(join(tree, 'package.json'));
  });

  it('is counted in lines, also of untracked files, without a count of what is no text', async () => {
    await rm(join(tree, '.gitattributes'));
    expect(await files.difference(tree, start)).toEqual([
      { path: 'a b', added: 1, removed: 0 },
      { path: 'bytes', added: null, removed: null },
      { path: 'hidden.js', added: 1, removed: 0 },
      { path: 'lib/crlf.js', added: 2, removed: 0 },
      { path: 'package.json', added: 0, removed: 7 },
      { path: STRANGE, added: 6, removed: 0 },
      { path: 'src/sum.js', added: 2, removed: 1 },
    ]);
    expect(await git('status', '--porcelain')).toContain('?? hidden.js');
  });

  it('is shown by the lines that were added, whatever stands in them and in .gitattributes', async () => {
    const lines = await files.addedLines(tree, start, 100);
    expect(lines.map(({ path, line, text }) => `${path}:${line}:${text}`)).toEqual([
      '.gitattributes:1:*.js -diff',
      'a b:1:a name with a space',
      'hidden.js:1:hidden',
      'lib/crlf.js:1:one',
      'lib/crlf.js:2:two',
      ...['-- a', '++ b', '+++ b/x', '@@ -1 +1 @@', '', 'diff --git a b'].map(
        (text, at) => `${STRANGE}:${at + 1}:${text}`,
      ),
      'src/sum.js:1:first',
      'src/sum.js:2:second',
    ]);
    expect(await files.addedLines(tree, start, 2)).toEqual(lines.slice(0, 2));
    expect(await files.addedLines(tree, start, 0)).toEqual([]);
  });

  it('leaves out what is too large to be looked at, and cuts off long lines', async () => {
    await put('large.txt', 'x\n'.repeat(600_000));
    await put('long.txt', 'y'.repeat(5_000));
    await symlink('long.txt', join(tree, 'link'));
    const lines = await files.addedLines(tree, 'HEAD', 1_000);
    expect(lines.filter(({ path }) => path === 'large.txt' || path === 'link')).toEqual([]);
    expect(lines.find(({ path }) => path === 'long.txt')?.text).toBe('y'.repeat(2_000));
    expect(await files.difference(tree, 'HEAD')).toContainEqual({ path: 'large.txt', added: 600_000, removed: 0 });
  });

  it('takes several calls for many files', async () => {
    for (let at = 0; at < 450; at += 1) await put(`many/${at}.txt`, `${at}\n`);
    const lines = await files.addedLines(tree, 'HEAD', 10_000);
    const texts = lines.filter(({ path }) => path.startsWith('many/')).map(({ text }) => Number(text));
    expect(texts.sort((one, other) => one - other)).toEqual(Array.from({ length: 450 }, (_, at) => at));
  });

  it('takes as many lines as fit into a file', async () => {
    await put('lines.txt', '\n'.repeat(1024 * 1024));
    expect(await files.addedLines(tree, 'HEAD', 2_000_000)).toHaveLength(1024 * 1024 + 9);
    expect(await files.addedLines(tree, 'HEAD', 10)).toHaveLength(10);
  });

  it('in a patch, a name in quotes is read as C writes it', () => {
    const patch =
      'diff --git a/x b/x\n--- /dev/null\n+++ "b/a\\tb\\"\\\\\\001"\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n';
    expect(parsePatch(patch)).toEqual([{ path: 'a\tb"\\\u0001', line: 1, text: 'x' }]);
  });
});

describe('committing', () => {
  it('commits these files and nothing else, in the name that git knows, and leaves what is staged', async () => {
    await put('src/sum.js', 'changed\n');
    await put('new.js', 'new\n');
    await put('staged.js', 'staged\n');
    await git('add', 'staged.js');
    await rm(join(tree, 'package.json'));
    const order = { paths: ['src/sum.js', 'new.js', 'package.json', 'none.js'], message: 'Sum\r\n\r\nMore.\u001b\n\n' };
    const commit = await files.commit(tree, order);
    expect(await git('rev-parse', 'feature/auth-api')).toBe(commit);
    expect(await git('rev-parse', 'HEAD^')).toBe(start);
    expect(await git('log', '-1', '--format=%an <%ae> %cn%n%B')).toBe(
      'Sample <sample@example.invalid> Sample\nSum\n\nMore.\n',
    );
    expect(await git('show', '--name-status', '--format=')).toBe('A\tnew.js\nD\tpackage.json\nM\tsrc/sum.js');
    expect(await git('status', '--porcelain')).toBe('A  staged.js');
    expect(await git('log', '-1', '--format=%gs', '-g', 'HEAD')).toBe('commit: Sum');
    expect(await files.commit(tree, order)).toBeNull();
    expect(await git('rev-parse', 'HEAD')).toBe(commit);
  });

  it('takes no folder, nothing ignored, nothing of tmops, nothing outside and no other repository', async () => {
    await put('src/new.js', 'x');
    await put('a.log', 'x');
    await git('clone', '--quiet', repo.root, 'whole');
    const paths = [
      'src',
      '.',
      'a.log',
      '.tmops',
      '.tmops/auth-api/journal.jsonl',
      '../x',
      'whole',
      'whole/package.json',
      ':/',
    ];
    expect(await files.commit(tree, { paths, message: 'x' })).toBeNull();
    expect(await git('rev-parse', 'HEAD')).toBe(start);
  });

  it('keeps modes and links, and puts a file in the place of a folder', async () => {
    await put('run.sh', 'x');
    await chmod(join(tree, 'run.sh'), 0o755);
    await symlink('run.sh', join(tree, 'link'));
    await rm(join(tree, 'test'), { recursive: true });
    await put('test', 'a file now\n');
    await files.commit(tree, { paths: ['run.sh', 'link', 'test', 'test/sum.test.js'], message: 'x' });
    expect((await git('ls-tree', 'HEAD', 'run.sh', 'link', 'test')).replaceAll(/ blob .*\t/g, ' ')).toBe(
      '120000 link\n100755 run.sh\n100644 test',
    );
    expect(await git('status', '--porcelain')).toBe('');
  });

  it('runs no hook and no program that signs, opens no editor, and uses no template', async () => {
    for (const hook of ['pre-commit', 'commit-msg', 'prepare-commit-msg', 'post-commit', 'reference-transaction']) {
      await repo.write(`.git/hooks/${hook}`, `#!/bin/sh\necho ${hook} >> "${repo.base}/ran"\nexit 1\n`);
      await chmod(join(repo.root, '.git/hooks', hook), 0o755);
    }
    for (const setting of ['commit.gpgSign=true', 'gpg.program=false', 'core.editor=false', 'commit.template=/none'])
      await git('config', ...setting.split('='));
    await put('a.js', 'x');
    expect(await files.commit(tree, { paths: ['a.js'], message: '# no comment' })).not.toBeNull();
    expect(await git('log', '-1', '--format=%B')).toBe('# no comment\n');
    await expect(readFile(join(repo.base, 'ran'))).rejects.toThrow('ENOENT');
  });

  it('is in the name of tmops where git knows none, and never without a message', async () => {
    const nobody = { ...repo.environment, HOME: join(repo.base, 'nobody') };
    await put('a.js', 'x');
    await projectFiles(openGit({ environment: nobody })).commit(tree, { paths: ['a.js'], message: ' \n' });
    expect(await git('log', '-1', '--format=%an %cn: %s')).toBe('tmops tmops: tmops: no message given');
  });

  it('is refused on no branch and in the middle of a merge', async () => {
    await put('a.js', 'x');
    const commit = () => files.commit(tree, { paths: ['a.js'], message: 'x' });
    await git('checkout', '--quiet', '--detach');
    await expect(commit()).rejects.toMatchObject({ sentence: 'The worktree is on no branch.' });
    await git('checkout', '--quiet', 'feature/auth-api');
    await repo.write('package.json', 'theirs\n');
    await repo.git(['commit', '--quiet', '-am', 'Theirs']);
    await put('package.json', 'ours\n');
    await git('commit', '--quiet', '-am', 'Ours');
    await expect(git('merge', 'main')).rejects.toThrow('git merge main');
    await expect(commit()).rejects.toMatchObject({
      sentence: expect.stringContaining('merge is unfinished') as string,
    });
    expect(await files.uncommitted(tree)).toEqual(['a.js', 'package.json']);
  });

  it('two at once both come through', async () => {
    const others = projectFiles(openGit({ environment: repo.environment }));
    await put('a.js', 'x');
    await put('b.js', 'x');
    await Promise.all([
      files.commit(tree, { paths: ['a.js'], message: 'a' }),
      others.commit(tree, { paths: ['b.js'], message: 'b' }),
    ]);
    expect((await git('log', '-2', '--format=%s')).split('\n').sort()).toEqual(['a', 'b']);
    expect(await git('status', '--porcelain')).toBe('');
  });
});
