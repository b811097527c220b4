import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, link, lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGit } from '../../../src/adapters/git/open.ts';
import { projectFiles } from '../../../src/adapters/project/project-files.ts';
import type { FileChange, ProjectFiles } from '../../../src/engine/role-ports.ts';
import { HOSTILE } from '../../rig/hostile.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

const MEGABYTE = 1024 * 1024;
let repo: SampleRepo;
let tree: string;
let files: ProjectFiles;

beforeEach(async () => {
  repo = await sampleRepo({ name: 'a répo' });
  tree = join(repo.base, 'trees', 'auth api');
  await repo.git(['worktree', 'add', '--quiet', '-b', 'feature/auth-api', tree]);
  await repo.write('.tmops/auth-api/journal.jsonl', 'ours\n');
  await symlink(join(repo.root, '.tmops'), join(tree, '.tmops'));
  await writeFile(join(repo.base, 'outside.txt'), 'outside\n');
  files = projectFiles(openGit({ environment: repo.environment }));
});
afterEach(() => repo.dispose());

const put = async (path: string, text: string | Buffer): Promise<void> => {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), text);
};
const text = (path: string): Promise<string> => readFile(join(tree, path), 'utf8');
const all = (): boolean => true;
const write = (path: string, change: FileChange | string, may: (path: string) => boolean = all) =>
  files.write(tree, path, typeof change === 'string' ? { content: change } : change, may);
const edits = (...pairs: [string, string][]): FileChange => ({
  edits: pairs.map(([old, now]) => ({ old, new: now })),
});
const codeOf = async (answer: Promise<{ ok: boolean }>): Promise<string> => {
  const given = await answer;
  return 'code' in given && typeof given.code === 'string' ? given.code : 'ok';
};
/** Every file outside of the worktree with its text, as far as it is the user's. */
const beyond = async (): Promise<unknown> => [
  await readFile(join(repo.base, 'outside.txt'), 'utf8'),
  (await readdir(repo.base)).sort(),
  (await readdir(repo.root)).sort(),
  await readdir(join(repo.root, '.tmops'), { recursive: true }),
  await repo.read('.tmops/auth-api/journal.jsonl'),
  await readFile(join(tree, '.git'), 'utf8'),
];

