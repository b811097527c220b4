import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { until } from '../rig/wait.ts';

const guardFile = fileURLToPath(new URL('../../config/guard.sh', import.meta.url));
const SHELLS = ['/bin/sh', '/bin/bash'].filter((shell) => existsSync(shell));

let base: string;
let guard: ChildProcess | null = null;

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'tmops-guard-')));
  await mkdir(join(base, 'bin'));
  // Pauses between starts are noted instead of made; those in which it polls are shortened.
  await program('bin/sleep', `[ "$1" = 0.1 ] && exec /bin/sleep 0.02; echo "$1" >>${at('pauses')}`);
});
afterEach(async () => {
  // Its own group: what it ran, and what that left behind, is in it.
  if (guard?.pid !== undefined) endGroup(guard.pid);
  if (guard?.exitCode === null && guard.signalCode === null) await endOf(guard);
  guard = null;
  await rm(base, { recursive: true, force: true });
});

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

const at = (name: string): string => join(base, name);

async function program(name: string, script: string): Promise<string> {
  await writeFile(at(name), `#!/bin/sh\n${script}\n`);
  await chmod(at(name), 0o755);
  return at(name);
}

/** Starts the guard in a group of its own. */
function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}, shell = '/bin/sh'): ChildProcess {
  guard = spawn(shell, [guardFile, ...argv], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: `${at('bin')}:/usr/bin:/bin`, TMOPS_GUARD_LOG: at('log'), ...env },
  });
  return guard;
}

const endOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    child.once('exit', (code) => {
      resolve(code);
    });
  });

async function lines(name: string): Promise<string[]> {
  const text = await readFile(at(name), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

const begun = (count: number): Promise<string[]> =>
  until(`the program began ${count} times`, async () => {
    const pids = await lines('begun');
    return pids.length >= count && pids;
  });

async function isAlive(pid: string | undefined): Promise<boolean> {
  const stat = await readFile(`/proc/${pid ?? 0}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

const gone = (pid: string | undefined): Promise<true> =>
  until(`process ${pid ?? ''} is gone`, async () => !(await isAlive(pid)) || null);

/** Notes its start and stays; asked to end, it notes that and ends in order. */
const STAYS = (): string =>
  `trap 'echo asked >>${at('asked')}; kill "$!"; exit 0' TERM\necho $$ >>${at('begun')}\n/bin/sleep 300 &\nwait`;

describe.each(SHELLS)('guard.sh under %s', (shell) => {
  it('ends when the program ends in order, without starting it again', async () => {
    const child = start([await program('once', `echo "$1|$2" >>${at('begun')}`), 'a b', ''], {}, shell);
    expect(await endOf(child)).toBe(0);
    expect(await lines('begun')).toEqual(['a b|']);
    expect(await lines('pauses')).toEqual([]);
  });

  it('starts a killed program again at once', async () => {
    start([await program('stays', STAYS())], {}, shell);
    const [first] = await begun(1);
    process.kill(Number(first), 'SIGKILL');
    const [, second] = await begun(2);
    expect(second).not.toBe(first);
    expect(await lines('pauses')).toEqual([]);
    process.kill(Number(second), 'SIGKILL');
    await begun(3);
    expect(await lines('pauses')).toEqual(['1']);
  });

  it('waits longer with each quick death and gives up after twenty', async () => {
    const child = start([await program('dies', `echo $$ >>${at('begun')}; exit 7`)], {}, shell);
    expect(await endOf(child)).toBe(1);
    expect(await lines('begun')).toHaveLength(20);
    const expected = ['1', '2', '4', '8', '16', ...Array.from({ length: 13 }, () => '30')];
    expect(await lines('pauses')).toEqual(expected);
    expect(await lines('log')).toEqual([expect.stringMatching(/ gave up: .*\/dies died 20 times, last with code 7$/)]);
  });

  it('forgets earlier deaths after a minute of good running', async () => {
    // Each look at the clock is two minutes after the last one.
    await program(
      'bin/date',
      `n=$(cat ${at('clock')} 2>/dev/null || echo 0); echo $((n + 120)) >${at('clock')}; echo "$n"`,
    );
    const dies = await program('dies', `echo $$ >>${at('begun')}; [ "$(wc -l <${at('begun')})" -gt 25 ]`);
    expect(await endOf(start([dies], {}, shell))).toBe(0);
    expect(await lines('begun')).toHaveLength(26);
    expect(await lines('pauses')).toEqual([]);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('passes %s on once, waits, and leaves nothing', async (signal) => {
    const child = start([await program('stays', STAYS())], {}, shell);
    const [pid] = await begun(1);
    const code = endOf(child);
    child.kill(signal);
    child.kill(signal);
    expect(await code).toBe(0);
    expect(await isAlive(pid)).toBe(false);
    expect(await lines('asked')).toEqual(['asked']);
    expect(await lines('begun')).toHaveLength(1);
  });

  it('ends when the program is asked to end before it can hear it', async () => {
    const child = start([await program('young', `echo $$ >>${at('begun')}\nexec /bin/sleep 300`)], {}, shell);
    const [pid] = await begun(1);
    const code = endOf(child);
    process.kill(Number(pid), 'SIGTERM');
    expect(await code).toBe(0);
    expect(await lines('begun')).toHaveLength(1);
  });

  it('waits for a program that takes its time to end', async () => {
    const slow = `trap 'echo asked >>${at('asked')}' TERM\necho $$ >>${at('begun')}\nwhile ! [ -e ${at('go')} ]; do /bin/sleep 0.02; done`;
    const child = start([await program('slow', slow)], {}, shell);
    const [pid] = await begun(1);
    const code = endOf(child);
    child.kill('SIGTERM');
    await until('the program was asked', async () => (await lines('asked')).length > 0);
    expect(child.exitCode).toBeNull();
    await writeFile(at('go'), '');
    expect(await code).toBe(0);
    await gone(pid);
  });

  it('ends a program by force that does not listen', async () => {
    const child = start(
      [await program('deaf', `trap '' TERM\necho $$ >>${at('begun')}\nexec /bin/sleep 300`)],
      {},
      shell,
    );
    const [pid] = await begun(1);
    const code = endOf(child);
    child.kill('SIGTERM');
    expect(await code).toBe(0);
    await gone(pid);
  });

  it('ends at once in a pause, and the pause with it', async () => {
    await program(
      'bin/sleep',
      `[ "$1" = 0.1 ] && exec /bin/sleep 0.02; echo $$ >>${at('pauses')}; exec /bin/sleep 300`,
    );
    const child = start([await program('dies', `echo $$ >>${at('begun')}; exit 7`)], {}, shell);
    const [pause] = await until('there is a pause', async () => {
      const found = await lines('pauses');
      return found.length > 0 && found;
    });
    const code = endOf(child);
    child.kill('SIGTERM');
    expect(await code).toBe(0);
    await gone(pause);
    expect(await lines('begun')).toHaveLength(2);
  });

  it('survives the end of its terminal', async () => {
    const child = start([await program('stays', STAYS())], {}, shell);
    const [first] = await begun(1);
    child.kill('SIGHUP');
    process.kill(Number(first), 'SIGKILL');
    await begun(2);
    expect(child.exitCode).toBeNull();
    const code = endOf(child);
    child.kill('SIGTERM');
    expect(await code).toBe(0);
  });
});
