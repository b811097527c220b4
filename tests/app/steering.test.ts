import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { handlersFor, type Handlers } from '../../src/app/handlers.ts';
import { operations, type InputOf, type OperationKey, type OutputOf } from '../../src/app/table.ts';
import type { ProblemView } from '../../src/app/views.ts';
import { holderOf } from '../../src/core/run.ts';
import { workflowSchema } from '../../src/core/workflow.ts';
import { begin, briefed, checkpoint, deliver, identity, put, small, started, type Story } from '../rig/run.ts';
import { seeded } from '../rig/random.ts';
import { until } from '../rig/wait.ts';
import { playedWorkspace, type PlayedWorkspace } from './live.ts';

const never = new AbortController().signal;
let workspace: PlayedWorkspace;
let handlers: Handlers;
afterEach(() => workspace.dispose());

async function given(stories: Readonly<Record<string, Story>>, broken: readonly string[] = []): Promise<void> {
  workspace = await playedWorkspace(stories, broken);
  handlers = handlersFor(workspace.ports);
}

/** Asks as the command line does. The output fits what the table promises. */
async function ask<K extends OperationKey>(
  key: K,
  input: InputOf<K>,
  signal = never,
): Promise<{ output: OutputOf<K> } | { problem: ProblemView }> {
  const answer = await handlers[key](input, { door: 'cli', cwd: '/', principal: 'cli:1000' }, signal);
  if (!answer.ok) return { problem: answer.problem };
  expect(operations[key].output.parse(answer.output)).toEqual(answer.output);
  return { output: answer.output };
}

const run = () => workspace.live('auth-api').loop.run();
const happened = (feature = 'auth-api') => workspace.events(feature).map(({ kind }) => kind);

/** The first step asked for; its turn goes on. */
function working(): Story {
  const story = briefed();
  deliver(story, 3, { turn: 'open' });
  return story;
}

const gated = workflowSchema.parse({
  ...small,
  steps: small.steps.map((each) => (each.id === 'plan' ? { ...each, gate: 'human' } : each)),
});
function atGate(): Story {
  const story = briefed(gated);
  deliver(story, 3);
  checkpoint(story, '001-plan.md');
  return story;
}

