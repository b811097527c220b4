import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claudeCodeProvider } from '../../../src/adapters/agents/claude-code.ts';
import { findConversation, holderOfConversation } from '../../../src/adapters/agents/claude-found.ts';
import { loadSignatures } from '../../../src/adapters/agents/claude-signatures.ts';
import { packagedFile } from '../../../src/adapters/agents/packaged-file.ts';
import { startTimeOf } from '../../../src/adapters/agents/process-table.ts';
import { until } from '../../rig/wait.ts';

let configDir: string;
let children: ChildProcess[];
beforeEach(async () => {
  configDir = await mkdtemp(join(tmpdir(), 'tmops-found-'));
  children = [];
  await mkdir(join(configDir, 'sessions'));
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(configDir, { recursive: true });
});

/** A process that lives until the end of the test, with this in its environment. */
function live(env: Record<string, string> = {}): number {
  const child = spawn('sleep', ['1000'], { env: { PATH: process.env['PATH'] ?? '', ...env } });
  children.push(child);
  return child.pid ?? 0;
}

async function startOf(pid: number): Promise<string> {
  const started = await until('it has started', async () => {
    const seen = await startTimeOf(pid);
    return seen.kind === 'alive' && seen;
  });
  return started.startTime;
}

const say = (pid: number, session: object): Promise<void> =>
  writeFile(join(configDir, 'sessions', `${pid}.json`), JSON.stringify({ pid, cwd: '/w', ...session }));

async function record(sessionId: string, text: string): Promise<void> {
  await mkdir(join(configDir, 'projects', 'p'), { recursive: true });
  await writeFile(join(configDir, 'projects', 'p', `${sessionId}.jsonl`), text);
}

test('a conversation is found by the process that leads it, in the folder of that process', async () => {
  const pid = live({ CLAUDE_CONFIG_DIR: configDir });
  const [sessionId, procStart] = [randomUUID(), await startOf(pid)];
  await say(pid, { sessionId, procStart });
  const blank = { sessionId, cwd: '/w', process: { pid, startTime: procStart }, spoken: false };
  const env = process.platform === 'linux' ? { HOME: '/nowhere' } : { CLAUDE_CONFIG_DIR: configDir };
  expect(await findConversation(pid, env)).toEqual(blank);
  await record(sessionId, '{"type":"user"}\n');
  expect(await findConversation(pid, env)).toEqual({ ...blank, spoken: true });
  expect(await holderOfConversation(configDir, sessionId)).toEqual({ pid, startTime: procStart, isSure: true });
});

test('below the process of the pane, too', async () => {
  const pid = live({ CLAUDE_CONFIG_DIR: configDir });
  const sessionId = randomUUID();
  await say(pid, { sessionId, procStart: await startOf(pid) });
  expect(await findConversation(process.pid, { CLAUDE_CONFIG_DIR: configDir })).toMatchObject({ sessionId });
});

test('nothing is found where nobody says so, or another process did under that number', async () => {
  const pid = live({ CLAUDE_CONFIG_DIR: configDir });
  await startOf(pid);
  expect(await findConversation(pid, {})).toBeNull();
  const sessionId = randomUUID();
  await say(pid, { sessionId, procStart: '1' });
  expect(await findConversation(pid, {})).toBeNull();
  expect(await holderOfConversation(configDir, sessionId)).toBeNull();
  await say(pid, { sessionId: 'no id', procStart: await startOf(pid) });
  expect(await findConversation(pid, {})).toBeNull();
  await writeFile(join(configDir, 'sessions', `${pid}.json`), '{"pid":');
  expect(await findConversation(pid, {})).toBeNull();
});

test('one that ended holds nothing, and what cannot be compared is not sure', async () => {
  const pid = live();
  const sessionId = randomUUID();
  await say(pid, { sessionId });
  await startOf(pid);
  expect(await holderOfConversation(configDir, sessionId)).toMatchObject({ pid, isSure: false });
  expect(await holderOfConversation(configDir, randomUUID())).toBeNull();
  expect(await holderOfConversation(join(configDir, 'none'), sessionId)).toBeNull();
  children[0]?.kill('SIGKILL');
  await until('it is gone', async () => (await holderOfConversation(configDir, sessionId)) === null);
});

// Whether it is that very process can only be told where both are clock ticks.
test.runIf(process.platform === 'linux')('a conversation that is open elsewhere is not resumed', async () => {
  const signatures = await loadSignatures(packagedFile('claude-code.yaml'));
  const provider = claudeCodeProvider({ command: process.execPath, signatures, configDir });
  const pid = live();
  const sessionId = randomUUID();
  await say(pid, { sessionId, procStart: await startOf(pid) });
  await record(sessionId, '{"type":"user"}\n');
  const order = {
    ...{ workspaceRoot: configDir, feature: 'auth-api', run: 'initial', role: 'tester', sessionId, cwd: configDir },
    ...{ agentDir: join(configDir, 'agent'), runDir: configDir, env: {}, permissions: { allow: [], denyWrites: [] } },
  };
  await expect(provider.resume(order)).rejects.toMatchObject({
    reason: 'in-use',
    sentence: `The tester's conversation ${sessionId} is open in process ${pid} already.`,
    hint: 'End it there with /exit, then: tmops start auth-api',
  });
  children[0]?.kill('SIGKILL');
  await until('it is gone', async () => (await holderOfConversation(configDir, sessionId)) === null);
  await expect(provider.resume(order)).resolves.toMatchObject({ cwd: configDir });
});
