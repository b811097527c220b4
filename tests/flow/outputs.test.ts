import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import type { Event } from '../../src/core/event.ts';
import { isAlive, watchersOf } from '../rig/flow.ts';
import { linesOf } from '../rig/json-lines.ts';
import { openProduct, program, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

const FEATURE = 'auth-api';

/** Notes each event, and whether the journal holds it already. */
const SINK = `import { appendFileSync, readFileSync } from 'node:fs';
export default async (event) => {
  const journal = readFileSync(\`.tmops/\${event.feature}/runs/\${event.run}/journal.jsonl\`, 'utf8');
  const durable = journal.includes(\`"seq":\${event.seq},\`);
  appendFileSync('module.jsonl', JSON.stringify({ ...event, durable }) + '\\n');
};
`;

const CONFIG = `sinks:
  - module: tools/sink.mjs
  - module: tools/broken.mjs
  - command: [sh, -c, 'cat >> command.jsonl']
  - command: [sh, -c, 'cat >> steps.jsonl']
    events: [step.completed, run.completed]
  - command: [/no/such/program]`;

interface Called {
  readonly isError?: boolean;
  readonly structuredContent?: unknown;
  readonly content: readonly { readonly text: string }[];
}

let product: Product;
let client: Client;
const strayed: unknown[] = [];
let followed = '';
let follower: ReturnType<typeof spawn>;
let events: Event[];

async function call<T>(tool: string, args: Record<string, unknown> = {}): Promise<T> {
  const answer = (await client.callTool({ name: tool, arguments: args })) as Called;
  const text = answer.content[0]?.text ?? '';
  if (answer.isError) throw new Error(`${tool}: ${text}`);
  expect(JSON.parse(text)).toEqual(answer.structuredContent);
  return answer.structuredContent as T;
}

/** The whole run is done through MCP, and the tests look at what it left. */
beforeAll(async () => {
  product = await openProduct({
    play: 'instant',
    findsTests: true,
    config: CONFIG,
    files: { 'tools/sink.mjs': SINK, 'tools/broken.mjs': "export default () => { throw new Error('broken'); };\n" },
    env: { ANTHROPIC_API_KEY: 'sk-listed-secret' },
  });
  const { env, repo } = product;
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, 'mcp'],
    cwd: repo.root,
    env: { ...env },
    stderr: 'pipe',
  });
  client = new Client({ name: 'test', version: '1.0.0' });
  // Whatever stands on stdout and is no message of the protocol.
  client.onerror = (error) => strayed.push(error);
  await client.connect(transport);
});
afterAll(async () => {
  follower.kill('SIGKILL');
  await client.close();
  await product.dispose();
});

it('does a whole run through MCP over stdio, with nothing else on stdout', async () => {
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      ...['tmops_init_feature', 'tmops_start_orchestration', 'tmops_get_status', 'tmops_list_features'],
      ...['tmops_wait', 'tmops_read_pane', 'tmops_stop'],
    ]),
  );
  const made = await call<OutputOf<'init'>>('tmops_init_feature', { feature: FEATURE, runType: 'initial' });
  expect(made).toMatchObject({ branch: `feature/${FEATURE}`, testCommand: { argv: ['npm', 'test'] } });
  follow();
  const start = await call<OutputOf<'start'>>('tmops_start_orchestration', { feature: FEATURE });
  expect(start.steps).toHaveLength(7);
  let wait = await call<OutputOf<'wait'>>('tmops_wait', { feature: FEATURE, until: 'step' });
  expect(wait.reason).toMatch(/^(step|completed)$/);
  while (!wait.done || wait.reason === 'step') {
    const { cursor } = wait;
    wait = await call('tmops_wait', { feature: FEATURE, cursor, timeoutMs: 10_000 });
  }
  expect(wait).toMatchObject({ done: true, reason: 'completed', phase: 'completed' });
  const status = await call<OutputOf<'status'>>('tmops_get_status', { feature: FEATURE });
  expect(status.checkpoints.map(({ state }) => state)).toEqual(Array(7).fill('done'));
  const summary = await call<OutputOf<'readCheckpoint'>>('tmops_read_checkpoint', { feature: FEATURE });
  expect(summary).toMatchObject({
    step: 'summary',
    role: 'orchestrator',
    file: 'SUMMARY.md',
    state: 'done',
    next: null,
  });
  expect(summary.untrusted_output).toBe((await readFile(summary.path, 'utf8')).trimEnd());
  const part = await call<OutputOf<'readCheckpoint'>>('tmops_read_checkpoint', {
    ...{ feature: FEATURE, step: 'testing' },
    ...{ from: 2, lines: 3 },
  });
  expect(part).toMatchObject({ step: 'testing', from: 2, next: 5, problem: null });
  expect(part.untrusted_output.split('\n')).toEqual((await readFile(part.path, 'utf8')).split('\n').slice(1, 4));
  const pane = await call<OutputOf<'readPane'>>('tmops_read_pane', { feature: FEATURE, role: 'tester', lines: 40 });
  expect(pane.untrusted_output).toContain('[BEGIN]: Start test writing');
  const { features } = await call<OutputOf<'list'>>('tmops_list_features');
  expect(features).toMatchObject([{ feature: FEATURE, phase: 'completed', attention: 0 }]);
  expect(await call<OutputOf<'stop'>>('tmops_stop', { feature: FEATURE })).toMatchObject({ feature: FEATURE });
  await expect(call('tmops_get_status', { feature: 'nowhere' })).rejects.toThrow(
    'There is no feature "nowhere" in this workspace.',
  );
  expect(strayed).toEqual([]);
  events = await product.events(FEATURE);
});