describe('reading', () => {
  it('gives a text as it stands, by a path in any form that means a file of the worktree', async () => {
    await put('src/bom.txt', '\uFEFFa\r\nb');
    for (const path of ['src/bom.txt', './src//bom.txt', 'src/../src/bom.txt', join(tree, 'src/bom.txt')])
      expect(await files.read(tree, path), path).toEqual({ ok: true, path: 'src/bom.txt', text: '\uFEFFa\r\nb' });
    await put('empty', '');
    expect(await files.read(tree, 'empty')).toEqual({ ok: true, path: 'empty', text: '' });
  });

  it('knows the worktree also by the link it was called by', async () => {
    const byLink = join(repo.base, 'link');
    await symlink(tree, byLink);
    expect(await files.read(byLink, join(byLink, 'src/sum.js'))).toMatchObject({ ok: true, path: 'src/sum.js' });
    expect(await files.read(byLink, join(tree, 'src/sum.js'))).toMatchObject({ ok: true, path: 'src/sum.js' });
  });

  it('refuses what is no text file of the worktree, and says what it is', async () => {
    await put('nul', 'a\0b');
    await put('latin', Buffer.from([0x66, 0xfc]));
    await put('large', Buffer.alloc(MEGABYTE + 1, 97));
    await put('just', Buffer.alloc(MEGABYTE, 97));
    await promisify(execFile)('mkfifo', [join(tree, 'pipe')]);
    const refused: [string, string][] = [
      ['nul', 'file-not-text'],
      ['latin', 'file-not-text'],
      ['large', 'file-too-large'],
      ['pipe', 'file-not-regular'],
      ['src', 'file-not-regular'],
      ['.', 'file-not-regular'],
      [tree, 'file-not-regular'],
      ['src/sum.js/x', 'file-not-regular'],
      ['src/none.js', 'file-missing'],
      ['none/none.js', 'file-missing'],
      ['../outside.txt', 'file-outside'],
      ['src/../../../outside.txt', 'file-outside'],
      [join(repo.base, 'outside.txt'), 'file-outside'],
      [`${tree}x/y`, 'file-outside'],
      [join(tree, '../../outside.txt'), 'file-outside'],
      ['/etc/passwd', 'file-outside'],
      ['.git', 'file-not-allowed'],
      ['.GIT/config', 'file-not-allowed'],
      ['src/.git/config', 'file-not-allowed'],
      ['.tmops/auth-api/journal.jsonl', 'file-not-allowed'],
      ['', 'file-bad-path'],
      ['a\0b', 'file-bad-path'],
      ['a\nb', 'file-bad-path'],
      ['a\u202eb', 'file-bad-path'],
      ['\ud800', 'file-bad-path'],
      ['A'.repeat(1_000), 'file-bad-path'],
      ['é'.repeat(128), 'file-bad-path'],
      ['a/'.repeat(300), 'file-bad-path'],
    ];
    for (const [path, code] of refused) expect(await codeOf(files.read(tree, path)), path.slice(0, 80)).toBe(code);
    expect(await codeOf(files.read(tree, 'just'))).toBe('ok');
    expect(await files.read(tree, 'src/none.js')).toEqual({
      ok: false,
      code: 'file-missing',
      sentence: 'There is no file src/none.js.',
      hint: 'Look at the list of files for its path.',
    });
  });

  it('follows links within the worktree and none out of it', async () => {
    await symlink('src', join(tree, 'folder'));
    await symlink('../src/sum.js', join(tree, 'src/up.js'));
    await symlink(join(tree, 'src/sum.js'), join(tree, 'absolute.js'));
    await symlink('folder/../package.json', join(tree, 'turned'));
    for (const path of ['folder/sum.js', 'folder/up.js', 'absolute.js'])
      expect(await files.read(tree, path), path).toMatchObject({ ok: true, path: 'src/sum.js' });
    expect(await files.read(tree, 'turned')).toMatchObject({ ok: true, path: 'package.json' });

    await symlink('../../outside.txt', join(tree, 'out'));
    await symlink(repo.base, join(tree, 'src/base'));
    await symlink('src/base', join(tree, 'twice'));
    await symlink('/proc/self/environ', join(tree, 'environ'));
    await symlink('loop-b', join(tree, 'loop-a'));
    await symlink('loop-a', join(tree, 'loop-b'));
    await symlink('.git', join(tree, 'git'));
    for (const path of ['out', 'src/base/outside.txt', 'twice/outside.txt', 'environ'])
      expect(await codeOf(files.read(tree, path)), path).toBe('file-outside');
    expect(await codeOf(files.read(tree, 'loop-a'))).toBe('file-not-regular');
    expect(await codeOf(files.read(tree, 'git'))).toBe('file-not-allowed');
    expect(await codeOf(files.read(tree, 'folder'))).toBe('file-not-regular');
  });

  it('rejects where the worktree itself is not there', async () => {
    await expect(files.read(join(repo.base, 'none'), 'a')).rejects.toThrow('ENOENT');
  });
});

