import { describe, expect, it } from 'vitest';
import { decide } from '../../src/core/decide.ts';
import type { DeliveryNews } from '../../src/core/request.ts';
import { presentStep } from '../../src/core/run.ts';
import { workflowSchema } from '../../src/core/workflow.ts';
import {
  begin,
  briefed,
  checkpoint,
  deliver,
  identity,
  kinds,
  news,
  put,
  settings,
  small,
  spareIds,
  started,
  T0,
} from '../rig/run.ts';

const prompts = (story: ReturnType<typeof begin>) => story.run.prompts.map((each) => `${each.role}: ${each.line}`);
const step = (story: ReturnType<typeof begin>) => presentStep(story.run)?.step.id ?? null;

describe('a run from start to end', () => {
  it('does nothing before the checkpoints on disk were looked at', () => {
    const story = started();
    expect(prompts(story)).toEqual([]);
    expect(kinds(put(story, { kind: 'surveyed' }))).toEqual(['run.surveyed', 'prompt.wanted', 'prompt.wanted']);
  });

  it('briefs every role, then begins the first step only when its role has digested its instructions', () => {
    const story = started();
    put(story, { kind: 'surveyed' });
    expect(prompts(story)).toEqual([
      'lead: Read .tmops/auth-api/current/roles/lead.md and follow it.',
      'worker: Read .tmops/auth-api/current/roles/worker.md and follow it.',
    ]);
    deliver(story, 1, { turn: 'open' });
    expect(story.run.prompts).toHaveLength(2);
    expect(kinds(news(story, 'lead', { kind: 'turn-ended', last: '', background: 0 }))).toEqual([
      'agent.turn-ended',
      'step.began',
      'prompt.wanted',
    ]);
    expect(prompts(story)[2]).toBe('lead: [BEGIN]: Plan auth-api');
  });

  it('goes round the star by checkpoints alone', () => {
    const story = briefed();
    deliver(story, 3);
    expect(kinds(checkpoint(story, '001-plan.md'))).toEqual([
      'checkpoint.seen',
      'step.completed',
      'step.began',
      'prompt.wanted',
    ]);
    deliver(story, 4);
    checkpoint(story, '002-work.md');
    expect(prompts(story)[4]).toBe('lead: [CONFIRMED]: Worker has completed');
    deliver(story, 5);
    expect(kinds(checkpoint(story, '003-close.md'))).toEqual(['checkpoint.seen', 'step.completed', 'run.completed']);
    expect(story.run.life.kind).toBe('completed');
  });

  it('types no instructions when they are in the system prompt', () => {
    const story = started(small, { instructions: 'system_prompt' });
    put(story, { kind: 'surveyed' });
    expect(prompts(story)).toEqual(['lead: [BEGIN]: Plan auth-api']);
  });
});

describe('checkpoints', () => {
  const rows: [string, (story: ReturnType<typeof begin>) => void, string | null][] = [
    ['of the present step end it', (s) => checkpoint(s, '001-plan.md'), 'work'],
    ['older than the run do not count', (s) => checkpoint(s, '001-plan.md', { mtimeMs: T0 - 60_000 }), 'plan'],
    ['of a later step do not end the present one', (s) => checkpoint(s, '002-work.md'), 'plan'],
    ['asking for a human hold the step', (s) => checkpoint(s, '001-plan.md', { gate: 'human' }), 'plan'],
    [
      'approved by an edit go on',
      (s) => [checkpoint(s, '001-plan.md', { gate: 'human' }), checkpoint(s, '001-plan.md')],
      'work',
    ],
    [
      'refused leave the step open',
      (s) =>
        put(s, {
          kind: 'checkpoint-refused',
          fault: { file: '001-plan.md', line: 3, found: 'x', expected: 'y' },
          sha256: null,
        }),
      'plan',
    ],
  ];
  it.each(rows)('%s', (_what, act, expected) => {
    const story = briefed();
    act(story);
    expect(step(story)).toBe(expected);
  });

  it('written ahead count only when they are written again', () => {
    const story = briefed();
    checkpoint(story, '002-work.md');
    checkpoint(story, '001-plan.md');
    expect(step(story)).toBe('work');
    checkpoint(story, '002-work.md');
    expect(step(story)).toBe('close');
  });

  it('found at the start end their steps without a prompt', () => {
    const story = started();
    checkpoint(story, '001-plan.md', { mtimeMs: story.at + 50 });
    checkpoint(story, '002-work.md', { mtimeMs: story.at + 20 });
    put(story, { kind: 'surveyed' });
    expect(step(story)).toBe('close');
    expect(prompts(story).filter((line) => line.includes('[BEGIN]'))).toEqual([]);
  });

  it('corrected after a fault clear the fault', () => {
    const story = briefed();
    put(story, {
      kind: 'checkpoint-refused',
      fault: { file: '001-plan.md', line: 3, found: 'x', expected: 'y' },
      sha256: null,
    });
    checkpoint(story, '001-plan.md');
    expect(story.run.faults).toEqual({});
    expect(step(story)).toBe('work');
  });

  it('seen twice are no news', () => {
    const story = briefed();
    checkpoint(story, '002-work.md', { sha256: 'a', mtimeMs: story.at });
    const { mtimeMs = 0 } = story.run.seen['002-work.md'] ?? {};
    expect(checkpoint(story, '002-work.md', { sha256: 'a', mtimeMs })).toEqual([]);
  });
});