/** `tmops events --follow` from before the start. */
function follow(): void {
  const { env, repo } = product;
  follower = spawn(process.execPath, [program, 'events', FEATURE, '--follow'], { cwd: repo.root, env: { ...env } });
  follower.stdout?.on('data', (chunk: Buffer) => (followed += chunk.toString()));
}

describe('what a run leaves', () => {
  it('is a journal of whole lines, numbered without a gap', async () => {
    const text = await readFile(product.path(FEATURE, 'current', 'journal.jsonl'), 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted((a, b) => a - b));
    expect(events.filter(({ kind }) => kind === 'run.completed')).toHaveLength(1);
  });

  it('is a state.json for other tools, under runs/current too', async () => {
    await until('state.json has caught up with the journal', async () => {
      const text = await readFile(product.path(FEATURE, 'current', 'state.json'), 'utf8');
      return (JSON.parse(text) as { readonly sequence: number }).sequence === events.length;
    });
    const [direct, linked] = await Promise.all(
      ['current', 'runs/current'].map((run) => readFile(product.path(FEATURE, run, 'state.json'), 'utf8')),
    );
    expect(linked).toBe(direct);
    expect(JSON.parse(direct ?? '')).toMatchObject({
      version: 1,
      feature: FEATURE,
      run: 'initial',
      branch: `feature/${FEATURE}`,
      phase: 'completed',
      step: null,
      role: null,
      step_count: 7,
      session: `tmops-${FEATURE}`,
      agents: { tester: { state: expect.any(String) as string, session_id: expect.any(String) as string } },
      sequence: events.length,
    });
  });

  it('is a metrics.json with the framework’s keys', async () => {
    const metrics = JSON.parse(await readFile(product.path(FEATURE, 'current', 'metrics.json'), 'utf8')) as Record<
      'phases' | 'summary' | 'timeline' | 'sources',
      Record<string, unknown>
    >;
    expect(metrics).toMatchObject({
      feature: FEATURE,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      run_directory: 'initial',
      measured: { prompts_delivered: 11 },
    });
    expect(Object.keys(metrics.phases)).toEqual(['discovery', 'testing', 'implementation', 'verification']);
    expect(metrics.summary).toMatchObject({
      checkpoints_completed: 7,
      first_checkpoint: expect.any(String) as string,
      last_checkpoint: expect.any(String) as string,
      success: expect.any(Boolean) as boolean,
    });
    expect(metrics.timeline).toHaveLength(7);
    expect(Object.values(metrics.sources)).toContain('measured');
  });

  it('is a log with feature, run, role and step on the lines of its events', async () => {
    const file = product.path('.logs', 'tmops.log');
    const log = await linesOf<Record<string, unknown>>(file);
    const lines = log.filter((line) => 'seq' in line);
    expect(lines.map(({ msg }) => msg)).toEqual(events.map(({ kind }) => kind));
    expect(lines.filter(({ feature, run }) => feature !== FEATURE || run !== 'initial')).toEqual([]);
    const lineOf = (msg: string, seq = -1) => lines.find((line) => line['msg'] === msg && Number(line['seq']) > seq);
    const testing = Number(lineOf('step.completed')?.['seq']);
    for (const msg of [
      'step.began',
      'prompt.wanted',
      'prompt.typed',
      'prompt.taken',
      'checkpoint.seen',
      'step.completed',
    ])
      expect(lineOf(msg, testing), msg).toMatchObject({ role: 'tester', step: 'testing' });
    expect(await readFile(file, 'utf8')).not.toContain('sk-listed-secret');
  });

  it('has gone event by event to those who follow and to every sink, after it was journaled', async () => {
    const { repo } = product;
    const plain = events.map((event) => ({ ...event, feature: FEATURE, run: 'initial' }));
    const told = (name: string) => linesOf<Record<string, unknown>>(`${repo.root}/${name}`);
    await until('the module has all', async () => (await told('module.jsonl')).length >= plain.length);
    expect(await told('module.jsonl')).toEqual(plain.map((event) => ({ ...event, durable: true })));
    await until('the command has all', async () => (await told('command.jsonl')).length >= plain.length);
    expect(await told('command.jsonl')).toEqual(plain);
    expect((await told('steps.jsonl')).map(({ kind }) => kind)).toEqual([
      ...Array<string>(7).fill('step.completed'),
      'run.completed',
    ]);
    const lines = (): string[] => followed.trimEnd().split('\n');
    await until('the follower has all', () => lines().length >= events.length);
    expect(lines()).toHaveLength(events.length);
    expect(followed).toContain('All steps are done.');
    const log = await readFile(product.path('.logs', 'tmops.log'), 'utf8');
    expect(log).toContain('tools/broken.mjs');
    expect(log).toContain('/no/such/program');
    follower.kill('SIGINT');
    await until('the follower has ended', () => follower.exitCode !== null);
    expect(follower.exitCode).toBe(0);
  });
});

