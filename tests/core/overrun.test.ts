import { describe, expect, it } from 'vitest';
import { decide } from '../../src/core/decide.ts';
import { dueAt } from '../../src/core/due.ts';
import { outstanding, react } from '../../src/core/react.ts';
import type { Request } from '../../src/core/request.ts';
import { workflowSchema, type Workflow } from '../../src/core/workflow.ts';
import {
  checkpoint,
  deliver,
  kinds,
  news,
  put,
  remindedOfSilence,
  settings,
  small,
  started,
  type Story,
} from '../rig/run.ts';

const LIMIT_MS = 600_000;

/** The first step was taken; its turn goes on. */
function working(workflow: Workflow = small, phaseLimitMs: number | null = LIMIT_MS): Story {
  const story = started(workflow, { phaseLimitMs, silentAfterMs: Infinity });
  put(story, { kind: 'surveyed' });
  for (const id of [1, 2]) deliver(story, id);
  deliver(story, 3, { turn: 'open' });
  return story;
}
const beganAt = ({ run }: Story): number => (run.life.kind === 'running' ? (run.life.stepBeganAt ?? 0) : 0);
const pass = (story: Story, ms: number) => {
  story.at = beganAt(story) + ms;
  return put(story, { kind: 'time-passed' });
};
const refusal = (story: Story, request: Request) => {
  const decision = decide(story.run, request, story.at);
  return decision.ok ? null : decision.refusal.reason;
};
const INTERRUPTING = { kind: 'interrupting', step: 'plan', role: 'lead' } as const;
const limited = (limit: string): Workflow =>
  workflowSchema.parse({
    ...small,
    steps: small.steps.map((step) => (step.id === 'plan' ? { ...step, limit } : step)),
  });

describe('Scenario: Resource exhaustion: a step that takes too long', () => {
  it('is due at its limit, and its turn is to be interrupted', () => {
    const story = working();
    expect(dueAt(story.run)).toBe(beganAt(story) + LIMIT_MS);
    expect(pass(story, LIMIT_MS - 2000)).toEqual([]);
    const facts = pass(story, LIMIT_MS);
    expect(facts).toEqual([{ kind: 'step.overran', step: 'plan', role: 'lead', limitMs: LIMIT_MS, interrupt: true }]);
    const order = { do: 'interrupt', step: 'plan', role: 'lead' };
    expect(story.events.at(-1) && react(story.run, story.events.at(-1) as never)).toEqual([order]);
    expect(outstanding(story.run)).toContainEqual(order);
    expect(dueAt(story.run)).toBe(Infinity);
  });

  it.each<[string, Workflow, number | null, number]>([
    ['none by default', small, null, Infinity],
    ['of the configuration', small, LIMIT_MS, LIMIT_MS],
    ['of the workflow’s step first', limited('90s'), LIMIT_MS, 90_000],
    ['of the workflow’s step alone', limited('2h'), null, 7_200_000],
    ['taken back by the workflow’s step', limited('never'), LIMIT_MS, Infinity],
  ])('the limit: %s', (_what, workflow, phaseLimitMs, expected) => {
    const story = working(workflow, phaseLimitMs);
    expect(dueAt(story.run) - beganAt(story)).toBe(expected);
  });

  it('asks nothing more of its role once it was interrupted, until a human has had a say', () => {
    const story = working();
    pass(story, LIMIT_MS);
    expect(kinds(put(story, INTERRUPTING))).toEqual(['interrupt.pressed']);
    put(story, { kind: 'agent-interrupted', role: 'lead' });
    expect(story.run.overrun?.interrupt.kind).toBe('ended');
    expect(outstanding(story.run).map((each) => each.do)).not.toContain('interrupt');
    story.at += 3_600_000;
    expect(put(story, { kind: 'time-passed' })).toEqual([]);
    put(story, {
      kind: 'agent-exited',
      role: 'lead',
      generation: 1,
      exit: { kind: 'signal', signal: 'SIGKILL' },
      spareId: 'x',
    });
    expect(story.run.prompts).toHaveLength(3);
  });

  it('is asked for again by retry, with its whole limit', () => {
    const story = working();
    pass(story, LIMIT_MS);
    put(story, { kind: 'agent-interrupted', role: 'lead' });
    const facts = put(story, { kind: 'retry', by: 'cli', spareIds: {} });
    expect(kinds(facts)).toEqual(['step.retried', 'step.began', 'prompt.wanted']);
    expect(story.run.overrun).toBeNull();
    deliver(story, 4, { turn: 'open' });
    expect(dueAt(story.run)).toBe(beganAt(story) + LIMIT_MS);
  });

  it('is done by its checkpoint all the same', () => {
    const story = working();
    pass(story, LIMIT_MS);
    expect(kinds(checkpoint(story, '001-plan.md'))).toContain('step.completed');
    expect(story.run.overrun).toBeNull();
  });

  it.each<[string, (story: Story) => void]>([
    ['a human holds the pane', (s) => put(s, { kind: 'take', roles: ['lead'], by: 'cli' })],
    [
      'the agent asks something',
      (s) =>
        put(s, { kind: 'agent-asking', role: 'lead', dialog: { name: 'question', text: '?', choices: [], hint: '' } }),
    ],
    [
      'its account is at a limit',
      (s) => news(s, 'lead', { kind: 'turn-failed', error: 'rate_limit', last: '', limitUntilMs: s.at + 9e6 }),
    ],
    ['its checkpoint is there', (s) => checkpoint(s, '001-plan.md')],
  ])('does not count while %s', (_what, act) => {
    const story = working();
    act(story);
    story.at = beganAt(story) + 2 * LIMIT_MS;
    expect(kinds(put(story, { kind: 'time-passed' }))).not.toContain('step.overran');
  });

  it('presses no key in a pane that a human holds, nor for another turn', () => {
    const story = working();
    expect(refusal(story, INTERRUPTING)).toBe('not-to-interrupt');
    pass(story, LIMIT_MS);
    put(story, { kind: 'take', roles: ['lead'], by: 'cli' });
    expect(refusal(story, INTERRUPTING)).toBe('held');
    put(story, { kind: 'interrupt-failed', step: 'plan', role: 'lead', why: 'a human holds the pane' });
    expect(story.run.overrun?.interrupt).toEqual({ kind: 'failed', why: 'a human holds the pane' });
    put(story, { kind: 'give', roles: ['lead'], by: 'cli', spareIds: {} });
    expect(story.run.overrun).toBeNull();
  });

  it('between two turns there is nothing to interrupt', () => {
    const story = working();
    news(story, 'lead', { kind: 'turn-ended', last: '', background: 0 });
    story.at = beganAt(story) + LIMIT_MS;
    expect(put(story, { kind: 'time-passed' })[0]).toMatchObject({ kind: 'step.overran', interrupt: false });
    expect(outstanding(story.run).map((each) => each.do)).not.toContain('interrupt');
  });

  it('a limit that is none is refused with the workflow', () => {
    expect(() => limited('soon')).toThrow(/a duration such as 30s/);
    expect(() => limited('10ms')).toThrow(/at least 1s/);
  });
});

