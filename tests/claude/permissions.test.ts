import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { claudeCodeProvider } from '../../src/adapters/agents/claude-code.ts';
import { loadSignatures } from '../../src/adapters/agents/claude-signatures.ts';
import { trustFolder } from '../../src/adapters/agents/claude-trust.ts';
import { packagedFile } from '../../src/adapters/agents/packaged-file.ts';
import { startTimeOf } from '../../src/adapters/agents/process-table.ts';
import type { AgentHandle, AgentNews, AgentOrder, RolePermissions } from '../../src/core/agent.ts';
import type { Screen } from '../../src/core/screen.ts';
import type { AgentProvider } from '../../src/engine/ports.ts';
import { agentFolder, type AgentFolder } from '../adapters/agents/agent-folder.ts';
import { until } from '../rig/wait.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi, type FakeApi } from './fake-api.ts';
import type { Call } from './reply.ts';

let command: string;
beforeAll(async () => {
  command = await fetchClaude();
});

let folder: AgentFolder;
let api: FakeApi;
let calls: readonly Call[];
let results: readonly { failed: boolean; text: string }[];
let provider: AgentProvider;
beforeEach(async () => {
  folder = await agentFolder();
  results = [];
  api = await startFakeApi({
    play: ({ prompts }) => {
      const prompt = prompts.at(-1);
      results = prompt?.results ?? [];
      const call = prompt?.text.includes('Go on.') === true ? calls[prompt.steps] : undefined;
      return call === undefined ? { text: 'done' } : { calls: [call] };
    },
  });
  const { root } = folder;
  const run = join(root, 'root', '.tmops', 'auth-api', 'runs', 'initial', 'checkpoints');
  for (const dir of ['src', 'test']) await mkdir(join(root, 'root', dir), { recursive: true });
  await mkdir(run, { recursive: true });
  await symlink('runs/initial', join(root, 'root', '.tmops', 'auth-api', 'current'));
  await writeFile(join(root, 'root', 'package.json'), '{"type":"module","scripts":{"test":"node --test"}}');
  await writeFile(join(root, 'root', 'src', 'a.js'), 'export const a = 1;\n');
  await claudeHome(join(root, 'home'), { trusted: [] });
  await makeWorktree();
  provider = claudeCodeProvider({ command, signatures: await loadSignatures(packagedFile('claude-code.yaml')) });
});
afterEach(async () => {
  await provider.destroy({ role: 'r', sessionId: '', agentDir: folder.agentDir, process: null }, 3_000);
  await folder.remove();
  await api.close();
});

/** The agent works in a linked worktree; `.tmops` in it is a link to that of the main one, and git does not see it. */
async function makeWorktree(): Promise<void> {
  const cwd = join(folder.root, 'root');
  const git = async (...args: string[]): Promise<unknown> =>
    execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...args], { cwd });
  await git('init', '-q');
  await writeFile(join(cwd, '.git', 'info', 'exclude'), '.tmops\n');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'Begin');
  await git('worktree', 'add', '-q', join(folder.root, 'tree'));
  await symlink(join(cwd, '.tmops'), join(folder.root, 'tree', '.tmops'));
}

interface Started {
  readonly agent: AgentHandle;
  readonly news: readonly AgentNews[];
  readonly screen: () => Promise<Screen>;
  readonly type: (line: string) => Promise<void>;
}