describe('writing', () => {
  it('adds, modifies, leaves and deletes, and makes the folders', async () => {
    expect(await write('lib/deep/new.js', 'a\nb')).toEqual({
      ok: true,
      path: 'lib/deep/new.js',
      how: 'added',
      lines: 2,
    });
    expect(await write('lib/deep/new.js', 'c\n')).toMatchObject({ how: 'modified', lines: 1 });
    const before = await stat(join(tree, 'lib/deep/new.js'));
    expect(await write('lib/deep/new.js', 'c\n')).toMatchObject({ how: 'unchanged', lines: 1 });
    const { ino, mtimeMs, ctimeMs } = await stat(join(tree, 'lib/deep/new.js'));
    expect([ino, mtimeMs, ctimeMs]).toEqual([before.ino, before.mtimeMs, before.ctimeMs]);
    expect(await write('lib/deep/new.js', { remove: true })).toMatchObject({ how: 'deleted', lines: 0 });
    expect(await readdir(join(tree, 'lib/deep'))).toEqual([]);
    expect(await codeOf(write('lib/deep/new.js', { remove: true }))).toBe('file-missing');
  });

  it('makes all edits or none', async () => {
    await put('a.txt', '\uFEFFone\r\ntwo\r\ntwo');
    expect(await write('a.txt', edits(['one\ntwo', '1\n2'], ['2\n', '3\n']))).toMatchObject({
      how: 'modified',
      lines: 3,
    });
    expect(await text('a.txt')).toBe('\uFEFF1\r\n3\r\ntwo');
    expect(await codeOf(write('a.txt', edits(['two', 'x'], ['none', 'y'])))).toBe('edit-no-match');
    expect(await codeOf(write('a.txt', edits(['3', 'two'], ['two', 'y'])))).toBe('edit-several');
    expect(await write('a.txt', edits(['', 'y']))).toMatchObject({
      code: 'edit-no-match',
      sentence: 'The old text of edit 1 of 1 does not occur in a.txt. None of the edits was made.',
    });
    expect(await write('a.txt', edits())).toMatchObject({ ok: true, how: 'unchanged' });
    expect(await text('a.txt')).toBe('\uFEFF1\r\n3\r\ntwo');
    expect(await codeOf(write('none.txt', edits(['a', 'b'])))).toBe('file-missing');
  });

  it('edits made at once do not lose each other', async () => {
    await put('list.txt', Array.from({ length: 20 }, (_, at) => `<${at}>\n`).join(''));
    await Promise.all(Array.from({ length: 20 }, (_, at) => write('list.txt', edits([`<${at}>`, `${at}`]))));
    expect(await text('list.txt')).toBe(Array.from({ length: 20 }, (_, at) => `${at}\n`).join(''));
  });

  it('refuses what is no text, too large, read-only or no file', async () => {
    await put('fixed', 'a');
    await chmod(join(tree, 'fixed'), 0o444);
    await promisify(execFile)('mkfifo', [join(tree, 'pipe')]);
    expect(await codeOf(write('a', 'x\0'))).toBe('file-not-text');
    expect(await codeOf(write('a', '\ud83d'))).toBe('file-not-text');
    expect(await codeOf(write('a', 'é'.repeat(MEGABYTE / 2 + 1)))).toBe('file-too-large');
    expect(await codeOf(write('fixed', 'b'))).toBe('file-not-allowed');
    expect(await codeOf(write('fixed', edits(['a', 'x'.repeat(MEGABYTE + 1)])))).toBe('file-not-allowed');
    expect(await codeOf(write('src/sum.js', edits(['a + b', 'x'.repeat(MEGABYTE + 1)])))).toBe('file-too-large');
    for (const path of ['pipe', 'src']) {
      expect(await codeOf(write(path, 'x')), path).toBe('file-not-regular');
      expect(await codeOf(write(path, { remove: true })), path).toBe('file-not-regular');
    }
    expect((await lstat(join(tree, 'pipe'))).isFIFO()).toBe(true);
  });

  it('asks for the path as it was given and as links lead', async () => {
    const asked: string[] = [];
    const may = (path: string): boolean => asked.push(path) > 0 && !path.startsWith('src/');
    await symlink('../src', join(tree, 'test/link'));
    await symlink('../src/made.js', join(tree, 'test/made.js'));
    for (const path of ['test/link/sum.js', 'test/link/new/x.js', 'test/made.js'])
      expect(await codeOf(write(path, 'x', may)), path).toBe('file-not-allowed');
    expect(asked).toEqual([
      ...['test/link/sum.js', 'src/sum.js', 'test/link/new/x.js', 'src/new/x.js', 'test/made.js', 'src/made.js'],
    ]);
    expect(await codeOf(write('src/sum.js', edits(['a', 'b']), may))).toBe('file-not-allowed');
    expect(await codeOf(write('src/sum.js', { remove: true }, may))).toBe('file-not-allowed');
    expect((await readdir(join(tree, 'src'))).sort()).toEqual(['sum.js']);
    // Where both may be written the link stays, and what it leads to is written.
    expect(await write('test/made.js', 'x')).toMatchObject({ path: 'src/made.js', how: 'added' });
    expect((await lstat(join(tree, 'test/made.js'))).isSymbolicLink()).toBe(true);
    expect(await codeOf(write('test/made.js', { remove: true }))).toBe('file-not-regular');
  });

  it('keeps the mode, takes the umask for new files, and leaves other names of the file alone', async () => {
    await put('run.sh', 'old');
    await chmod(join(tree, 'run.sh'), 0o754);
    await link(join(tree, 'run.sh'), join(repo.base, 'other-name'));
    await put('by-node', '');
    const mode = (await stat(join(tree, 'by-node'))).mode & 0o7777;
    await write('run.sh', 'new');
    await write('new.sh', 'new');
    expect((await stat(join(tree, 'run.sh'))).mode & 0o7777).toBe(0o754);
    expect((await stat(join(tree, 'new.sh'))).mode & 0o7777).toBe(mode);
    expect(await readFile(join(repo.base, 'other-name'), 'utf8')).toBe('old');
  });

  it('leaves no draft, and git does not see one that a crash left', async () => {
    await repo.write('.git/info/exclude', '.tmops\n');
    await write('src/a.js', 'a');
    const draft = `.tmops-draft-${'0'.repeat(16)}`;
    await put(`src/${draft}`, 'half');
    expect(await repo.git(['status', '--porcelain', '--untracked-files=all'], tree)).toBe('?? src/a.js');
    expect(await files.uncommitted(tree)).toEqual(['src/a.js']);
    await rm(join(tree, 'src', draft));
    expect((await readdir(join(tree, 'src'))).sort()).toEqual(['a.js', 'sum.js']);
  });
});

