import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runTests, type RunOrder } from '../../../src/adapters/proof/run-tests.ts';
import { isAlive } from '../../rig/flow.ts';
import { until } from '../../rig/wait.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmops-proof-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const never = new AbortController().signal;
const PATH = process.env['PATH'] ?? '';
const run = (argv: readonly string[], over: Partial<RunOrder> = {}, signal = never) =>
  runTests({ argv, cwd: folder, env: { PATH }, withinMs: 20_000, mark: `test/${folder}`, ...over }, signal);
const bash = (script: string, over: Partial<RunOrder> = {}, signal = never) =>
  run(['bash', '-c', script], over, signal);
const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
const numbers = (text: string): number[] => text.split(/\s+/).filter(Boolean).map(Number);

describe('how tests end', () => {
  it.each([
    ['exit 0', { kind: 'passed', why: '', tail: '' }],
    ['echo out; echo err >&2; exit 3', { kind: 'failed', why: 'exit code 3', tail: 'out\nerr' }],
    ['kill -SEGV $$', { kind: 'failed', why: 'ended by SIGSEGV' }],
    ['no-such-runner', { kind: 'not-run', why: 'a command was not found (exit code 127)' }],
    ['touch runner; ./runner', { kind: 'not-run', why: 'a command could not be run (exit code 126)' }],
    ['read -r line; echo "got [$line]"', { kind: 'passed', tail: 'got []' }],
  ])('%s', async (script, end) => {
    expect(await bash(script)).toMatchObject(end);
  });

  it('a command that is not there, or whose folder is not', async () => {
    expect(await run(['no-such-program'])).toMatchObject({
      kind: 'not-run',
      why: 'no-such-program could not be started (ENOENT)',
    });
    expect(await run(['true'], { cwd: join(folder, 'absent') })).toMatchObject({ kind: 'not-run' });
  });

  it('a program of the project is found in its folder', async () => {
    await writeFile(join(folder, 'gradlew'), '#!/bin/sh\nexit 4\n', { mode: 0o755 });
    expect(await run(['./gradlew', 'test'])).toMatchObject({ kind: 'failed', why: 'exit code 4' });
  });

  it('with the environment they are given and a mark, and nothing else', async () => {
    await run(['env'], { env: { PATH, ONLY: 'this' } });
    const { tail } = await run(['env'], { env: { PATH, ONLY: 'this' } });
    expect(tail.split('\n').sort()).toEqual([`ONLY=this`, `PATH=${PATH}`, `TMOPS_TEST_RUN=test/${folder}`]);
  });
});

describe('what they printed', () => {
  it('is kept from its end, in whole lines', async () => {
    const { tail } = await bash('for i in $(seq 1 200000); do echo "line $i"; done');
    expect(tail.length).toBeLessThanOrEqual(4_000);
    expect(tail.length).toBeGreaterThan(3_900);
    expect(tail).toMatch(/^line \d+\n[^]*line 200000$/);
  });

  it('does not fill the memory, however much it is, nor hold up the tests', async () => {
    const before = process.memoryUsage().rss;
    const { kind, tail } = await bash('head -c 300000000 /dev/zero | tr "\\0" x; echo; echo done; exit 1');
    expect(kind).toBe('failed');
    expect(tail).toMatch(/done$/);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  }, 60_000);

  it('is text: no colours, control or invisible characters, no broken encoding', async () => {
    const { tail } = await bash(
      String.raw`printf '\033[31mred\033[0m\tok\r\n1%%\r2%%\n\000\007bell\xff\xfe\xe2\x80\xae end\n'`,
    );
    expect(tail).toBe('red\tok\n1%\n2%\nbell\uFFFD\uFFFD end');
    const { tail: binary } = await bash('head -c 200000 /dev/urandom');
    expect(binary).toMatch(/^(?:[\n\t]|\P{C})*$/u);
  });
});

describe('what they leave running is ended', () => {
  /** The processes whose numbers stand in the file, once there are as many. */
  const started = (name: string, count: number): Promise<number[]> =>
    until(`${count} processes in ${name}`, async () => {
      const pids = numbers(await read(name).catch(() => ''));
      return pids.length >= count ? pids : null;
    });
  const survivors = async (pids: readonly number[]): Promise<number[]> => {
    const alive = await Promise.all(pids.map(isAlive));
    return pids.filter((_, index) => alive[index]);
  };

  it('when they end by themselves: in their group, out of it, and holding their output', async () => {
    const script =
      'sleep 300 & echo $! > pids; setsid sleep 300 & setsid sh -c "echo \\$\\$ >> pids; exec sleep 300" & sleep 0.2';
    const began = performance.now();
    expect(await bash(`${script}; exit 1`)).toMatchObject({ kind: 'failed' });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await survivors(numbers(await read('pids')))).toEqual([]);
  });

  it('when they hang and hear no signal', async () => {
    const ended = bash('trap "" TERM; echo $$ > pids; echo still here; while :; do sleep 0.1; done', { withinMs: 500 });
    const pids = await started('pids', 1);
    expect(await ended).toMatchObject({ kind: 'not-run', why: 'they did not end within 0.5 s', tail: 'still here' });
    expect(await survivors(pids)).toEqual([]);
  });

  it('when they may tidy up they do', async () => {
    const script = 'trap "echo tidy > tidied; exit 1" TERM; while :; do sleep 0.05; done';
    expect(await bash(script, { withinMs: 300 })).toMatchObject({ kind: 'not-run' });
    expect(await read('tidied')).toBe('tidy\n');
  });

  it('when they multiply faster than they are looked at', async () => {
    // Each of 8 families forks anew as soon as it can, in a session of its own and deaf to signals, 60 at most.
    const child = 'trap "" TERM HUP; echo $$ >> pids; [ "$1" -gt 0 ] && setsid sh grow.sh $(($1 - 1)) & sleep 300';
    await writeFile(join(folder, 'grow.sh'), `${child}\n`);
    const ended = bash('for i in 1 2 3 4 5 6 7 8; do setsid sh grow.sh 60 & done; sleep 300', { withinMs: 700 });
    await started('pids', 8);
    expect(await ended).toMatchObject({ kind: 'not-run' });
    expect(await survivors(numbers(await read('pids')))).toEqual([]);
  });

  it('when nobody waits for them any more', async () => {
    const calledOff = new AbortController();
    const ended = bash('echo $$ > pids; sleep 300', {}, calledOff.signal);
    const pids = await started('pids', 1);
    calledOff.abort();
    expect(await ended).toMatchObject({ kind: 'not-run', why: 'they were called off' });
    expect(await survivors(pids)).toEqual([]);
    expect(await bash('echo ran > ran', {}, calledOff.signal)).toMatchObject({ why: 'they were called off' });
    await expect(read('ran')).rejects.toThrow('ENOENT');
  });
});
