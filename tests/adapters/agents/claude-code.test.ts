import { mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readActivity } from '../../../src/adapters/agents/claude-activity.ts';
import { claudeCodeProvider, type ClaudeCodeOptions } from '../../../src/adapters/agents/claude-code.ts';
import { loadSignatures } from '../../../src/adapters/agents/claude-signatures.ts';
import { packagedFile } from '../../../src/adapters/agents/packaged-file.ts';
import { startTimeOf } from '../../../src/adapters/agents/process-table.ts';
import type { AgentOrder } from '../../../src/core/agent.ts';
import type { AgentProvider } from '../../../src/engine/ports.ts';
import { agentFolder, type AgentFolder } from './agent-folder.ts';

const signatures = await loadSignatures(packagedFile('claude-code.yaml'));
const ID = '11111111-1111-4111-8111-111111111111';

let folder: AgentFolder;
let order: AgentOrder;
let featureDir: string;
beforeEach(async () => {
  folder = await agentFolder();
  featureDir = join(folder.root, 'root', '.tmops', 'auth-api');
  const bin = join(folder.root, 'bin');
  for (const dir of [join(featureDir, 'runs', 'initial'), join(folder.root, 'tree'), bin]) {
    await mkdir(dir, { recursive: true });
  }
  await writeFile(join(bin, 'claude'), '#!/bin/sh\n', { mode: 0o755 });
  await symlink('runs/initial', join(featureDir, 'current'));
  order = {
    workspaceRoot: join(folder.root, 'root'),
    feature: 'auth-api',
    run: 'initial',
    role: 'tester',
    sessionId: ID,
    cwd: join(folder.root, 'tree'),
    agentDir: folder.agentDir,
    runDir: join(featureDir, 'current'),
    env: { PATH: bin, HOME: join(folder.root, 'home'), ANTHROPIC_API_KEY: 'secret' },
    permissions: { allow: ['Bash(make check:*)'], denyWrites: ['src/**', 'lib/**'] },
    testCommand: ['npm', 'test'],
  };
});
afterEach(async () => {
  await folder.remove();
});

const provider = (options: Partial<ClaudeCodeOptions> = {}): AgentProvider =>
  claudeCodeProvider({ signatures, ...options });
const text = (name: string): Promise<string> => readFile(join(folder.agentDir, name), 'utf8');
const json = async (name: string): Promise<unknown> => JSON.parse(await text(name));
const argv = async (): Promise<string[]> => (await text('launch/argv')).trimEnd().split('\n');
const env = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await text('launch/env'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );

