import { chmod, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packagedFile } from '../../../src/adapters/agents/packaged-file.ts';
import { until } from '../../rig/wait.ts';
import { agentFolder, type AgentFolder } from './agent-folder.ts';

let folder: AgentFolder;
let events: string;
beforeEach(async () => {
  folder = await agentFolder();
  events = join(folder.agentDir, 'events');
});
afterEach(async () => {
  await folder.remove();
});

/** Calls the hook as Claude Code does: a constant command line, everything else in the environment. */
async function hook(input: string, env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  const result = await execa('/bin/sh', ['-c', '/bin/sh "$TMOPS_HOOK"'], {
    input,
    env: { PATH: '/usr/bin:/bin', TMOPS_HOOK: packagedFile('hook.sh'), TMOPS_AGENT_DIR: folder.agentDir, ...env },
    extendEnv: false,
    all: true,
    reject: false,
  });
  return { code: result.exitCode ?? -1, output: result.all };
}

const silent = { code: 0, output: '' };
const kept = async (): Promise<string[]> => (await readdir(events)).sort();

test('leaves the event as a private file whose name sorts by time', async () => {
  const before = Date.now();
  expect(await hook('{"a":"first"}')).toEqual(silent);
  expect(await hook('{"a":"second"}')).toEqual(silent);
  const names = await kept();
  expect(names).toEqual([expect.stringMatching(/^\d{19}-\d+\.json$/), expect.stringMatching(/^\d{19}-\d+\.json$/)]);
  expect(await readFile(join(events, names[0]!), 'utf8')).toBe('{"a":"first"}');
  expect(await readFile(join(events, names[1]!), 'utf8')).toBe('{"a":"second"}');
  expect((await stat(join(events, names[0]!))).mode & 0o777).toBe(0o600);
  expect(Number(names[0]!.slice(0, 13))).toBeGreaterThanOrEqual(before - 1);
  expect(Number(names[1]!.slice(0, 13))).toBeLessThanOrEqual(Date.now());
});

test('reads everything, keeps a bounded part', async () => {
  expect(await hook('x'.repeat(3_000_000))).toEqual(silent);
  const [name] = await kept();
  expect((await stat(join(events, name!))).size).toBe(262_144);
});

test('calls at the same time do not disturb each other', async () => {
  const texts = Array.from({ length: 12 }, (_, index) => `{"n":${index}}`);
  expect(await Promise.all(texts.map((text) => hook(text)))).toEqual(texts.map(() => silent));
  const found = await Promise.all((await kept()).map((name) => readFile(join(events, name), 'utf8')));
  expect(found.sort()).toEqual([...texts].sort());
});

describe('never fails and never speaks', () => {
  test.each([
    ['without an agent folder', { TMOPS_AGENT_DIR: '' }],
    ['with an agent folder that cannot be made', { TMOPS_AGENT_DIR: '/proc/nowhere' }],
    ['with a broken PATH', { PATH: '/nowhere' }],
    ['with a supervisor file that is not there', { TMOPS_SUPERVISOR_PID_FILE: '/nowhere', TMOPS_WAKE: '/bin/sh' }],
  ])('%s', async (_name, env) => {
    expect(await hook('{}'.repeat(100_000), env)).toEqual(silent);
  });
});

test('makes the folder again when it was removed', async () => {
  await rm(folder.agentDir, { recursive: true });
  expect(await hook('{}')).toEqual(silent);
  expect(await kept()).toHaveLength(1);
});

describe('a supervisor that is gone', () => {
  const woken = (): Promise<string | null> => readFile(join(folder.root, 'woken'), 'utf8').catch(() => null);

  async function setting(pid: string): Promise<Record<string, string>> {
    const wake = join(folder.root, 'wake.sh');
    await writeFile(
      wake,
      `#!/bin/sh\nenv >${join(folder.root, 'half')}\nmv ${join(folder.root, 'half')} ${join(folder.root, 'woken')}\nsleep 0.5\n`,
    );
    await chmod(wake, 0o700);
    await mkdir(join(folder.root, 'state'));
    await writeFile(join(folder.root, 'state', 'pid'), pid);
    return { TMOPS_SUPERVISOR_PID_FILE: join(folder.root, 'state', 'pid'), TMOPS_WAKE: wake };
  }
  const deadPid = async (): Promise<string> => (await execa('/bin/sh', ['-c', 'echo $$'])).stdout;

  test.each([
    ['with a line end', '\n'],
    ['without one', ''],
  ])('is started, without waiting for it (its file %s)', async (_how, end) => {
    const env = await setting((await deadPid()) + end);
    const began = performance.now();
    expect(await hook('{}', env)).toEqual(silent);
    expect(performance.now() - began).toBeLessThan(400);
    const environment = await until('the supervisor is woken', woken);
    // It is not a part of the agent.
    expect(environment).not.toContain('TMOPS_');
    expect(await kept()).toHaveLength(1);
  });

  test.each([
    ['it lives', String(process.pid)],
    ['the file says nothing', ''],
    ['the file holds something else', 'rm -rf /'],
  ])('is left alone when %s', async (_name, pid) => {
    const env = await setting(pid);
    expect(await hook('{}', env)).toEqual(silent);
    expect(await hook('{}', env)).toEqual(silent);
    expect(await woken()).toBeNull();
  });
});
