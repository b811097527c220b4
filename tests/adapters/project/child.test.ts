import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { childEnvironment, runToEnd } from '../../../src/adapters/project/child.ts';
import { until } from '../../rig/wait.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmops-child-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bash = (script: string, timeoutMs = 10_000) =>
  runToEnd({ argv: ['bash', '-c', script], cwd: folder, env: { PATH: process.env['PATH'] ?? '' }, timeoutMs });

test.each([
  ['true', { kind: 'exited', exitCode: 0, tail: '' }],
  ['echo out; echo err >&2; exit 3', { kind: 'exited', exitCode: 3, tail: 'out\nerr\n' }],
  ['read -r line; echo "got [$line]"', { kind: 'exited', exitCode: 0, tail: 'got []\n' }],
  ['printf ünï', { kind: 'exited', exitCode: 0, tail: 'ünï' }],
  ['kill -KILL $$', { kind: 'killed', signal: 'SIGKILL', tail: '' }],
])('%s', async (script, end) => {
  expect(await bash(script)).toEqual(end);
});

test('of much output only the end is kept', async () => {
  const end = await bash('for i in $(seq 1 100000); do echo "line $i"; done');
  expect(end).toMatchObject({ kind: 'exited' });
  const tail = 'tail' in end ? end.tail : '';
  expect(tail).toHaveLength(4_000);
  expect(tail.endsWith('line 100000\n')).toBe(true);
});

test('what cannot be started is told', async () => {
  const order = { argv: ['no-such-command'], cwd: folder, env: {}, timeoutMs: 1_000 };
  expect(await runToEnd(order)).toMatchObject({ kind: 'not-started' });
  expect(await runToEnd({ ...order, argv: ['true'], cwd: join(folder, 'absent') })).toMatchObject({
    kind: 'not-started',
  });
});

test('past its time it is ended with its children, also when they take no polite signal', async () => {
  const started = performance.now();
  const end = await bash(`trap '' TERM; sleep 600 & echo $$ $! > pids; echo begun; while true; do wait; done`, 300);
  expect(end).toEqual({ kind: 'timed-out', afterMs: 300, tail: 'begun\n' });
  expect(performance.now() - started).toBeLessThan(8_000);
  for (const pid of (await readFile(join(folder, 'pids'), 'utf8')).trim().split(' ').map(Number)) {
    await until(`process ${pid} is gone`, () => !isAlive(pid), { withinMs: 3_000 });
  }
});

test('a process it leaves running is not waited for', async () => {
  const started = performance.now();
  const end = await bash('sleep 600 & echo $! > pid; echo done');
  const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
  process.kill(pid);
  expect(end).toEqual({ kind: 'exited', exitCode: 0, tail: 'done\n' });
  expect(performance.now() - started).toBeLessThan(8_000);
});

test('the environment loses what would turn git or bash aside', () => {
  const kept = { PATH: '/bin', HOME: '/h', TMOPS_ENV: 'x', GITHUB_ACTIONS: '1', ENVIRONMENT: 'e' };
  const lost = {
    GIT_DIR: '1',
    GIT_INDEX_FILE: '1',
    TMOPS_PROJECT_ROOT: '1',
    BASH_ENV: '1',
    ENV: '1',
    CDPATH: '1',
    SHELLOPTS: '1',
    'BASH_FUNC_git%%': '1',
    UNSET: undefined,
  };
  expect(childEnvironment({ ...kept, ...lost })).toEqual(kept);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