async function start(permissions: RolePermissions): Promise<Started> {
  const { root } = folder;
  const order: AgentOrder = {
    workspaceRoot: join(root, 'root'),
    feature: 'auth-api',
    run: 'initial',
    role: 'tester',
    sessionId: randomUUID(),
    cwd: join(root, 'tree'),
    agentDir: folder.agentDir,
    runDir: join(root, 'root', '.tmops', 'auth-api', 'runs', 'initial'),
    env: claudeEnvironment({ home: join(root, 'home'), port: api.port }),
    permissions,
    testCommand: ['npm', 'test'],
  };
  const launch = await provider.create(order);
  const pane = await folder.run(launch.argv, { cols: 109, rows: 49 });
  const process = await until('the process is recorded', () => provider.process(order));
  const agent = { role: order.role, sessionId: order.sessionId, agentDir: order.agentDir, process };
  const news: AgentNews[] = [];
  const stop = await provider.evidence(agent, '', (one) => news.push(one.news));
  closing = stop;
  return {
    agent,
    news,
    screen: async () => provider.classify(await folder.tmux('capture-pane', '-p', '-e', '-t', pane)),
    type: async (line) => {
      await folder.tmux('send-keys', '-t', pane, '-l', '--', line);
      await folder.tmux('send-keys', '-t', pane, 'Enter');
    },
  };
}
let closing = (): Promise<void> => Promise.resolve();
afterEach(async () => {
  await closing();
});

/** Lets the agent make these calls, and gives what became of each. Fails as soon as it asks. */
async function perform(permissions: RolePermissions, wanted: readonly Call[]): Promise<string[]> {
  calls = wanted;
  await trustFolder(join(folder.root, 'root'), join(folder.root, 'home', '.claude', '.claude.json'));
  const started = await start(permissions);
  await until('the input box is there', async () => (await started.screen()).kind === 'composer');
  await started.type('Go on.');
  await until(
    'the turn ended',
    () => {
      const asking = started.news.find((news) => news.kind === 'asking');
      if (asking !== undefined) throw new Error(`It asked for ${asking.what} after ${results.length} calls`);
      return started.news.some((news) => news.kind === 'turn-ended');
    },
    { withinMs: 60_000 },
  );
  expect(results).toHaveLength(wanted.length);
  return results.map(({ failed, text }) => (failed ? `failed: ${text}` : 'done'));
}

const write = (path: string): Call => ({ name: 'Write', input: { file_path: path, content: 'x\n' } });
const bash = (script: string): Call => ({ name: 'Bash', input: { command: script, description: 'Run it' } });

test('checkpoints through the link, tests and commits need no answer of a human', async () => {
  const tree = join(folder.root, 'tree');
  const wanted = [
    write('.tmops/auth-api/current/checkpoints/003-tests-complete.md'),
    write(`${tree}/.tmops/auth-api/current/checkpoints/absolute.md`),
    write(join(folder.root, 'root', '.tmops', 'auth-api', 'runs', 'initial', 'SUMMARY.md')),
    bash('echo note >> .tmops/auth-api/current/checkpoints/notes.md && ls .tmops/auth-api/current/'),
    write('test/a.test.js'),
    bash('mkdir -p test/deep && echo x > test/deep/b.txt'),
    bash('git status --short && git diff --stat'),
    bash('git add -A && git commit -m "Add tests"'),
    bash('git log --oneline -3'),
    bash('npm test 2>&1 | tail -5'),
    bash(`cd ${tree} && npm test; true`),
    bash('node --test test/ > /dev/null; true'),
  ];
  const became = await perform({ allow: [], denyWrites: ['src/**'] }, wanted);
  expect(became.filter((one) => one !== 'done')).toEqual([]);
  const checkpoint = join(folder.root, 'root', '.tmops', 'auth-api', 'runs', 'initial', 'checkpoints');
  expect(await readFile(join(checkpoint, '003-tests-complete.md'), 'utf8')).toBe('x\n');
  const { stdout } = await execa('git', ['log', '--format=%s'], { cwd: tree });
  expect(stdout.split('\n')).toEqual(['Add tests', 'Begin']);
});

test('what a role may not write stays as it is, and nobody is asked', async () => {
  const tree = join(folder.root, 'tree');
  const wanted = [
    write('src/b.js'),
    write(`${tree}/src/b.js`),
    write('test/../src/b.js'),
    bash('echo x > src/b.js'),
    bash('sed -i s/1/2/ src/a.js'),
    bash('cp package.json src/b.js'),
    bash('rm src/a.js'),
    write('test/b.test.js'),
  ];
  const became = await perform({ allow: [], denyWrites: ['src/**', 'test/**'] }, wanted);
  for (const one of became)
    expect(one).toMatch(/^failed: .*(denied|not allowed|permission|tmops: the tester may not)/is);
  expect(await readFile(join(tree, 'src', 'a.js'), 'utf8')).toBe('export const a = 1;\n');
  expect([existsSync(join(tree, 'src', 'b.js')), existsSync(join(tree, 'test', 'b.test.js'))]).toEqual([false, false]);
});

