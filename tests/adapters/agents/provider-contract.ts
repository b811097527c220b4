import { randomUUID } from 'node:crypto';
import { readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProviderError } from '../../../src/adapters/agents/provider-error.ts';
import type { AgentHandle, AgentOrder, Evidence, Launch } from '../../../src/core/agent.ts';
import type { Screen } from '../../../src/core/screen.ts';
import type { AgentProvider } from '../../../src/engine/ports.ts';
import { until } from '../../rig/wait.ts';
import { agentFolder, type AgentFolder } from './agent-folder.ts';

/** What a provider's tests bring along. */
export interface ProviderRig {
  readonly provider: AgentProvider;
  /** The same kind of provider, told to run a program that is not there; null where that cannot be. */
  readonly withoutProgram: AgentProvider | null;
  /** An order that can be carried out in this folder. Its environment holds a variable SECRET. */
  readonly order: AgentOrder;
  /** Whether the conversation is on the disk yet: it may lag behind the end of a turn. */
  readonly kept: () => Promise<boolean>;
  /** Ends what the setup began; the folder is removed by the suite. */
  end(): Promise<void>;
}

/** How long the slowest thing a provider does may take. */
const WITHIN = { withinMs: 20_000 };

/** The promises of the port AgentProvider, for any provider. Every agent runs in a pane of a private tmux server. */
export function describeProvider(name: string, setup: (folder: AgentFolder) => Promise<ProviderRig>): void {
  describe(`provider ${name}`, () => {
    let folder: AgentFolder;
    let rig: ProviderRig;
    beforeEach(async () => {
      folder = await agentFolder();
      rig = await setup(folder);
    });
    afterEach(async () => {
      await rig.provider.destroy(handle(rig.order, null), 3_000);
      await folder.remove();
      await rig.end();
    });

    const start = (launch: Launch): Promise<Agent> => startAgent(folder, rig, launch);
    const create = async (): Promise<Agent> => start(await rig.provider.create(rig.order));

    describeLife(
      () => rig,
      () => folder,
      { start, create },
    );
    describeFaults(() => rig, create);
    describeEvidence(() => rig, create);
  });
}