describe('take and give', () => {
  it('say who holds each pane, why, and which prompts wait', async () => {
    await given({ 'auth-api': briefed() });
    expect(await ask('take', { feature: 'auth-api', role: 'lead' })).toMatchObject({
      output: {
        panes: [
          { role: 'lead', holder: 'human', why: 'taken by cli' },
          { role: 'worker', holder: 'auto', why: null },
        ],
        waiting: [{ prompt: 3, role: 'lead' }],
        waitsFor:
          "A human holds the lead's pane (taken by cli); prompt 3 waits until it is handed back: tmops give auth-api lead.",
      },
    });
    await ask('take', { feature: 'auth-api' });
    expect(happened()).toEqual(['pane.taken', 'pane.taken']);
    expect(await ask('give', { feature: 'auth-api' })).toMatchObject({
      output: { panes: [{ holder: 'auto' }, { holder: 'auto' }], waiting: [] },
    });
  });

  it('start an agent that was ended meanwhile again, under an id of its own', async () => {
    const story = started();
    put(story, { kind: 'surveyed' });
    put(story, { kind: 'agent-exited', role: 'lead', generation: 1, exit: { kind: 'code', code: 0 }, spareId: 'x' });
    await given({ 'auth-api': story });
    await ask('give', { feature: 'auth-api', role: 'lead' });
    expect(workspace.events('auth-api')).toMatchObject([
      { kind: 'pane.given', by: 'cli' },
      { kind: 'agent.launched', role: 'lead', sessionId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
    ]);
  });

  it('refuse a role that is not there, by name', async () => {
    await given({ 'auth-api': briefed() });
    for (const key of ['take', 'give'] as const)
      expect(await ask(key, { feature: 'auth-api', role: 'tester' })).toEqual({
        problem: {
          code: 'unknown-role',
          sentence: 'auth-api has no role "tester".',
          hint: 'Its roles: lead, worker.',
        },
      });
    expect(happened()).toEqual([]);
  });
});

describe('pause and resume', () => {
  it('of one feature', async () => {
    await given({ 'auth-api': working() });
    expect(await ask('pause', { feature: 'auth-api' })).toEqual({
      output: {
        features: [
          {
            feature: 'auth-api',
            paused: true,
            waitsFor: 'It is paused (asked to, cli); tmops resume auth-api goes on. The lead works on 001-plan.md.',
          },
        ],
      },
    });
    expect(await ask('resume', { feature: 'auth-api' })).toMatchObject({ output: { features: [{ paused: false }] } });
    expect(happened()).toEqual(['run.paused', 'run.resumed']);
  });

  it('of the whole workspace: all that run, and one that cannot be reached keeps no other', async () => {
    const still = begin();
    put(still, { kind: 'initialise', identity });
    await given({ 'auth-api': working(), still, billing: working() }, ['torn']);
    expect(await ask('pause', {})).toMatchObject({
      output: {
        features: [
          { paused: true },
          { paused: true },
          { feature: 'torn', paused: false, waitsFor: expect.stringContaining('line 3') as string },
        ],
      },
    });
    expect([happened(), happened('still'), happened('billing')]).toEqual([['run.paused'], [], ['run.paused']]);
    await ask('resume', {});
    expect(happened('billing')).toEqual(['run.paused', 'run.resumed']);
  });

  it('of a feature that is not there or not started is refused', async () => {
    const still = begin();
    put(still, { kind: 'initialise', identity });
    await given({ still });
    expect(await ask('pause', { feature: 'nowhere' })).toMatchObject({ problem: { code: 'unknown-feature' } });
    expect(await ask('pause', { feature: 'still' })).toMatchObject({ problem: { code: 'not-running' } });
    expect(await ask('pause', {})).toEqual({ output: { features: [] } });
  });
});

describe('a gate', () => {
  it('is approved with a comment, and the next step begins', async () => {
    await given({ 'auth-api': atGate() });
    expect(await ask('approve', { feature: 'auth-api', comment: 'fine' })).toEqual({
      output: {
        feature: 'auth-api',
        step: 'plan',
        file: '001-plan.md',
        waitsFor: 'Prompt 4 is on its way to the worker.',
      },
    });
    expect(workspace.events('auth-api')[0]).toMatchObject({ kind: 'gate.approved', by: 'cli', comment: 'fine' });
  });

  it('is rejected with a comment, which is kept word by word for the role', async () => {
    const comment = 'Too "vague":\n\t- $(no) `steps`\r\n\u00e9\u{1F600}';
    await given({ 'auth-api': atGate() });
    expect(await ask('reject', { feature: 'auth-api', comment })).toMatchObject({
      output: { step: 'plan', waitsFor: '001-plan.md was sent back; the lead has to write it anew.' },
    });
    expect(run().prompts.at(-1)?.text).toContain(`What was said:\n\n${comment}\n`);
    expect(await ask('reject', { feature: 'auth-api' })).toMatchObject({
      problem: { code: 'nothing-to-reject', hint: 'tmops why auth-api' },
    });
  });

  it('that is not there is nothing to say yes to', async () => {
    await given({ 'auth-api': working() });
    expect(await ask('approve', { feature: 'auth-api' })).toMatchObject({ problem: { code: 'nothing-to-approve' } });
  });
});

describe('skip, retry and redo', () => {
  it('say which step it was about and which is the present one', async () => {
    await given({ 'auth-api': working() });
    expect(await ask('retry', { feature: 'auth-api' })).toMatchObject({ output: { step: 'plan', present: 'plan' } });
    expect(await ask('skip', { feature: 'auth-api', why: 'needless' })).toMatchObject({
      output: { step: 'plan', present: 'work' },
    });
    expect(await ask('redo', { feature: 'auth-api', why: 'after all' })).toMatchObject({
      output: { step: 'plan', present: 'plan' },
    });
    expect(workspace.events('auth-api')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'step.skipped', by: 'cli', why: 'needless' }),
        expect.objectContaining({ kind: 'step.reopened', by: 'cli', why: 'after all' }),
      ]),
    );
  });

  it.each([
    ['skip', { step: 'close' }, 'not-the-present-step', 'The present step is plan'],
    ['skip', { step: 'nope' }, 'unknown-step', 'Its steps: plan, work, close.'],
    ['redo', { step: 'work' }, 'step-not-done', 'tmops status auth-api shows where it is.'],
    ['redo', {}, 'step-not-done', 'tmops status auth-api'],
  ] as const)('%s %j is refused', async (key, input, code, hint) => {
    await given({ 'auth-api': working() });
    expect(await ask(key, { feature: 'auth-api', ...input })).toMatchObject({
      problem: { code, hint: expect.stringContaining(hint) as string },
    });
    expect(happened()).toEqual([]);
  });
});