describe('Scenario: Resource exhaustion: an agent that says nothing any more', () => {
  const silent = (): Story => {
    const story = started();
    put(story, { kind: 'surveyed' });
    for (const id of [1, 2]) deliver(story, id);
    deliver(story, 3, { turn: 'open' });
    return story;
  };
  const signAt = ({ run }: Story): number => run.agents['lead']?.signAt ?? 0;

  it('is reminded in the words of the workflow, once in a turn', () => {
    const story = silent();
    expect(dueAt(story.run)).toBe(signAt(story) + settings.silentAfterMs);
    remindedOfSilence(story);
    expect(story.run.prompts[3]).toMatchObject({
      role: 'lead',
      line: '[CONTINUE]: 001-plan.md is missing',
      purpose: { kind: 'reminder', step: 'plan' },
      stage: { kind: 'taken', queued: true },
    });
    expect(dueAt(story.run)).toBe(Infinity);
    story.at += 2 * settings.silentAfterMs;
    expect(put(story, { kind: 'time-passed' })).toEqual([]);
  });

  it('counts from its last sign of life', () => {
    const story = silent();
    story.at += settings.silentAfterMs / 2;
    news(story, 'lead', { kind: 'tool-started', tool: 'Bash' });
    expect(dueAt(story.run)).toBe(story.at + settings.silentAfterMs);
  });

  it.each<[string, (story: Story) => void]>([
    ['a human holds the pane', (s) => put(s, { kind: 'take', roles: ['lead'], by: 'cli' })],
    ['the run is paused', (s) => put(s, { kind: 'pause', by: 'cli', why: 'x' })],
    ['its checkpoint is there', (s) => checkpoint(s, '001-plan.md')],
  ])('is not reminded while %s', (_what, act) => {
    const story = silent();
    act(story);
    const asked = story.run.prompts.filter(({ purpose }) => purpose.kind === 'reminder').length;
    story.at += 2 * settings.silentAfterMs;
    put(story, { kind: 'time-passed' });
    expect(story.run.prompts.filter(({ purpose }) => purpose.kind === 'reminder')).toHaveLength(asked);
  });
});