it('the supervisor ends in order when it is asked to, with its sinks open and its guard with it', async () => {
  const { supervisor, guard } = await watchersOf(product);
  await product.endSupervisor();
  await until('the guard has gone', async () => !(await isAlive(guard)));
  const log = await linesOf<Record<string, unknown>>(product.path('.logs', 'tmops.log'));
  const begun = log.findLastIndex(({ pid }) => pid === supervisor);
  expect(log.slice(begun).at(-1)).toMatchObject({ msg: 'the supervisor ends', code: 0 });
});

it('events that a killed supervisor had journaled and not handed on go to the sinks first thing', async () => {
  const stateFile = product.path(FEATURE, 'current', 'state.json');
  const state = JSON.parse(await readFile(stateFile, 'utf8')) as { readonly sequence: number };
  expect(state.sequence).toBe(events.length);
  // As it is left by one that is killed after the last two events were flushed: it is written after they were told.
  await writeFile(stateFile, JSON.stringify({ ...state, sequence: events.length - 2 }));
  const told = (name: string) => linesOf<{ readonly seq: number; readonly v: number }>(`${product.repo.root}/${name}`);
  await product.json('init', 'another');
  for (const name of ['module.jsonl', 'command.jsonl']) {
    await until(`${name} has them`, async () => (await told(name)).length >= events.length + 2);
    const again = (await told(name)).slice(events.length, events.length + 2);
    expect(again).toMatchObject(events.slice(-2).map(({ seq }) => ({ v: 1, seq, feature: FEATURE })));
  }
  await until('state.json is up to date', async () => {
    const now = JSON.parse(await readFile(stateFile, 'utf8')) as typeof state;
    return now.sequence === events.length && (expect(now).toEqual(state), true);
  });
  await product.endSupervisor();
});

it('no supervisor runs without a workspace', async () => {
  expect(await product.cli('supervise')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--root') as string,
  });
});

describe('a configuration that is refused', () => {
  const refusal = async (options: Parameters<Product['configure']>[0]): Promise<string> => {
    await product.configure(options);
    const { exitCode, stdout, stderr } = await product.cli('start', 'later');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    return stderr;
  };
  beforeAll(() => product.configure({ play: 'wait' }).then(() => product.json('init', 'later')));

  it.each(['-p', '--print', '--output-format=json', '--input-format', '--dangerously-skip-permissions'])(
    'names what replaces the headless flag %s',
    async (flag) => {
      const told = await refusal({ provider: 'claude_code', config: `  claude_code:\n    args: ['${flag}', json]` });
      expect(told).toContain(flag.split('=')[0]);
      expect(told).toMatch(/Leave it out|use --permission-mode/i);
    },
  );

  it('points at an unknown key by file, line and column, and at the key that may be meant', async () => {
    const told = await refusal({ play: 'wait', config: 'features:\n  concurent_limit: 3' });
    const line =
      1 +
      (await readFile(`${product.repo.root}/tmops.config.yaml`, 'utf8')).split('\n').indexOf('  concurent_limit: 3');
    expect(told).toContain(`tmops.config.yaml:${line}:3: unknown key features.concurent_limit`);
    expect(told).toContain('did you mean concurrent_limit?');
    expect(told).toContain('^^^^');
  });

  it('names the key that switches a provider on again', async () => {
    await product.configure({ play: 'wait', config: '  claude_code:\n    enabled: false' });
    const { exitCode, stderr } = await product.cli('start', 'later', '--provider', 'claude_code');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('The provider claude_code is switched off.');
    expect(stderr).toContain('Set providers.claude_code.enabled to true');
  });

  it.each([
    ['features:\n  concurrent_limit: many', 'features.concurrent_limit cannot be "many"'],
    ['features:\n  concurrent_limit: 0', 'features.concurrent_limit cannot be "0"'],
    ['layout: quadd', 'did you mean quad?'],
    ['workflow: ${NO_SUCH_VARIABLE}', 'names a variable that is not set'],
  ])('points at %j', async (config, told) => {
    const stderr = await refusal({ play: 'wait', config });
    expect(stderr).toMatch(/tmops\.config\.yaml:\d+:\d+: /);
    expect(stderr).toContain(told);
  });
});