describe('a message', () => {
  const send = (over: Partial<InputOf<'message'>> = {}, signal = never) =>
    ask('message', { feature: 'auth-api', text: 'Go on.', waitMs: 0, ...over }, signal);

  it('is queued for one role, or for all, each with an outcome', async () => {
    await given({ 'auth-api': working() });
    expect(await send({ role: 'lead' })).toMatchObject({
      output: {
        deliveries: [{ prompt: 4, role: 'lead', purpose: 'message', outcome: 'wanted', text: 'Go on. [tmops#4]' }],
      },
    });
    expect(await send()).toMatchObject({
      output: {
        deliveries: [
          { prompt: 5, role: 'lead' },
          { prompt: 6, role: 'worker' },
        ],
      },
    });
  });

  it('is waited for until it has an outcome', async () => {
    await given({ 'auth-api': working() });
    const sending = send({ role: 'worker', waitMs: 20_000 });
    const { loop } = workspace.live('auth-api');
    await until('it is wanted', () => loop.run().prompts.length === 4);
    await loop.submit({
      kind: 'delivery',
      prompt: 4,
      news: { kind: 'held', outcome: 'held_for_human', reason: 'a draft stands there' },
    });
    expect(await sending).toMatchObject({
      output: { deliveries: [{ outcome: 'held_for_human', reason: 'a draft stands there' }] },
    });
  });

  it('is no longer waited for when whoever asked goes; it stays in the queue', async () => {
    await given({ 'auth-api': working() });
    const caller = new AbortController();
    const sending = send({ role: 'worker', waitMs: 20_000 }, caller.signal);
    await until('it is wanted', () => run().prompts.length === 4);
    caller.abort();
    expect(await sending).toMatchObject({ output: { deliveries: [{ outcome: 'wanted' }] } });
    expect(run().prompts).toHaveLength(4);
  });

  it('that cannot be typed as it is becomes a file with its very bytes', async () => {
    const text = '# Do this\r\n\n\t- "a" $(b) `c`\n\u00e9\u{1F600}\uFEFF\n\n';
    await given({ 'auth-api': working() });
    await send({ role: 'lead', text });
    const { file } = run().prompts.at(-1) ?? {};
    expect(await readFile(join(workspace.live('auth-api').place.runDir, file ?? ''))).toEqual(Buffer.from(text));
  });

  it.each<[string, () => Story, string]>([
    ['that was not started', () => initialised(), 'not-running'],
    [
      'that is stopped',
      () => after(working(), (s) => put(s, { kind: 'stop', by: 'cli', why: 'asked to' })),
      'not-running',
    ],
    ['that is completed', () => completed(), 'completed'],
  ])('to a run %s is refused', async (_what, story, code) => {
    await given({ 'auth-api': story() });
    expect(await send()).toMatchObject({ problem: { code } });
    expect(await send({ role: 'lead' })).toMatchObject({ problem: { code } });
    expect(happened()).toEqual([]);
  });

  it('to a role that is not there is refused, and nobody gets it', async () => {
    await given({ 'auth-api': working() });
    expect(await send({ role: 'tester' })).toMatchObject({ problem: { code: 'unknown-role' } });
    expect(happened()).toEqual([]);
  });
});

describe('three doors at once', () => {
  const intended = { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } as const;

  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'no write begins while a human holds the pane or the run is paused (seed %d)',
    async (seed) => {
      await given({ 'auth-api': briefed() });
      const { loop } = workspace.live('auth-api');
      const random = seeded(seed);
      const act = (): Promise<unknown> =>
        random.pick([
          () => ask('take', { feature: 'auth-api', role: 'lead' }),
          () => ask('give', { feature: 'auth-api', role: 'lead' }),
          () => ask('pause', { feature: 'auth-api' }),
          () => ask('resume', { feature: 'auth-api' }),
          () => loop.submit({ kind: 'delivery', prompt: 3, news: intended }),
          () => loop.submit({ kind: 'delivery', prompt: 3, news: { kind: 'entered', times: 1, busy: false } }),
          () => loop.submit({ kind: 'human-seen', role: 'lead', sign: 'draft', stays: false, why: 'a draft' }),
        ])();
      for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 5 }, act));
      const events = workspace.events('auth-api');
      let [isHeld, isPaused] = [false, false];
      for (const { kind } of events) {
        if (kind === 'pane.taken' || kind === 'pane.given') isHeld = kind === 'pane.taken';
        if (kind === 'run.paused' || kind === 'run.resumed') isPaused = kind === 'run.paused';
        if (kind === 'prompt.intended' || kind === 'prompt.entered') expect([isHeld, isPaused]).toEqual([false, false]);
      }
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1 + briefed().run.seq));
      expect([holderOf(run(), 'lead').kind === 'human', run().paused !== null]).toEqual([isHeld, isPaused]);
      expect(new Set(events.map(({ kind }) => kind)).size).toBeGreaterThan(3);
    },
  );

  it('approve against reject: the first one counts, and the other one hears of it', async () => {
    await given({ 'auth-api': atGate() });
    const both = await Promise.all([
      ask('reject', { feature: 'auth-api', comment: 'no' }),
      ask('approve', { feature: 'auth-api' }),
    ]);
    expect(both).toMatchObject([{ output: { step: 'plan' } }, { problem: { code: 'nothing-to-approve' } }]);
  });
});

function after(story: Story, act: (story: Story) => unknown): Story {
  act(story);
  return story;
}
const initialised = (): Story => after(begin(), (story) => put(story, { kind: 'initialise', identity }));
function completed(): Story {
  return after(working(), (story) => {
    for (const file of ['001-plan.md', '002-work.md', '003-close.md']) checkpoint(story, file);
  });
}