test('where only some may be written, every tool that writes is told so, whatever its path; Bash is git’s to find', async () => {
  const tree = join(folder.root, 'tree');
  await mkdir(join(tree, 'test'));
  await symlink('../src', join(tree, 'test', 'to-src'));
  const edit: Call = { name: 'Edit', input: { file_path: `${tree}/src/a.js`, old_string: '1', new_string: '2' } };
  const refused = [
    write('src/b.js'),
    write(`${tree}/src/b.js`),
    write('test/../src/b.js'),
    write('test/to-src/b.js'),
    write(join(folder.root, 'root', 'src', 'b.js')),
    write('.tmops/auth-api/runs/initial/agents/tester/write-rules.json'),
  ];
  const done = [
    write('test/b.test.js'),
    write('.tmops/auth-api/current/checkpoints/003-tests-complete.md'),
    bash('echo x > src/by-bash.js'),
  ];
  const read: Call = { name: 'Read', input: { file_path: `${tree}/src/a.js` } };
  const permissions = { allow: [], denyWrites: [], allowWrites: ['test/**'] };
  const became = await perform(permissions, [...refused, read, edit, ...done]);
  const told = [...became.slice(0, refused.length), became[refused.length + 1]];
  for (const one of told) expect(one).toMatch(/^failed: .*tmops: the tester may not write \//s);
  expect(became.slice(refused.length + 2)).toEqual(done.map(() => 'done'));
  expect(await readFile(join(tree, 'src', 'a.js'), 'utf8')).toBe('export const a = 1;\n');
  expect(existsSync(join(tree, 'src', 'b.js'))).toBe(false);
});

describe('a folder that is not trusted', () => {
  test('is asked about, and an agent that is told no ends', async () => {
    const started = await start({ allow: [], denyWrites: [] });
    const screen = await until('it asks', async () => {
      const seen = await started.screen();
      return seen.kind === 'dialog' ? seen : null;
    });
    expect(screen.dialog).toMatchObject({ name: 'trust', choices: ['No, exit', 'Yes, I trust this folder'] });
    expect(await provider.activity(started.agent)).toEqual({ kind: 'unknown' });
  });
});

// Orphans are found by their environment, which only Linux shows.
test.runIf(process.platform === 'linux')('the end of an agent ends what it left running', async () => {
  const pids = join(folder.root, 'pids');
  const script = `node -e 'require("fs").appendFileSync("${pids}", process.pid + "\\n"); setTimeout(() => {}, 3e5)'`;
  calls = [{ name: 'Bash', input: { command: script, description: 'Wait', run_in_background: true } }];
  await trustFolder(join(folder.root, 'root'), join(folder.root, 'home', '.claude', '.claude.json'));
  const started = await start({ allow: ['Bash(node -e:*)'], denyWrites: [] });
  await until('the input box is there', async () => (await started.screen()).kind === 'composer');
  await started.type('Go on.');
  const written = async (): Promise<string | false> => {
    const text = await readFile(pids, 'utf8').catch(() => '');
    return text.endsWith('\n') && text;
  };
  const pid = Number(await until('it runs', written));
  await until('the turn ended', () => started.news.find((news) => news.kind === 'turn-ended'));
  expect(started.news.find((news) => news.kind === 'turn-ended')).toMatchObject({ background: 1 });
  process.kill(started.agent.process!.pid, 'SIGKILL');
  await until('it is gone', async () => (await provider.alive(started.agent.process!)) === 'gone');
  const left = await startTimeOf(pid);
  if (left.kind !== 'alive') throw new Error('what the agent left running is gone by itself');
  await provider.destroy(started.agent, 2_000);
  expect(await provider.alive({ pid, startTime: left.startTime })).toBe('gone');
});