/** Swaps a folder for a link that leads out, and back, until its input ends. */
const SWAP = `
const fs = require('node:fs');
let isDone = false;
process.stdin.on('end', () => { isDone = true; }).resume();
(function swap() {
  for (let round = 0; round < 50; round += 1) {
    fs.renameSync('dir', 'aside');
    fs.symlinkSync('../elsewhere', 'dir');
    fs.rmSync('dir');
    fs.renameSync('aside', 'dir');
  }
  if (!isDone) setImmediate(swap);
})();`;

describe('what nobody gets out of the worktree by', () => {
  // Elsewhere Node has no way to rule it out: see role-walk.ts.
  const isRuledOut = existsSync('/proc/self/fd');
  it.runIf(isRuledOut)('a folder that becomes a link and back while files are read and written', async () => {
    const before = await beyond();
    await mkdir(join(tree, 'dir'));
    await mkdir(join(repo.base, 'trees', 'elsewhere'));
    await writeFile(join(repo.base, 'trees', 'elsewhere', 'a.txt'), 'outside\n');
    await put('dir/a.txt', 'inside\n');
    // In a process of its own: one that shares ours would only ever act between our steps.
    const swapping = spawn(process.execPath, ['-e', SWAP], { cwd: tree, stdio: ['pipe', 'inherit', 'inherit'] });
    const ended = once(swapping, 'exit');
    const seen = new Set<string>();
    for (let round = 0; round < 500; round += 1) {
      const read = await files.read(tree, 'dir/a.txt');
      seen.add(read.ok ? read.text.replaceAll('.', '') : read.code);
      const written = await write('dir/a.txt', edits(['\n', '.\n']));
      seen.add(written.ok ? 'ok' : written.code);
    }
    swapping.stdin.end();
    expect(await ended).toEqual([0, null]);
    expect(seen).not.toContain('outside\n');
    expect([...seen].filter((each) => !/^(ok|inside\n|file-(outside|missing|changed))$/.test(each))).toEqual([]);
    expect(await readdir(join(repo.base, 'trees', 'elsewhere'))).toEqual(['a.txt']);
    expect(await readFile(join(repo.base, 'trees', 'elsewhere', 'a.txt'), 'utf8')).toBe('outside\n');
    await rm(join(repo.base, 'trees', 'elsewhere'), { recursive: true });
    expect(await beyond()).toEqual(before);
  });

  it('any path, with any links in the worktree', { timeout: 120_000 }, async () => {
    await symlink('../..', join(tree, 'up'));
    await symlink('/', join(tree, 'top'));
    await symlink(repo.base, join(tree, 'base'));
    await symlink('../../outside.txt', join(tree, 'file'));
    await symlink('../../made-by-a-link', join(tree, 'dangling'));
    await symlink('src', join(tree, 'inside'));
    const before = await beyond();
    const name = fc.constantFrom(
      ...['..', '.', '', 'up', 'top', 'base', 'file', 'dangling', 'inside', 'src', 'sum.js', 'new', '.git', '.tmops'],
      ...['outside.txt', 'auth-api', 'hooks', 'config', 'trees', 'auth api', '~', '%2e%2e', '..\\..', 'etc', 'passwd'],
    );
    const walked = fc.array(name, { minLength: 1, maxLength: 7 }).map((names) => names.join('/'));
    const start = fc.constantFrom('', '/', `${tree}/`, `${repo.base}/`, 'up/../', '../../../../etc/passwd/../');
    const path = fc.oneof(
      fc.tuple(start, walked).map(([one, other]) => one + other),
      fc.constantFrom(...HOSTILE),
    );
    const content = 'written by a role\n';
    await fc.assert(
      fc.asyncProperty(path, fc.constantFrom('content', 'remove'), async (asked, how) => {
        const read = await files.read(tree, asked);
        if (read.ok) expect([content, await text(read.path)], asked).toContain(read.text);
        if (read.ok) expect(read.path, asked).not.toMatch(/(^|\/)(\.\.|\.git)(\/|$)|^\/|^\.tmops/);
        const written = await write(asked, how === 'remove' ? { remove: true } : { content });
        if (written.ok && how !== 'remove') expect(await text(written.path), asked).toBe(content);
        if (!written.ok) expect(written.sentence, asked).toMatch(/^[^\p{C}]{1,600}$/u);
      }),
      { numRuns: 600 },
    );
    expect(await beyond()).toEqual(before);
    expect((await readFile('/etc/passwd', 'utf8')).includes(content)).toBe(false);
  });
});