describe('agents', () => {
  it('that crash are resumed with their conversation, and reminded of the open step, not restarted', () => {
    const story = briefed();
    deliver(story, 3, { turn: 'open' });
    const facts = put(story, {
      kind: 'agent-exited',
      role: 'lead',
      generation: 1,
      exit: { kind: 'signal', signal: 'KILL' },
      spareId: 'new',
    });
    expect(facts).toMatchObject([
      { kind: 'agent.exited', deliberate: false },
      { kind: 'agent.launched', resume: true, sessionId: 'id-lead-0', generation: 2 },
      { kind: 'step.began' },
      {
        kind: 'prompt.wanted',
        purpose: { kind: 'reminder', step: 'plan' },
        line: '[CONTINUE]: 001-plan.md is missing',
      },
    ]);
  });

  it('that crash before they took anything begin a new conversation', () => {
    const story = started();
    const facts = put(story, {
      kind: 'agent-exited',
      role: 'worker',
      generation: 1,
      exit: { kind: 'code', code: 1 },
      spareId: 'new',
    });
    expect(facts.at(-1)).toMatchObject({ kind: 'agent.launched', resume: false, sessionId: 'new' });
  });

  it('that are ended on purpose stay ended until the next start', () => {
    const story = briefed();
    expect(
      kinds(
        put(story, {
          kind: 'agent-exited',
          role: 'worker',
          generation: 1,
          exit: { kind: 'code', code: 0 },
          spareId: 'n',
        }),
      ),
    ).toEqual(['agent.exited', 'pane.taken']);
    const again = put(story, { kind: 'start', by: 'cli', workflow: small, settings, spareIds: spareIds(small) });
    expect(again.slice(0, 2)).toMatchObject([
      { kind: 'run.started' },
      { kind: 'agent.launched', role: 'worker', resume: true },
    ]);
  });

  it('that crash again and again are left to a human', () => {
    const story = briefed();
    const crash = (generation: number) =>
      put(story, { kind: 'agent-exited', role: 'worker', generation, exit: { kind: 'code', code: 1 }, spareId: 'n' });
    for (const generation of [1, 2, 3]) expect(kinds(crash(generation))).toContain('agent.launched');
    expect(kinds(crash(4))).toEqual(['agent.exited', 'agent.failed']);
    // Who asks again has looked at why: it may end as often once more.
    expect(kinds(put(story, { kind: 'retry', by: 'cli', spareIds: { worker: 'n' } }))).toContain('agent.launched');
    for (const generation of [5, 6, 7]) expect(kinds(crash(generation))).toContain('agent.launched');
    expect(kinds(crash(8))).toEqual(['agent.exited', 'agent.failed']);
  });

  it('that end with their session have not crashed', () => {
    const story = briefed();
    const { generation = 0 } = story.run.agents['worker'] ?? {};
    put(story, { kind: 'agent-exited', role: 'worker', generation, exit: { kind: 'unknown' }, spareId: 'n' });
    expect(story.run.agents['worker']?.crashes).toHaveLength(1);
    put(story, { kind: 'session-lost', why: 'the server is gone', spareIds: {} });
    expect(story.run.agents['worker']?.crashes).toEqual([]);
  });

  it('whose session begins while they ask something are idle once that is answered', () => {
    const story = started();
    put(story, { kind: 'agent-exited', role: 'worker', generation: 1, exit: { kind: 'unknown' }, spareId: 'n' });
    const dialog = { name: 'trust', text: '', choices: [], hint: '' };
    put(story, { kind: 'agent-asking', role: 'worker', dialog });
    expect(story.run.agents['worker']?.state).toMatchObject({ kind: 'asking', before: 'starting' });
    news(story, 'worker', { kind: 'session-started', sessionId: 'n', source: 'startup' });
    put(story, { kind: 'agent-answered', role: 'worker' });
    expect(story.run.agents['worker']?.state).toMatchObject({ kind: 'idle' });
  });

  it('report prompts of a human as turns of their own', () => {
    const story = briefed();
    expect(news(story, 'worker', { kind: 'prompt-taken', text: 'what do you think?' })).toMatchObject([
      { kind: 'agent.turn-began', prompt: null },
      { kind: 'pane.taken', role: 'worker', how: 'use' },
    ]);
  });

  it('whose conversation was lost are briefed and asked again', () => {
    const story = briefed();
    deliver(story, 3);
    put(story, { kind: 'conversation-lost', role: 'lead' });
    expect(prompts(story).at(-1)).toBe(prompts(story)[0]);
    deliver(story, 4);
    expect(prompts(story).at(-1)).toBe('lead: [BEGIN]: Plan auth-api');
  });

  it('take evidence that arrives a little out of order, once', () => {
    const story = briefed();
    const piece = (id: string) =>
      ({
        kind: 'agent-news',
        role: 'worker',
        evidence: { id, atMs: 1, news: { kind: 'prompt-taken', text: 'hi' } },
      }) as const;
    put(story, { kind: 'take', roles: ['worker'], by: 'cli' });
    story.at += 1000;
    expect(kinds(put(story, piece('9000000000000000002-1')))).toEqual(['agent.turn-began', 'pane.used']);
    expect(kinds(put(story, piece('9000000000000000001-1')))).toEqual(['agent.turn-began', 'pane.used']);
    expect(put(story, piece('9000000000000000001-1'))).toHaveLength(0);
  });
});

