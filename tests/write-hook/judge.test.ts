import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WriteHookRules } from '../../src/core/write-rules.ts';
import { refusalOf } from '../../src/write-hook/judge.ts';

let base: string;
let rules: WriteHookRules;

/** A linked worktree beside its workspace, as features have it. The temporary folder holds all of it. */
beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'tmops-hook-')));
  for (const folder of [
    'root/src',
    'root/.tmops/auth-api/runs/initial/checkpoints',
    'root/.tmops/other/runs',
    'tree/src',
    'tree/tests/deep',
  ])
    await mkdir(join(base, folder), { recursive: true });
  await writeFile(join(base, 'tree/.git'), 'gitdir: elsewhere\n');
  await writeFile(join(base, 'tree/src/a.js'), '');
  await symlink('runs/initial', join(base, 'root/.tmops/auth-api/current'));
  await symlink(join(base, 'root/.tmops'), join(base, 'tree/.tmops'));
  await symlink('../src/a.js', join(base, 'tree/tests/link-to-src.js'));
  await symlink('../src/new.js', join(base, 'tree/tests/link-to-nothing-yet.js'));
  await symlink('../src', join(base, 'tree/tests/folder-in-src'));
  await symlink('../tests', join(base, 'tree/src/folder-in-tests'));
  await symlink(join(base, 'root/src'), join(base, 'tree/tests/out'));
  await symlink('loop-b', join(base, 'tree/tests/loop-a'));
  await symlink('loop-a', join(base, 'tree/tests/loop-b'));
  rules = {
    role: 'tester',
    worktree: join(base, 'tree'),
    workspaceRoot: join(base, 'root'),
    featureDir: join(base, 'root/.tmops/auth-api'),
    programDirs: ['/home/nobody/.claude/plans'],
    allow: ['tests/**'],
    deny: [],
  };
});
afterAll(() => rm(base, { recursive: true, force: true }));

const asked = (path: string, over: Partial<WriteHookRules> = {}, cwd = rules.worktree): string | null =>
  refusalOf({ ...rules, ...over }, { cwd, tool_name: 'Write', tool_input: { file_path: path.replace('BASE', base) } });

describe('a tester may write', () => {
  it.each([
    ['BASE/tree/tests/a.test.js'],
    ['BASE/tree/tests/.hidden'],
    ['tests/deep/new/folder/b.js'],
    ['./tests/../tests/b.js'],
    ['BASE/tree/src/folder-in-tests/c.js'],
    ['.tmops/auth-api/current/checkpoints/003-tests-complete.md'],
    ['BASE/root/.tmops/auth-api/runs/initial/checkpoints/003-tests-complete.md'],
    ['BASE/root/.tmops/auth-api/docs/internal/notes.md'],
    ['BASE/scratch.txt'],
    ['/tmp/somewhere/else.txt'],
    ['/home/nobody/.claude/plans/a-plan.md'],
  ])('%s', (path) => {
    expect(asked(path)).toBeNull();
  });
});

describe('a tester may not write', () => {
  it.each([
    ['BASE/tree/src/a.js', 'it may write tests/**'],
    ['src/new.js', 'it may write tests/**'],
    ['tests/../src/a.js', 'it may write tests/**'],
    ['BASE/tree/tests/../../tree/src/a.js', 'it may write tests/**'],
    ['tests/link-to-src.js', 'it may write tests/**'],
    ['tests/link-to-nothing-yet.js', 'it may write tests/**'],
    ['tests/folder-in-src/new/b.js', 'it may write tests/**'],
    // As the system reads it; a program that takes `..` off first means tests/b.js.
    ['tests/folder-in-src/../b.js', 'it may write tests/**'],
    ['package.json', 'it may write tests/**'],
    ['tests.js', 'it may write tests/**'],
    ['.git', 'it is no file of the project'],
    ['.git/hooks/pre-commit', 'it is no file of the project'],
    ['tests/out/b.js', 'it lies outside of the worktree'],
    ['BASE/root/src/b.js', 'it lies outside of the worktree'],
    ['.tmops/other/runs/x.md', 'it lies outside of the worktree'],
    ['.tmops/auth-api/current/journal.jsonl', "it is one of tmops' own records"],
    ['.tmops/auth-api/current/agents/tester/write-rules.json', "it is one of tmops' own records"],
    ['/etc/passwd', 'it lies outside of the worktree'],
    ['/home/nobody/.claude/settings.json', 'it lies outside of the worktree'],
    ['~/.bashrc', 'it lies outside of the worktree'],
  ])('%s', (path, why) => {
    expect(asked(path)).toContain(why);
    expect(asked(path)).toMatch(/^tmops: the tester may not write \//);
  });

  it('a path relative to where its shell has gone', () => {
    expect(asked('a.js', {}, join(base, 'tree/src'))).toContain('/tree/src/a.js');
    expect(asked('../tests/a.js', {}, join(base, 'tree/src'))).toBeNull();
  });
});

it('an implementer may write everything but tests, a verifier nothing in the project, and both their reports', () => {
  const implementer = { role: 'implementer', allow: null, deny: ['tests/**'] };
  expect(asked('package.json', implementer)).toBeNull();
  expect(asked('src/a.js', implementer)).toBeNull();
  expect(asked('tests/a.js', implementer)).toContain('it may write everything but tests/**');
  expect(asked('src/folder-in-tests/a.js', implementer)).toContain('everything but tests/**');
  const verifier = { role: 'verifier', allow: [] };
  expect(asked('src/a.js', verifier)).toContain('it may write nothing in the project');
  expect(asked('.tmops/auth-api/current/checkpoints/007-verify-complete.md', verifier)).toBeNull();
});

it('in the project root itself only the feature’s own folder below .tmops is free', () => {
  const branch = { worktree: rules.workspaceRoot, allow: null, deny: [] };
  expect(asked('.tmops/auth-api/current/checkpoints/a.md', branch, branch.worktree)).toBeNull();
  expect(asked('.tmops/other/runs/a.md', branch, branch.worktree)).toContain('no file of the project');
  expect(asked('src/b.js', branch, branch.worktree)).toBeNull();
});

it('knows the paths of all tools that write, and leaves what names no file alone', () => {
  const said = (tool_input: unknown): string | null => refusalOf(rules, { cwd: rules.worktree, tool_input });
  expect(said({ notebook_path: join(base, 'tree/src/a.ipynb') })).toContain('a.ipynb');
  for (const input of [undefined, null, {}, { file_path: 7 }, { file_path: '' }, { command: 'rm' }])
    expect(said(input)).toBeNull();
  expect(refusalOf(rules, 'no event')).toBeNull();
});

it('shows a path without what does not belong on a line, and finds an end in a loop of links', () => {
  expect(asked('src/a\n\u001b[31m\u202eb.js')).toContain('/tree/src/a?[31m?b.js:');
  expect(asked('tests/loop-a/x.js')).toBeNull();
});