function describeLife(
  the: () => ProviderRig,
  folderOf: () => AgentFolder,
  { start, create }: { start: (launch: Launch) => Promise<Agent>; create: () => Promise<Agent> },
): void {
  test('a new conversation comes up under our id, idle, with an empty input box', async () => {
    const { provider, order } = the();
    const agent = await create();
    expect(await agent.screen()).toMatchObject({ kind: 'composer', draft: '', busy: false });
    expect(await provider.alive(agent.handle.process!)).toBe('alive');
    expect(await provider.process(order)).toEqual(agent.handle.process);
    expect(await provider.exit(order)).toEqual({ kind: 'unknown' });
    const started = { kind: 'session-started', sessionId: order.sessionId, source: 'startup' };
    await until('it says so', () => agent.news().some((news) => matches(news, started)), WITHIN);
    await until('it is idle', async () => (await provider.activity(agent.handle)).kind === 'idle', WITHIN);
  });

  test('nothing of the environment is known to tmux', async () => {
    const { order, provider } = the();
    const launch = await provider.create(order);
    expect(launch.env).toEqual({});
    const agent = await start(launch);
    const folder = folderOf();
    const shown = await folder.tmux('display-message', '-p', '-t', agent.pane, '#{pane_start_command}');
    const kept = await folder.tmux('show-environment', '-g');
    expect(`${shown} ${kept}`).not.toContain(order.env['SECRET']);
  });

  test('a typed line is seen in the box, then taken, then answered', async () => {
    const { provider } = the();
    const agent = await create();
    const line = 'What do you wait for? [tmops#12]';
    await agent.type(line);
    expect(await agent.screen()).toMatchObject({ kind: 'composer', draft: line, busy: false });
    await agent.enter();
    await until(
      'it is taken',
      () => agent.news().some((n) => matches(n, { kind: 'prompt-taken', text: line })),
      WITHIN,
    );
    await until('the turn ended', () => agent.news().some((news) => news.kind === 'turn-ended'), WITHIN);
    await until('it is idle', async () => (await provider.activity(agent.handle)).kind === 'idle', WITHIN);
    await until('the box is empty', async () => matches(await agent.screen(), { kind: 'composer', draft: '' }), WITHIN);
    expect(agent.news().filter((news) => news.kind === 'prompt-taken')).toHaveLength(1);
  });

  test('an end somebody asked for is told apart from a crash', async () => {
    const { provider, order } = the();
    const agent = await create();
    await agent.type('/exit');
    await agent.enter();
    await until('it is gone', async () => (await provider.alive(agent.handle.process!)) === 'gone', WITHIN);
    await until('its exit is written', async () => (await provider.exit(order)).kind !== 'unknown');
    expect(await provider.exit(order)).toEqual({ kind: 'code', code: 0 });
    await until('it says so', () => agent.news().some((n) => n.kind === 'session-ended' && n.deliberate));
    expect(await provider.activity(agent.handle)).toEqual({ kind: 'unknown' });
  });

  test('after a kill the conversation goes on under the same id', async () => {
    const { provider, order, kept } = the();
    const agent = await create();
    await agent.type('Remember this. [tmops#1]');
    await agent.enter();
    await until('the turn ended', () => agent.news().some((news) => news.kind === 'turn-ended'), WITHIN);
    await until('the conversation is kept', kept, WITHIN);
    process.kill(agent.handle.process!.pid, 'SIGKILL');
    await until('its exit is written', async () => (await provider.exit(order)).kind !== 'unknown');
    expect(await provider.exit(order)).toEqual({ kind: 'signal', signal: 'SIGKILL' });
    expect(await provider.alive(agent.handle.process!)).toBe('gone');
    // The status it left behind is not believed.
    expect(await provider.activity(agent.handle)).toEqual({ kind: 'unknown' });

    const again = await start(await provider.resume(order));
    const resumed = { kind: 'session-started', sessionId: order.sessionId, source: 'resume' };
    await until('it carries on', () => again.news().some((news) => matches(news, resumed)), WITHIN);
    expect(again.handle.process).not.toEqual(agent.handle.process);
  });

  test('destroying ends it, and may be asked for twice', async () => {
    const { provider } = the();
    const agent = await create();
    await provider.destroy(agent.handle, 3_000);
    expect(await provider.alive(agent.handle.process!)).toBe('gone');
    await provider.destroy(agent.handle, 3_000);
    await provider.destroy({ ...agent.handle, process: null }, 0);
  });
}

function describeFaults(the: () => ProviderRig, create: () => Promise<Agent>): void {
  test('a folder that is not there is refused', async () => {
    const { provider, order } = the();
    const refused = provider.create({ ...order, cwd: join(order.cwd, 'gone') });
    await expect(refused).rejects.toMatchObject({ name: 'ProviderError', reason: 'folder-missing' });
  });

  test('a program that is not there is refused', async (context) => {
    const { withoutProgram, order } = the();
    if (withoutProgram === null) {
      context.skip();
      return;
    }
    const refused = withoutProgram.create(order);
    await expect(refused).rejects.toMatchObject({ name: 'ProviderError', reason: 'command-missing' });
  });

  test('a conversation that was never begun cannot be resumed', async () => {
    const { provider, order } = the();
    const refused = provider.resume({ ...order, sessionId: randomUUID() });
    await expect(refused).rejects.toMatchObject({ name: 'ProviderError', reason: 'no-conversation' });
  });

  test('an error says what and what to do', async () => {
    const { provider, order } = the();
    const error: unknown = await provider
      .create({ ...order, cwd: '/no/such/folder' })
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof ProviderError)) throw new Error('expected a ProviderError');
    expect(error.sentence).toMatch(/\/no\/such\/folder.*\.$/);
    expect(error.hint.length).toBeGreaterThan(10);
  });

  test('a folder in which nothing was started holds no process, no exit, no activity', async () => {
    const { provider, order } = the();
    expect(await provider.process(order)).toBeNull();
    expect(await provider.exit(order)).toEqual({ kind: 'unknown' });
    expect(await provider.activity(handle(order, null))).toEqual({ kind: 'unknown' });
    await provider.destroy(handle(order, null), 0);
  });

  test('another process with the same number is not the agent', async () => {
    const { provider } = the();
    const agent = await create();
    const other = { ...agent.handle.process!, startTime: '1' };
    expect(await provider.alive(other)).toBe('gone');
    expect(await provider.activity({ ...agent.handle, process: other })).toEqual({ kind: 'unknown' });
    expect(await provider.alive(agent.handle.process!)).toBe('alive');
  });
}

