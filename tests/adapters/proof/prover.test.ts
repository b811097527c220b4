import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGit } from '../../../src/adapters/git/open.ts';
import { copyInto } from '../../../src/adapters/project/copy.ts';
import { openProver } from '../../../src/adapters/proof/open.ts';
import type { TestOrder } from '../../../src/engine/ports.ts';
import { isAlive } from '../../rig/flow.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';
import { until } from '../../rig/wait.ts';

let repo: SampleRepo;
let worktree: string;
let prover: ReturnType<typeof openProver>;
const opened: (typeof prover)[] = [];
let copied: readonly string[];
const never = new AbortController().signal;

beforeEach(async () => {
  repo = await sampleRepo({ name: 'a répo' });
  worktree = join(repo.base, 'trees', 'auth-api');
  await repo.git(['worktree', 'add', '--quiet', '-b', 'feature/auth-api', worktree]);
  copied = [];
  prover = open();
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await repo.dispose();
});

function open(): typeof prover {
  const one = openProver({
    git: openGit({ environment: repo.environment }),
    workspaceId: `sample-${repo.base}`,
    withinMs: () => 20_000,
    scratch: { folder: scratchDir(), copied: () => copied, copyInto },
  });
  opened.push(one);
  return one;
}
const scratchDir = (): string => join(repo.base, 'scratch');
const order = (script: string): TestOrder => ({
  worktree,
  argv: ['bash', '-c', script],
  env: { ...repo.environment, TEMP_BASE: repo.base },
});
const put = async (path: string, text: string): Promise<void> => {
  await mkdir(join(worktree, path, '..'), { recursive: true });
  await writeFile(join(worktree, path), text);
};
const keep = (name: string): Promise<string> => prover.keep(worktree, `auth-api/initial/${name}`);
const left = (name: string): Promise<string> => readFile(join(repo.base, name), 'utf8');

describe('two kept trees', () => {
  it('differ by what changed between them: a file that moved is gone here and new there, dot files count', async () => {
    const from = await keep('testing-before');
    await repo.git(['mv', 'test/sum.test.js', 'src/moved.js'], worktree);
    await put('.hidden/.secret', 'x\n');
    await put('src/sum.js', 'changed\n');
    const changes = await prover.changed(worktree, from, await keep('testing-after'));
    expect(Object.fromEntries(changes.map(({ path, how }) => [path, how]))).toEqual({
      'test/sum.test.js': 'deleted',
      'src/moved.js': 'added',
      '.hidden/.secret': 'added',
      'src/sum.js': 'modified',
    });
  });

  it('show what was committed, hidden from git, or put beside the branch', async () => {
    const from = await keep('verification-before');
    await put('src/sum.js', 'changed\n');
    await repo.git(['commit', '--quiet', '-am', 'In between'], worktree);
    await put('package.json', '{}\n');
    await repo.git(['update-index', '--assume-unchanged', 'package.json'], worktree);
    await repo.git(['switch', '--quiet', '--create', 'elsewhere'], worktree);
    const changes = await prover.changed(worktree, from, await keep('verification-after'));
    expect(changes.map(({ path }) => path)).toEqual(['package.json', 'src/sum.js']);
  });
});

