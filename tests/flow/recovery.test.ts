import { readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import {
  agentsOf,
  isAlive,
  openStep,
  parentOf,
  partFile,
  partsWorkflow,
  playText,
  stepDone,
  watchersOf,
  wordsTo,
  type AgentState,
} from '../rig/flow.ts';
import { checkpointText, openProduct, program, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

const FEATURE = 'auth-api';
const PARTS = 20;
/** How soon an agent that died has to be noticed, in ms. */
const NOTICED_WITHIN_MS = 3000;

/** The writer thinks about each part until it is reminded of it; the reader has nothing to do before the end. */
const PLAY = playText([
  ...Array.from({ length: PARTS }, (_each, index) => ({
    role: 'writer',
    when: `: ${partFile(index + 1)} is not there yet`,
    file: partFile(index + 1),
  })),
  { role: 'writer', when: 'Write part', thinkMs: 600_000 },
  { role: 'writer', when: 'by hand', thinkMs: 0 },
]);
const WORKFLOW = partsWorkflow('parts', [...Array<string>(PARTS).fill('writer'), 'reader']);
const CONFIG = 'features:\n  default_phases: [writer, reader]\nworkflow: tools/parts.yaml';

let product: Product;

beforeAll(async () => {
  product = await openProduct({
    play: 'tools/play.yaml',
    config: CONFIG,
    files: { 'tools/parts.yaml': WORKFLOW, 'tools/play.yaml': PLAY },
    env: { ANTHROPIC_API_KEY: 'sk-listed-secret' },
  });
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
});
afterAll(() => product.dispose());

const open = () => openStep(product, FEATURE);
const done = (step: string): Promise<number> => stepDone(product, FEATURE, step);
const tmux = (...command: string[]): Promise<string> => product.server.run(...command);
const sessions = (): Promise<string> => tmux('list-sessions', '-F', '#{session_name}');

const agent = (role: string): Promise<AgentState & { pid: number }> =>
  until(`the ${role} has a process`, async () => {
    const state = (await agentsOf(product, FEATURE))[role];
    return state && state.pid !== null && { ...state, pid: state.pid };
  });

const recoveryOf = (number: number): Promise<string> =>
  readFile(product.path(FEATURE, 'current', `recovery-00${number}.md`), 'utf8').catch(() => '');

/** What was journaled after now. */
async function newsAfter(): Promise<{
  seen<K extends Event['kind']>(
    kind: K,
    fits?: (event: Extract<Event, { kind: K }>) => boolean,
  ): Promise<Extract<Event, { kind: K }>>;
  all(): Promise<Event[]>;
}> {
  const seq = (await product.events(FEATURE)).at(-1)?.seq ?? 0;
  const all = async () => (await product.events(FEATURE)).filter((event) => event.seq > seq);
  return {
    all,
    seen: <K extends Event['kind']>(kind: K, fits: (event: Extract<Event, { kind: K }>) => boolean = () => true) =>
      until(kind, async () =>
        (await all()).find((event): event is Extract<Event, { kind: K }> => {
          return event.kind === kind && fits(event as Extract<Event, { kind: K }>);
        }),
      ),
  };
}

describe('Scenario: Claude CLI process crash', () => {
  it('an agent killed in the middle of its step, and another with it, is noticed, resumed and reminded', async () => {
    const { step, file } = await open();
    // Who has taken nothing yet has no conversation to resume.
    await product.reached(FEATURE, 'the reader is briefed', ({ prompts }) =>
      prompts.some(({ role, outcome }) => role === 'reader' && outcome === 'accepted'),
    );
    const before = await agent('writer');
    const other = await agent('reader');
    const news = await newsAfter();
    const killedAt = Date.now();
    for (const { pid } of [before, other]) process.kill(pid, 'SIGKILL');
    const exited = await news.seen('agent.exited', ({ role }) => role === 'writer');
    expect(exited).toMatchObject({ exit: { kind: 'signal' }, deliberate: false });
    expect(exited.at - killedAt).toBeLessThan(NOTICED_WITHIN_MS);
    await done(step);
    await news.seen('agent.session', ({ role }) => role === 'reader');
    const launched = (await news.all()).filter((event) => event.kind === 'agent.launched');
    expect(launched.toSorted((a, b) => b.role.localeCompare(a.role))).toMatchObject([
      { role: 'writer', resume: true, sessionId: before.session_id },
      { role: 'reader', resume: true, sessionId: other.session_id },
    ]);
    const after = await agent('writer');
    expect(after).toMatchObject({ session_id: before.session_id, pane: before.pane });
    expect((await wordsTo(product, FEATURE, 'writer')).slice(-2)).toContain(`[CONTINUE]: ${file} is not there yet`);
    const told = await until('the recovery of the writer is told to its end', async () => {
      const texts = await Promise.all([1, 2].map((number) => recoveryOf(number)));
      return texts.find((text) => text.includes("the writer's agent ended") && text.includes('The writer took prompt'));
    });
    expect(told).toContain(`conversation ${before.session_id}`);
    expect(told).toMatch(/ended without being asked to: signal \w+/);
    expect(told).toMatch(/- The turn of the writer on prompt \d+: "Write part/);
    expect(told).toContain('The writer was started again with its own conversation');
    expect(told).toContain(`tmops take ${FEATURE} writer`);
  });

  it('an agent that was ended by its human is theirs until the feature is started, and then has the environment of that', async () => {
    const { step } = await open();
    const { pane, session_id: sessionId } = await agent('writer');
    const news = await newsAfter();
    await tmux('send-keys', '-t', pane ?? '', '-l', '/exit');
    await tmux('send-keys', '-t', pane ?? '', 'Enter');
    expect(await news.seen('agent.exited')).toMatchObject({ role: 'writer', deliberate: true });
    const ended = "The writer's agent is not running; see attention.";
    const status = await product.reached(FEATURE, 'the status says so', ({ waitsFor }) => waitsFor === ended);
    expect(status.attention[0]).toMatchObject({
      code: 'agent-ended',
      hint: `tmops give ${FEATURE} writer starts it again`,
    });
    // By the time that another one is up again, this one could have been.
    process.kill((await agent('reader')).pid, 'SIGKILL');
    await news.seen('agent.session', ({ role }) => role === 'reader');
    expect((await news.all()).filter((event) => event.kind === 'agent.launched').map(({ role }) => role)).toEqual([
      'reader',
    ]);
    const env = { ...product.env, OF_THE_CALLER: 'new' };
    await execa(process.execPath, [program, 'start', FEATURE], { cwd: product.repo.root, env, extendEnv: false });
    expect(await news.seen('agent.launched', ({ role }) => role === 'writer')).toMatchObject({
      resume: true,
      sessionId,
    });
    const { pid } = await news.seen('agent.process', ({ role }) => role === 'writer');
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    expect(environment.split('\0')).toContain('OF_THE_CALLER=new');
    await done(step);
  });
});

describe('the supervisor', () => {
  it('that is killed while it types is started again by its guard, and nothing is typed twice', async () => {
    for (const moment of ['prompt.intended', 'prompt.entered'] as const) {
      const { step, file } = await open();
      const news = await newsAfter();
      await product.put(FEATURE, `checkpoints/${file}`, checkpointText(FEATURE, 'Writer', 'Writer'));
      await done(step);
      await news.seen(moment);
      await product.endSupervisor('SIGKILL');
      await news.seen('supervisor.began');
      // Also between the journal and the paste: the pane itself tells whether it was typed.
      await news.seen('prompt.taken');
      expect((await news.all()).filter(({ kind }) => kind === 'prompt.stuck')).toEqual([]);
    }
    const words = (await wordsTo(product, FEATURE, 'writer')).filter((line) => line.startsWith('Write part'));
    expect(words).toEqual([...new Set(words)]);
    expect(words.at(-1)).toBe(`Write part ${words.length}`);
  });

  it('that has ended is woken by what happens in a pane, and finds the session', async () => {
    const { step, file } = await open();
    await product.endSupervisor();
    await writeFile(product.path(FEATURE, 'current', 'checkpoints', file), checkpointText(FEATURE, 'Writer', 'Writer'));
    const news = await newsAfter();
    const { pane } = await agent('reader');
    await tmux('send-keys', '-t', pane ?? '', '-l', 'by hand');
    await tmux('send-keys', '-t', pane ?? '', 'Enter');
    await news.seen('supervisor.began');
    await done(step);
    await open();
    await news.seen('agent.turn-ended', ({ role }) => role === 'reader');
    expect((await news.all()).filter(({ kind }) => kind === 'session.lost' || kind === 'agent.launched')).toEqual([]);
  });

  it('says after all was killed how long nobody watched, and goes on', async () => {
    const { step } = await open();
    const news = await newsAfter();
    const { guard, supervisor } = await watchersOf(product);
    const pids = await Promise.all(['writer', 'reader'].map(async (role) => (await agent(role)).pid));
    const launchers = await Promise.all(pids.map(parentOf));
    // All at once: whoever lives a moment longer would wake another supervisor.
    for (const pid of [guard, supervisor, ...launchers, ...pids]) process.kill(pid, 'SIGKILL');
    await product.endSupervisor('SIGKILL');
    await tmux('kill-server');
    const last = Date.now();
    await until('some time has passed', () => Date.now() - last > 1500);
    const { stdout } = await product.cli('status', FEATURE);
    expect(stdout).toMatch(/Nobody watched for \d+s before the present supervisor began\./);
    expect((await product.status(FEATURE)).unwatchedMs).toBeGreaterThanOrEqual(1000);
    expect((await news.seen('supervisor.began')).gapMs).toBeGreaterThanOrEqual(1000);
    await done(step);
    expect(await sessions()).toBe(`tmops-${FEATURE}`);
  });
});

describe('the tmux session', () => {
  const roles = (): Promise<string> =>
    tmux('list-panes', '-s', '-t', `=tmops-${FEATURE}:`, '-F', '#{@tmops_role} #{pane_dead}');

  it('comes back with all its panes when the server is gone, and holds no secret', async () => {
    const { step } = await open();
    const news = await newsAfter();
    await tmux('kill-server');
    await news.seen('session.lost');
    await news.seen('session.opened');
    await done(step);
    expect(await roles()).toBe('writer 0\nreader 0');
    const resumed = (await news.all()).filter((event) => event.kind === 'agent.launched');
    expect(resumed.map(({ role, resume }) => `${role} ${String(resume)}`).sort()).toEqual([
      'reader true',
      'writer true',
    ]);
    const shown = await tmux('show-environment', '-g');
    expect(shown).toContain('HOME=');
    expect(shown).not.toContain('sk-listed-secret');
  });

  it('ended by a human while tmux lives pauses the run; resume goes on with it', async () => {
    const { step } = await open();
    const pids = await Promise.all(['writer', 'reader'].map(async (role) => (await agent(role)).pid));
    const news = await newsAfter();
    await tmux('new-session', '-d', '-s', 'mine', 'exec sleep 1000');
    await tmux('kill-session', '-t', `=tmops-${FEATURE}`);
    await news.seen('run.paused');
    const { waitsFor } = await product.status(FEATURE);
    expect(waitsFor).toContain('It is paused (the tmux session was ended, human); tmops resume auth-api goes on.');
    await until('the agents are gone', async () => !(await Promise.all(pids.map(isAlive))).includes(true));
    expect((await news.all()).filter(({ kind }) => kind === 'agent.launched')).toEqual([]);
    expect(await sessions()).toBe('mine');
    await product.json('resume', FEATURE);
    await done(step);
    expect((await sessions()).split('\n')).toContain(`tmops-${FEATURE}`);
  });

  it('of a run that a former supervisor left is ended by stop', async () => {
    await open();
    const pids = await Promise.all(['writer', 'reader'].map(async (role) => (await agent(role)).pid));
    await product.endSupervisor();
    await product.json('stop', FEATURE);
    expect(await Promise.all(pids.map(isAlive))).not.toContain(true);
    expect(await sessions()).toBe('mine');
  });
});