function describeEvidence(the: () => ProviderRig, create: () => Promise<Agent>): void {
  test('evidence is kept while nobody watches, and comes once, from where one was', async () => {
    const { provider } = the();
    const agent = await create();
    await until('something happened', () => agent.evidence.length > 0, WITHIN);
    await agent.stop();
    await agent.type('Unwatched. [tmops#2]');
    await agent.enter();
    const events = join(agent.handle.agentDir, 'events');
    await until('more happened', async () => (await readdir(events)).length > agent.evidence.length + 1, WITHIN);
    const later: Evidence[] = [];
    const stop = await provider.evidence(agent.handle, agent.evidence.at(-1)!.id, (one) => later.push(one));
    await until('it is told', () => later.some((one) => matches(one.news, { kind: 'prompt-taken' })), WITHIN);
    await stop();
    const ids = [...agent.evidence, ...later].map((one) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.abs(later[0]!.atMs - Date.now())).toBeLessThan(60_000);
  });

  test('files that are no evidence disturb nothing', async () => {
    const agent = await create();
    const events = join(agent.handle.agentDir, 'events');
    for (const [number, text] of ['', 'not json', '[]', '{"hook_event_name":7}', '\0\x01'].entries()) {
      const name = `${Date.now()}00000${number}-1.json`;
      await writeFile(join(events, '.half'), text);
      await rename(join(events, '.half'), join(events, name));
    }
    await agent.type('Still there? [tmops#3]');
    await agent.enter();
    await until('it goes on', () => agent.news().some((news) => news.kind === 'turn-ended'), WITHIN);
  });
}

/** One started agent, watched. */
interface Agent {
  readonly pane: string;
  readonly handle: AgentHandle;
  readonly evidence: readonly Evidence[];
  readonly news: () => Evidence['news'][];
  readonly screen: () => Promise<Screen>;
  /** Types a line and waits until it stands in the box. */
  readonly type: (line: string) => Promise<void>;
  readonly enter: () => Promise<void>;
  /** Stops watching. */
  readonly stop: () => Promise<void>;
}

async function startAgent(folder: AgentFolder, rig: ProviderRig, launch: Launch): Promise<Agent> {
  const { provider, order } = rig;
  const pane = await folder.run(launch.argv, { cols: 109, rows: 49 });
  const capture = (): Promise<string> => folder.tmux('capture-pane', '-p', '-e', '-t', pane);
  const screen = async (): Promise<Screen> => provider.classify(await capture());
  const process = await until('the process is recorded', () => provider.process(order), WITHIN);
  const shows = async (wanted: object, what: string): Promise<void> => {
    await until(what, async () => matches(await screen(), wanted), WITHIN).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await capture()}\n${await launchFiles(order)}`);
    });
  };
  await shows({ kind: 'composer' }, 'the input box is there');
  const evidence: Evidence[] = [];
  const agent = handle(order, process);
  const stop = await provider.evidence(agent, '', (one) => evidence.push(one));
  return {
    pane,
    handle: agent,
    evidence,
    news: () => evidence.map((one) => one.news),
    screen,
    type: async (line) => {
      await folder.tmux('send-keys', '-t', pane, '-l', '--', line);
      const [kind] = line.startsWith('/') ? ['composer-mode'] : ['composer'];
      await shows({ kind, draft: line }, `${JSON.stringify(line)} stands in the box`);
    },
    enter: async () => {
      await folder.tmux('send-keys', '-t', pane, 'Enter');
    },
    stop,
  };
}

function handle(order: AgentOrder, process: AgentHandle['process']): AgentHandle {
  return { role: order.role, sessionId: order.sessionId, agentDir: order.agentDir, process };
}

function matches(value: object, wanted: object): boolean {
  return Object.entries(wanted).every(([key, one]) => Reflect.get(value, key) === one);
}

async function launchFiles(order: AgentOrder): Promise<string> {
  return readFile(join(order.agentDir, 'launch', 'argv'), 'utf8');
}