describe('what Claude Code is started with', () => {
  test('arguments', async () => {
    const launch = await provider({ args: ['--model', 'opus'] }).create({ ...order, systemPromptFile: '/run/role.md' });
    expect(launch).toEqual({ argv: ['/bin/sh', packagedFile('launch.sh'), folder.agentDir], env: {}, cwd: order.cwd });
    expect(await argv()).toEqual([
      join(folder.root, 'bin', 'claude'),
      ...['--model', 'opus', '--session-id', ID, '--name', 'auth-api/tester', '--permission-mode', 'acceptEdits'],
      ...['--settings', join(folder.agentDir, 'settings.json')],
      ...['--mcp-config', join(folder.agentDir, 'mcp.json'), '--strict-mcp-config'],
      ...['--append-system-prompt-file', '/run/role.md'],
    ]);
  });

  test('the mode of the role, else of the provider', async () => {
    await provider({ permissionMode: 'plan' }).create(order);
    expect(await argv()).toContain('plan');
    const permissions = { ...order.permissions, mode: 'dontAsk' };
    await provider({ permissionMode: 'plan' }).create({ ...order, permissions });
    expect(await argv()).toContain('dontAsk');
  });

  test('variables: those of the order, and ours', async () => {
    await provider({ hook: { pidFile: '/s/pid', wake: '/s/wake' }, configDir: '/c' }).create({
      ...order,
      env: { ...order.env, DISABLE_AUTOUPDATER: '0', CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: 'true' },
    });
    expect(await env()).toEqual({
      ...order.env,
      DISABLE_AUTOUPDATER: '0',
      CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: 'false',
      CLAUDE_CONFIG_DIR: '/c',
      TMOPS_AGENT_DIR: folder.agentDir,
      TMOPS_HOOK: join(folder.agentDir, 'hook.sh'),
      TMOPS_NODE: process.execPath,
      TMOPS_SUPERVISOR_PID_FILE: '/s/pid',
      TMOPS_WAKE: '/s/wake',
    });
  });

  test('settings: the hooks, what is allowed, what is denied', async () => {
    await provider().create(order);
    const { hooks, permissions, tui, enabledPlugins } = (await json('settings.json')) as {
      hooks: Record<string, unknown>;
      permissions: Record<string, string[]>;
      tui: string;
      enabledPlugins: unknown;
    };
    expect(tui).toBe('default');
    // No other plugin of the user is touched.
    expect(enabledPlugins).toEqual({ 'tmops@tmops': false });
    expect(Object.keys(hooks).sort()).toEqual([
      ...['Notification', 'PermissionRequest', 'PostToolUse', 'PostToolUseFailure', 'PreToolUse'],
      ...['SessionEnd', 'SessionStart', 'Stop', 'StopFailure', 'UserPromptSubmit'],
    ]);
    const report = { hooks: [{ type: 'command', command: 'exec /bin/sh "$TMOPS_HOOK"', timeout: 5 }] };
    const guard = { type: 'command', command: 'exec /bin/sh "$TMOPS_AGENT_DIR/write-hook.sh"', timeout: 20 };
    for (const [name, hook] of Object.entries(hooks)) {
      const before = { matcher: 'Write|Edit|MultiEdit|NotebookEdit', hooks: [guard] };
      expect(hook, name).toEqual(name === 'PreToolUse' ? [report, before] : [report]);
    }
    expect(permissions['deny']).toEqual(['Edit(src/**)', 'Edit(lib/**)']);
    expect(permissions['additionalDirectories']).toEqual([featureDir]);
    expect(permissions['allow']).toEqual(
      expect.arrayContaining(['Bash(git commit:*)', 'Bash(npm test)', 'Bash(npm test:*)', 'Bash(make check:*)']),
    );
  });

  test('the rules of the hook in front of writes: what may be written, and where reports go', async () => {
    await provider().create({ ...order, permissions: { allow: [], denyWrites: ['a.js'], allowWrites: ['test/**'] } });
    expect(await json('write-rules.json')).toEqual({
      role: 'tester',
      worktree: order.cwd,
      workspaceRoot: order.workspaceRoot,
      featureDir,
      programDirs: [join(folder.root, 'home', '.claude', 'plans')],
      allow: ['test/**'],
      deny: ['a.js'],
    });
    expect(((await json('settings.json')) as { permissions: object }).permissions).toMatchObject({
      deny: ['Edit(a.js)'],
    });
  });

  test('no such hook where a role may write everything', async () => {
    await provider().create({ ...order, permissions: { allow: [], denyWrites: [] } });
    const { hooks } = (await json('settings.json')) as { hooks: Record<string, unknown[]> };
    expect(hooks['PreToolUse']).toHaveLength(1);
    expect(await env()).not.toHaveProperty('TMOPS_NODE');
    expect(await readdir(folder.agentDir)).not.toContain('write-rules.json');
  });

  test('only the servers it was given', async () => {
    await provider().create(order);
    expect(await json('mcp.json')).toEqual({ mcpServers: {} });
    await provider({ mcpServers: { tmops: { command: 'tmops', args: ['mcp'] } } }).create(order);
    expect(await json('mcp.json')).toEqual({ mcpServers: { tmops: { command: 'tmops', args: ['mcp'] } } });
  });

  test('files that nobody else may read, all in its own folder', async () => {
    await provider().create(order);
    expect((await readdir(folder.agentDir)).sort()).toEqual([
      'events',
      'hook.sh',
      'launch',
      'mcp.json',
      'settings.json',
      'write-hook.mjs',
      'write-hook.sh',
      'write-rules.json',
    ]);
    for (const name of ['settings.json', 'mcp.json', 'launch/env', 'write-rules.json']) {
      expect((await stat(join(folder.agentDir, name))).mode & 0o777, name).toBe(0o600);
    }
    expect((await readdir(folder.root)).sort()).toEqual(['agents', 'bin', 'root', 'tree']);
  });
});