describe('tests', () => {
  it('run in the worktree, one after the other', async () => {
    const script = 'pwd > "$TEMP_BASE/at"; echo begin >> "$TEMP_BASE/log"; sleep 0.1; echo end >> "$TEMP_BASE/log"';
    const runs = await Promise.all([1, 2, 3].map(() => prover.test(order(script), never)));
    expect(runs.map(({ kind }) => kind)).toEqual(['passed', 'passed', 'passed']);
    expect(await left('at')).toBe(`${worktree}\n`);
    expect(await left('log')).toBe('begin\nend\n'.repeat(3));
  });

  it('that passed with the very same files are not run again as a baseline, and otherwise are', async () => {
    const count = 'echo x >> "$TEMP_BASE/runs"';
    const runs = async (): Promise<number> => (await left('runs')).length / 2;
    const [first, second] = await Promise.all([1, 2].map(() => prover.baseline(order(count), never)));
    expect([first?.why, second?.why]).toEqual(['', 'they did so with the very same files before']);
    expect(await runs()).toBe(1);
    await put('src/sum.js', 'changed\n');
    await prover.baseline(order(count), never);
    expect(await runs()).toBe(2);
    await prover.baseline(order(`${count} # another command`), never);
    expect(await runs()).toBe(3);
    await prover.test(order(`${count} # another command`), never);
    expect(await runs()).toBe(4);
  });

  it('that failed are run again as a baseline', async () => {
    const script = 'echo x >> "$TEMP_BASE/runs"; exit 1';
    for (const kind of ['failed', 'failed'])
      expect(await prover.baseline(order(script), never)).toMatchObject({ kind, why: 'exit code 1' });
    expect(await left('runs')).toBe('x\nx\n');
  });

  describe('that a role was shown', () => {
    const script = 'echo x >> "$TEMP_BASE/runs"; [ -f src/made.js ] && [ ! -f broken.tmp ]';
    const runs = async (): Promise<number> => (await left('runs')).length / 2;
    const claim = (wanted: 'passed' | 'failed', given = order(script)) => prover.tested(given, wanted, never);

    it('count for the very same files, command and variables, where they ended as is wanted', async () => {
      expect(await claim('failed')).toMatchObject({ kind: 'failed' });
      expect(await runs()).toBe(1);
      // What a check ran itself is not kept: its tests may have been in another state than those a role was shown.
      await claim('failed');
      expect(await runs()).toBe(2);
      expect(await prover.test(order(script), never)).toMatchObject({ kind: 'failed' });
      expect(await claim('failed')).toMatchObject({ kind: 'failed', why: 'exit code 1' });
      expect(await runs()).toBe(3);
      await claim('failed', { ...order(script), env: { ...order(script).env, OTHER: '1' } });
      await claim('failed', order(`${script} # another`));
      expect(await runs()).toBe(5);
      await put('src/made.js', '');
      expect(await claim('failed')).toMatchObject({ kind: 'passed' });
      expect(await runs()).toBe(6);
    });

    it('do not speak against a claim: what git ignores may have been put right since', async () => {
      await put('.gitignore', '*.tmp\n');
      await put('src/made.js', '');
      await put('broken.tmp', '');
      expect(await prover.test(order(script), never)).toMatchObject({ kind: 'failed' });
      await rm(join(worktree, 'broken.tmp'));
      expect(await claim('passed')).toMatchObject({ kind: 'passed' });
      expect(await runs()).toBe(2);
    });

    it('do not count where they wrote files, were called off, or could not be run', async () => {
      const writing = order('echo x >> "$TEMP_BASE/runs"; date +%N > src/new.js; exit 1');
      await prover.test(writing, never);
      await claim('failed', writing);
      expect(await runs()).toBe(2);
      await prover.test(order(script), never);
      const off = new AbortController();
      off.abort();
      expect(await prover.test(order(script), off.signal)).toMatchObject({ kind: 'not-run' });
      await claim('failed');
      expect(await runs()).toBe(4);
    });
  });

  it('are ended when the prover is closed, and none begins after that', async () => {
    const running = prover.test(order('echo $$ > "$TEMP_BASE/pid"; sleep 300'), never);
    const waiting = prover.test(order('touch "$TEMP_BASE/late"'), never);
    const pid = await until('they run', async () => Number(await left('pid').catch(() => '')) || null);
    await prover.close();
    expect(await isAlive(pid)).toBe(false);
    expect([(await running).why, (await waiting).why]).toEqual(['they were called off', 'they were called off']);
    expect(existsSync(join(repo.base, 'late'))).toBe(false);
  });

  it('that a crash left running are ended before the next', async () => {
    // Those of a prover whose process ended without closing it.
    const crashed = open();
    void crashed.test(order('echo $$ > "$TEMP_BASE/pid"; exec sleep 300'), never);
    const pid = await until('they run', async () => Number(await left('pid').catch(() => '')) || null);
    expect(await isAlive(pid)).toBe(true);
    expect(await prover.test(order('true'), never)).toMatchObject({ kind: 'passed' });
    expect(await isAlive(pid)).toBe(false);
  });
});