describe('prompts', () => {
  it('are taken only on evidence with their own marker, after they were typed', () => {
    const story = briefed();
    expect(kinds(news(story, 'lead', { kind: 'prompt-taken', text: '[BEGIN]: Plan auth-api [tmops#3]' }))).toEqual([
      'agent.turn-began',
      'pane.taken',
    ]);
    put(story, { kind: 'give', roles: ['lead'], by: 'cli', spareIds: {} });
    put(story, { kind: 'delivery', prompt: 3, news: { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } });
    expect(kinds(news(story, 'lead', { kind: 'prompt-taken', text: 'something [tmops#33]' }))).toEqual([
      'agent.turn-began',
      'pane.taken',
    ]);
    expect(kinds(news(story, 'lead', { kind: 'prompt-taken', text: '[BEGIN]: Plan auth-api [tmops#3]' }))).toEqual([
      'prompt.taken',
    ]);
  });

  describe('count as queued', () => {
    /** Prompt 3 of the lead is typed, and Enter pressed once for each of `busy`: whether the agent said that it worked. */
    const entered = (busy: readonly (boolean | null)[]) => {
      const story = briefed();
      put(story, { kind: 'delivery', prompt: 3, news: { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } });
      put(story, { kind: 'delivery', prompt: 3, news: { kind: 'typed' } });
      for (const [index, each] of busy.entries())
        put(story, { kind: 'delivery', prompt: 3, news: { kind: 'entered', times: index + 1, busy: each } });
      return story;
    };
    const take = (story: ReturnType<typeof begin>) =>
      news(story, 'lead', { kind: 'prompt-taken', text: '[BEGIN]: Plan auth-api [tmops#3]' })[0];
    const dialog = { name: 'limit', text: '', choices: [], hint: '' };

    it('when the agent worked, also while it asks something in the middle of its turn', () => {
      const story = entered([null]);
      news(story, 'lead', { kind: 'prompt-taken', text: 'of a human' });
      put(story, { kind: 'agent-asking', role: 'lead', dialog });
      expect(take(story)).toMatchObject({ kind: 'prompt.taken', queued: true });
    });

    it('not when it asks something between two turns', () => {
      const story = entered([null]);
      put(story, { kind: 'agent-asking', role: 'lead', dialog });
      expect(take(story)).toMatchObject({ kind: 'prompt.taken', queued: false });
    });

    it('when it said so as Enter was pressed: what waited in its queue is begun without a report', () => {
      const story = entered([true]);
      expect(take(story)).toMatchObject({ kind: 'prompt.taken', queued: true });
      expect(story.run.agents['lead']?.state).toMatchObject({ kind: 'busy', prompt: null });
    });

    it('not when it said that it is idle: an interrupted turn has no reported end', () => {
      const story = entered([false]);
      news(story, 'lead', { kind: 'prompt-taken', text: 'of a human' });
      expect(take(story)).toMatchObject({ kind: 'prompt.taken', queued: false });
      expect(story.run.agents['lead']?.state).toMatchObject({ kind: 'busy', prompt: 3 });
    });

    it('by the reports when it said both: one of the Enters did nothing, and nobody knows which', () => {
      expect(take(entered([false, true]))).toMatchObject({ queued: false });
      const story = entered([true, false]);
      news(story, 'lead', { kind: 'prompt-taken', text: 'of a human' });
      expect(take(story)).toMatchObject({ queued: true });
    });
  });

  it('in doubt are settled by a human; others are not', () => {
    const story = briefed();
    const refused = decide(story.run, { kind: 'settle-prompt', prompt: 3, as: 'resend', by: 'cli' }, story.at);
    expect(refused).toMatchObject({ ok: false, refusal: { reason: 'prompt-not-in-doubt', allowed: [] } });
    put(story, { kind: 'delivery', prompt: 3, news: { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } });
    put(story, { kind: 'delivery', prompt: 3, news: { kind: 'stuck', outcome: 'indeterminate', reason: 'r' } });
    put(story, { kind: 'settle-prompt', prompt: 3, as: 'delivered', by: 'cli' });
    expect(story.run.prompts[2]?.stage.kind).toBe('delivered-by-hand');
  });

  it('asked for again after they were typed are taken when their text turns up, and not typed behind it', () => {
    const story = briefed();
    put(story, { kind: 'delivery', prompt: 3, news: { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } });
    put(story, { kind: 'delivery', prompt: 3, news: { kind: 'stuck', outcome: 'typed_not_submitted', reason: 'r' } });
    put(story, { kind: 'settle-prompt', prompt: 3, as: 'resend', by: 'cli' });
    expect(story.run.prompts[2]).toMatchObject({ stage: { kind: 'wanted' }, attempts: 1 });
    const taken = news(story, 'lead', { kind: 'prompt-taken', text: '[BEGIN]: Plan auth-api [tmops#3]' });
    expect(kinds(taken)).toEqual(['prompt.taken']);
  });

  it('that went elsewhere since they were looked at follow no old news', () => {
    const tell = (story: ReturnType<typeof begin>, told: DeliveryNews) =>
      kinds(put(story, { kind: 'delivery', prompt: 3, news: told }));
    const story = briefed();
    const intended: DeliveryNews = { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' };
    const entered: DeliveryNews = { kind: 'entered', times: 1, busy: null };
    const stuck: DeliveryNews = { kind: 'stuck', outcome: 'indeterminate', reason: 'r' };
    for (const early of [{ kind: 'typed' }, entered, stuck, { kind: 'reopened', why: 'w' }] as const)
      expect(tell(story, early)).toEqual([]);
    expect(tell(story, intended)).toEqual(['prompt.intended']);
    expect(tell(story, intended)).toEqual([]);
    expect(tell(story, entered)).toEqual([]);
    expect(tell(story, stuck)).toEqual(['prompt.stuck']);
    put(story, { kind: 'settle-prompt', prompt: 3, as: 'delivered', by: 'cli' });
    for (const late of [intended, { kind: 'typed' }, entered, stuck] as const) expect(tell(story, late)).toEqual([]);
  });

  it('held for the same reason twice are no news', () => {
    const story = briefed();
    const hold = () =>
      put(story, { kind: 'delivery', prompt: 3, news: { kind: 'held', outcome: 'held_for_human', reason: 'a draft' } });
    expect([hold().length, hold().length]).toEqual([1, 0]);
  });
});

describe('stop and start', () => {
  it('goes on in the open step with a reminder in the same conversation', () => {
    const story = briefed();
    deliver(story, 3);
    put(story, { kind: 'stop', by: 'cli', why: 'asked to' });
    expect(Object.values(story.run.agents).map((agent) => agent.state.kind)).toEqual(['gone', 'gone']);
    put(story, { kind: 'start', by: 'cli', workflow: small, settings, spareIds: spareIds(small) });
    put(story, { kind: 'surveyed' });
    expect(prompts(story).at(-1)).toBe('lead: [CONTINUE]: 001-plan.md is missing');
    expect(prompts(story).filter((line) => line.includes('Read '))).toHaveLength(2);
  });

  it('with other agents begins new conversations, briefs them and asks for the step itself', () => {
    const story = briefed();
    deliver(story, 3);
    put(story, { kind: 'stop', by: 'cli', why: 'asked to' });
    put(story, {
      kind: 'start',
      by: 'cli',
      workflow: small,
      settings: { ...settings, provider: 'claude_code' },
      spareIds: { lead: 'a', worker: 'b' },
    });
    put(story, { kind: 'surveyed' });
    expect(prompts(story).slice(3)).toEqual(prompts(story).slice(0, 2));
    deliver(story, 4);
    expect(prompts(story).at(-1)).toBe('lead: [BEGIN]: Plan auth-api');
  });

  it('is refused when the run is not initialised or already completed', () => {
    const start = { kind: 'start', by: 'cli', workflow: small, settings, spareIds: {} } as const;
    expect(decide(begin().run, start, T0)).toMatchObject({ ok: false, refusal: { reason: 'not-initialised' } });
    const story = started();
    for (const file of ['001-plan.md', '002-work.md', '003-close.md']) checkpoint(story, file);
    put(story, { kind: 'surveyed' });
    expect(decide(story.run, start, story.at)).toMatchObject({ ok: false, refusal: { reason: 'completed' } });
  });

  it('of a completed run ends its agents and leaves it completed', () => {
    const story = started();
    for (const file of ['001-plan.md', '002-work.md', '003-close.md']) checkpoint(story, file);
    put(story, { kind: 'surveyed' });
    expect(kinds(put(story, { kind: 'stop', by: 'cli', why: 'asked to' }))).toEqual(['session.lost']);
    expect(story.run.life.kind).toBe('completed');
    expect(Object.values(story.run.agents).map(({ pane, state }) => [pane, state.kind])).toEqual([
      [null, 'gone'],
      [null, 'gone'],
    ]);
    expect(put(story, { kind: 'stop', by: 'cli', why: 'asked to' })).toEqual([]);
  });

  it('initialising twice is no news', () => {
    const story = begin();
    put(story, { kind: 'initialise', identity });
    expect(put(story, { kind: 'initialise', identity })).toEqual([]);
  });
});

describe('steps with a module', () => {
  const workflow = workflowSchema.parse({
    ...small,
    steps: [small.steps[0], { id: 'gate', module: 'lint' }, ...small.steps.slice(1)],
  });

  it('are executed between agents, and hold the run when they fail until it is started again', () => {
    const story = briefed(workflow);
    deliver(story, 3);
    expect(kinds(checkpoint(story, '001-plan.md'))).toEqual(['checkpoint.seen', 'step.completed', 'step.began']);
    put(story, { kind: 'module-failed', step: 'gate', stage: 'execute', why: 'lint', rolledBack: true });
    expect(step(story)).toBe('gate');
    put(story, { kind: 'start', by: 'cli', workflow, settings, spareIds: spareIds(workflow) });
    expect(kinds(put(story, { kind: 'surveyed' }))).toEqual(['run.surveyed', 'step.began']);
    expect(kinds(put(story, { kind: 'module-done', step: 'gate' }))).toEqual([
      'step.completed',
      'step.began',
      'prompt.wanted',
    ]);
  });
});

it('a prompt in doubt stays so while a human holds the pane, and may be settled then', () => {
  const story = briefed();
  const told = (what: DeliveryNews) => kinds(put(story, { kind: 'delivery', prompt: 3, news: what }));
  told({ kind: 'intended', pane: '%0', generation: 1, sha256: 'x' });
  told({ kind: 'typed' });
  told({ kind: 'stuck', outcome: 'typed_not_submitted', reason: 'something was added' });
  put(story, { kind: 'take', roles: ['lead'], by: 'cli' });
  expect(told({ kind: 'held', outcome: 'held_for_human', reason: 'a human took the pane' })).toEqual([]);
  expect(kinds(put(story, { kind: 'settle-prompt', prompt: 3, as: 'resend', by: 'cli' }))).toEqual(['prompt.settled']);
  expect(told({ kind: 'held', outcome: 'held_for_human', reason: 'a human took the pane' })).toEqual(['prompt.held']);
  put(story, { kind: 'give', roles: [], by: 'cli', spareIds: {} });
  expect(told({ kind: 'held', outcome: 'agent_dead', reason: 'it ended' })).toEqual(['prompt.held']);
});
