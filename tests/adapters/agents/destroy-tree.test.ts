import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { destroyTree } from '../../../src/adapters/agents/destroy-tree.ts';
import { alive } from '../../../src/adapters/agents/process.ts';
import { startTimeOf, type Process } from '../../../src/adapters/agents/process-table.ts';
import { until } from '../../rig/wait.ts';
import { agentFolder, type AgentFolder } from './agent-folder.ts';

let folder: AgentFolder;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await agentFolder();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await folder.remove();
});

/** Runs a shell script that writes process ids into files, and returns the shell as a process. */
async function start(script: string, env: Record<string, string> = {}): Promise<Process> {
  const file = join(folder.root, 'script.sh');
  await writeFile(file, script);
  const child = spawn('/bin/sh', [file], { cwd: folder.root, env: { PATH: '/usr/bin:/bin', ...env }, stdio: 'ignore' });
  children.push(child);
  return known(child.pid!);
}

async function known(pid: number): Promise<Process> {
  const started = await startTimeOf(pid);
  if (started.kind !== 'alive') throw new Error(`process ${pid} is not there`);
  return { pid, startTime: started.startTime };
}

async function written(name: string): Promise<Process> {
  const text = await until(`${name} is written`, async () => {
    const found = await readFile(join(folder.root, name), 'utf8').catch(() => '');
    return found.endsWith('\n') ? found : null;
  });
  return known(Number(text));
}

const states = (all: readonly Process[]): Promise<string[]> => Promise.all(all.map((process) => alive(process)));
const order = (process: Process | null): { agentDir: string; process: Process | null } => ({
  agentDir: folder.agentDir,
  process,
});

test('ends the whole tree, also what ignores SIGTERM and what leads a session of its own', async () => {
  const root = await start(`
    sh -c 'trap "" TERM HUP; echo $$ >deaf; while :; do sleep 0.1; done' &
    setsid sh -c 'echo $$ >apart; sleep 600' &
    sh -c 'echo $$ >child; sh -c "echo \\$\\$ >grandchild; sleep 600" & wait' &
    wait`);
  const all = [root, ...(await Promise.all(['deaf', 'apart', 'child', 'grandchild'].map(written)))];
  expect(await states(all)).toEqual(['alive', 'alive', 'alive', 'alive', 'alive']);
  await destroyTree(order(root), 300);
  expect(await states(all)).toEqual(['gone', 'gone', 'gone', 'gone', 'gone']);
});

test('children are told before their parents', async () => {
  const root = await start(`
    note() { echo "$1" >>order; exit; }
    (trap 'note inner' TERM; echo x >ready; while :; do sleep 0.02; done) &
    trap 'sleep 0.3; note outer' TERM
    wait
    wait`);
  await until('it is ready', () => readFile(join(folder.root, 'ready')).catch(() => null));
  await destroyTree(order(root), 3_000);
  expect(await readFile(join(folder.root, 'order'), 'utf8')).toBe('inner\nouter\n');
});

test('a program that ends when asked is not killed', async () => {
  const root = await start(
    `trap 'sleep 0.2; echo done >asked; exit 0' TERM; echo x >ready; while :; do sleep 0.02; done`,
  );
  await until('it is ready', () => readFile(join(folder.root, 'ready')).catch(() => null));
  await destroyTree(order(root), 5_000);
  expect(await readFile(join(folder.root, 'asked'), 'utf8')).toBe('done\n');
});

test.runIf(process.platform === 'linux')('ends children that outlived their parent, known by their mark', async () => {
  const root = await start(`setsid sh -c 'echo $$ >orphan; sleep 600' & echo x >ready; wait`, {
    TMOPS_AGENT_DIR: folder.agentDir,
  });
  const orphan = await written('orphan');
  process.kill(root.pid, 'SIGKILL');
  await until('the root is gone', async () => (await alive(root)) === 'gone');
  expect(await alive(orphan)).toBe('alive');
  await destroyTree(order(root), 1_000);
  expect(await alive(orphan)).toBe('gone');
});

describe('what it must not touch', () => {
  test('a process that got the number since', async () => {
    const root = await start('sleep 600');
    await destroyTree(order({ ...root, startTime: '12' }), 200);
    expect(await alive(root)).toBe('alive');
  });

  test('a process of another agent', async () => {
    const other = await start('sleep 600', { TMOPS_AGENT_DIR: `${folder.agentDir}-2` });
    await destroyTree(order(null), 200);
    expect(await alive(other)).toBe('alive');
  });
});

test('nothing to end is fine, twice', async () => {
  const root = await start('sleep 600');
  await destroyTree(order(root), 1_000);
  await destroyTree(order(root), 1_000);
  await destroyTree(order(null), 0);
  expect(await alive(root)).toBe('gone');
});

test('no grace means SIGKILL at once', async () => {
  const root = await start(`trap '' TERM; echo x >ready; while :; do sleep 0.02; done`);
  await until('it is ready', () => readFile(join(folder.root, 'ready')).catch(() => null));
  const began = performance.now();
  await destroyTree(order(root), 0);
  expect(performance.now() - began).toBeLessThan(1_500);
  expect(await alive(root)).toBe('gone');
});