describe('what is refused', () => {
  test.each([
    ['a mode that asks nothing', { permissions: { allow: [], denyWrites: [], mode: 'bypassPermissions' } }, 'order'],
    ['a mode that waits for a server', { permissions: { allow: [], denyWrites: [], mode: 'auto' } }, 'order'],
    ['a folder that is gone', { cwd: '/no/such/folder' }, 'folder-missing'],
    ['a run that is gone', { runDir: '/no/such/run' }, 'folder-missing'],
    ['a PATH without the program', { env: { PATH: '/no/such/bin' } }, 'command-missing'],
    ['a variable PATH that is relative', { env: { PATH: 'bin' } }, 'command-missing'],
  ])('%s', async (_name, changes, reason) => {
    await expect(provider().create({ ...order, ...changes })).rejects.toMatchObject({ name: 'ProviderError', reason });
  });

  test('an argument, when the provider is made', () => {
    expect(() => provider({ args: ['--model', 'opus', '-p'] })).toThrow(
      /The argument "-p" cannot be given to Claude Code/,
    );
  });

  test('a variable of two lines is left out and told', async () => {
    const problems: string[] = [];
    const onProblem = (problem: { why: string }): void => void problems.push(problem.why);
    await provider({ onProblem }).create({ ...order, env: { ...order.env, TWO: 'a\nb' } });
    expect(problems).toEqual(['TWO cannot be passed in one line']);
  });
});

describe('conversations Claude Code keeps', () => {
  const record = async (content: string): Promise<string> => {
    const project = join(folder.root, 'home', '.claude', 'projects', '-some-folder');
    await mkdir(join(project, 'memory'), { recursive: true });
    await writeFile(join(project, `${ID}.jsonl`), content);
    return join(project, `${ID}.jsonl`);
  };
  const HEAD = `{"type":"mode","mode":"normal","sessionId":"${ID}"}\n`;

  test('one with a prompt is resumed, and not begun again', async () => {
    const file = await record(`${HEAD}{"parentUuid":null,"type":"user","message":{}}\n`);
    await provider().resume(order);
    expect(await argv()).toEqual(expect.arrayContaining(['--resume', ID]));
    expect(await argv()).not.toContain('--session-id');
    await expect(provider().create(order)).rejects.toMatchObject({ reason: 'order' });
    expect(await readFile(file, 'utf8')).toContain('"user"');
  });

  test('one without is begun again', async () => {
    const file = await record(HEAD);
    await expect(provider().resume(order)).rejects.toMatchObject({ reason: 'no-conversation' });
    await provider().create(order);
    await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await text('blank-conversation.jsonl')).toBe(HEAD);
  });

  test('none cannot be resumed', async () => {
    await expect(provider().resume(order)).rejects.toMatchObject({ reason: 'no-conversation' });
  });
});

describe('what the status file says', () => {
  const self = { pid: 4711, startTime: '175587' };
  const unknown = { kind: 'unknown' };
  test.each([
    [{ status: 'idle' }, { kind: 'idle' }],
    [{ status: 'busy', waitingFor: 'x' }, { kind: 'busy' }],
    [
      { status: 'waiting', waitingFor: 'permission prompt' },
      { kind: 'waiting', waitingFor: 'permission prompt' },
    ],
    [{ status: 'waiting' }, { kind: 'waiting', waitingFor: 'an answer' }],
    [{ status: 'dreaming' }, unknown],
    [{ status: 'idle', pid: 4712 }, unknown],
    [{ status: 'idle', procStart: '99' }, unknown],
    [{ status: 'idle', procStart: 'Fri Nov 20 17:49:15 2026' }, { kind: 'idle' }],
    [{}, unknown],
  ])('%j', (fields, activity) => {
    expect(readActivity(JSON.stringify({ pid: 4711, procStart: '175587', ...fields }), self)).toEqual(activity);
  });

  test.each(['', '{"pid":4711,"status":"id', '[]'])('%j says nothing', (half) => {
    expect(readActivity(half, self)).toEqual(unknown);
  });

  test('it is found where the agent was told to keep its files, and read only while the process lives', async () => {
    const claude = provider({ configDir: join(folder.root, 'config') });
    await claude.create(order);
    const started = await startTimeOf(process.pid);
    if (started.kind !== 'alive') throw new Error('this process has no start time');
    const self = { pid: process.pid, startTime: started.startTime };
    await mkdir(join(folder.root, 'config', 'sessions'), { recursive: true });
    const file = join(folder.root, 'config', 'sessions', `${self.pid}.json`);
    await writeFile(file, JSON.stringify({ pid: self.pid, status: 'busy' }));
    const agent = { role: 'tester', sessionId: ID, agentDir: folder.agentDir, process: self };
    expect(await claude.activity(agent)).toEqual({ kind: 'busy' });
    expect(await claude.activity({ ...agent, process: null })).toEqual(unknown);
    expect(await claude.activity({ ...agent, process: { ...self, startTime: '1' } })).toEqual(unknown);
  });
});