describe('the scratch tree', () => {
  const without = (script: string, commit: string, files: readonly string[], signal = never) =>
    prover.testWithout({ ...order(script), commit, files }, signal);
  const worktrees = async (): Promise<number> => (await repo.git(['worktree', 'list'])).split('\n').length;

  it('holds the kept tree without the files, outside of the project, and is gone afterwards', async () => {
    await put('tests/new/deep.test.js', 'new\n');
    await put('tests/old.test.js', 'old\n');
    const commit = await keep('testing-after');
    await put('tests/old.test.js', 'changed since\n');
    const script =
      'pwd > "$TEMP_BASE/at"; find . -type f -not -name .git | sort; cat tests/old.test.js; git status --short';
    const ran = await without(script, commit, ['tests/new/deep.test.js']);
    expect(ran.tail.split('\n')).toEqual([
      ...['./.gitignore', './package.json', './src/sum.js', './test/sum.test.js', './tests/old.test.js'],
      'old',
      // On no branch and not in the index: what HEAD of the scratch tree has and the files lack.
      ' D tests/new/deep.test.js',
    ]);
    const at = (await left('at')).trim();
    expect(at).toMatch(new RegExp(`^${repo.base}/scratch/[0-9a-f-]{36}/auth-api$`));
    expect(existsSync(at)).toBe(false);
    expect(existsSync(scratchDir())).toBe(false);
    expect(await worktrees()).toBe(2);
    expect(existsSync(join(worktree, 'tests/new/deep.test.js'))).toBe(true);
  });

  it('has no folder that only held those files', async () => {
    await put('tests/new/deep.test.js', 'new\n');
    const commit = await keep('testing-after');
    expect(await without('ls', commit, ['tests/new/deep.test.js'])).toMatchObject({
      tail: 'package.json\nsrc\ntest',
    });
  });

  it('has the dependencies of the worktree, at the top and below, and what is copied into worktrees', async () => {
    for (const path of [
      'node_modules/dep/index.js',
      'packages/a/node_modules/inner/index.js',
      'packages/a/main.js',
      '.env',
      'noise.log',
    ])
      await put(path, `${path}\n`);
    await repo.write('.git/info/exclude', '.env\n');
    copied = ['.env', 'node_modules', 'absent'];
    const commit = await keep('testing-after');
    const script = 'cat node_modules/dep/index.js packages/a/node_modules/inner/index.js .env; ls -A; touch .env.own';
    const { tail } = await without(script, commit, []);
    expect(tail.split('\n').slice(0, 3)).toEqual([
      'node_modules/dep/index.js',
      'packages/a/node_modules/inner/index.js',
      '.env',
    ]);
    expect(tail).not.toContain('noise.log');
    expect(existsSync(join(worktree, '.env.own'))).toBe(false);
    expect(await readdir(join(worktree, 'node_modules', 'dep'))).toEqual(['index.js']);
  });

  it('has dependencies that the worktree itself reaches through a link', async () => {
    const shared = join(repo.base, 'installed');
    await mkdir(join(shared, 'dep'), { recursive: true });
    await writeFile(join(shared, 'dep', 'index.js'), 'linked\n');
    await symlink('../../installed', join(worktree, 'node_modules'));
    expect(await without('cat node_modules/dep/index.js', await keep('testing-after'), [])).toMatchObject({
      tail: 'linked',
    });
  });

  it('is removed when the tests are called off, and one that a crash left is by the next', async () => {
    const commit = await keep('testing-after');
    const calledOff = new AbortController();
    const running = without('touch "$TEMP_BASE/runs"; sleep 300', commit, [], calledOff.signal);
    await until('they run', () => existsSync(join(repo.base, 'runs')));
    const [name = ''] = await readdir(scratchDir());
    // What a supervisor that was killed leaves: one whole, one that git had just begun, one that is only a folder.
    await repo.git(['worktree', 'add', '--quiet', '--detach', join(scratchDir(), 'left', 'auth-api'), commit]);
    await repo.git([
      'worktree',
      'add',
      '--quiet',
      '--detach',
      '--lock',
      join(scratchDir(), 'half', 'auth-api'),
      commit,
    ]);
    await rm(join(scratchDir(), 'half', 'auth-api', '.git'));
    await mkdir(join(scratchDir(), 'bare'), { recursive: true });
    calledOff.abort();
    expect(await running).toMatchObject({ kind: 'not-run' });
    expect((await readdir(scratchDir())).sort()).toEqual(['bare', 'half', 'left'].filter((each) => each !== name));
    expect(await without('true', commit, [])).toMatchObject({ kind: 'passed' });
    expect(existsSync(scratchDir())).toBe(false);
    expect(await worktrees()).toBe(2);
  });
});
