import { describe, expect, it } from 'vitest';
import { REMIND_AFTER_MS } from '../../src/core/advance.ts';
import { decide } from '../../src/core/decide.ts';
import { dueAt, HAND_BACK_NOTICE_MS } from '../../src/core/due.ts';
import type { Settings } from '../../src/core/event.ts';
import type { Request } from '../../src/core/request.ts';
import { holderOf, openPrompts, presentStep } from '../../src/core/run.ts';
import { workflowSchema, type Workflow } from '../../src/core/workflow.ts';
import {
  briefed,
  checkpoint,
  deliver,
  kinds,
  news,
  put,
  settings,
  small,
  spareIds,
  started,
  type Story,
} from '../rig/run.ts';

const step = (story: Story) => presentStep(story.run)?.step.id ?? null;
const refusal = (story: Story, request: Request) => {
  const decision = decide(story.run, request, story.at + 1);
  return decision.ok ? null : decision.refusal.reason;
};
const take = (story: Story, ...roles: string[]) => put(story, { kind: 'take', roles, by: 'cli' });
const give = (story: Story, ...roles: string[]) =>
  put(story, { kind: 'give', roles, by: 'cli', spareIds: spareIds(small) });
/** Lets time go by, and says so when something is due. */
function pass(story: Story, ms: number) {
  story.at += ms;
  return put(story, { kind: 'time-passed' });
}
/** The first step asked for and its turn ended, without a checkpoint. */
function asked(workflow: Workflow = small): Story {
  const story = briefed(workflow);
  deliver(story, 3);
  return story;
}

describe('a pane that a human holds', () => {
  it('is taken by command, all of them without a role, and twice is no news', () => {
    const story = briefed();
    expect(kinds(take(story, 'worker'))).toEqual(['pane.taken']);
    expect(take(story, 'worker')).toEqual([]);
    expect(take(story)).toMatchObject([{ kind: 'pane.taken', role: 'lead' }]);
    expect(refusal(story, { kind: 'take', roles: ['nobody'], by: 'cli' })).toBe('unknown-role');
  });

  it('gets no byte and no Enter: a write is refused where it would begin', () => {
    const story = briefed();
    take(story, 'lead');
    const intended = { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } as const;
    expect(refusal(story, { kind: 'delivery', prompt: 3, news: intended })).toBe('held');
    give(story, 'lead');
    put(story, { kind: 'delivery', prompt: 3, news: intended });
    put(story, { kind: 'delivery', prompt: 3, news: { kind: 'typed' } });
    take(story, 'lead');
    expect(refusal(story, { kind: 'delivery', prompt: 3, news: { kind: 'entered', times: 1, busy: null } })).toBe(
      'held',
    );
    expect(
      kinds(
        put(story, { kind: 'delivery', prompt: 3, news: { kind: 'held', outcome: 'held_for_human', reason: 'r' } }),
      ),
    ).toEqual(['prompt.held']);
  });

  it('lets hand-offs wait in order, and goes on when it is given back', () => {
    const story = asked();
    take(story, 'worker');
    checkpoint(story, '001-plan.md');
    expect(step(story)).toBe('work');
    expect(openPrompts(story.run, 'worker').map((each) => each.line)).toEqual(['[BEGIN]: Work']);
    const [waiting] = openPrompts(story.run, 'worker');
    const news = { kind: 'held', outcome: 'held_for_human', reason: 'cli took the pane' } as const;
    put(story, { kind: 'delivery', prompt: waiting?.id ?? 0, news });
    expect(openPrompts(story.run, 'worker')).toMatchObject([{ trouble: { reason: 'cli took the pane' } }]);
    expect(kinds(give(story, 'worker'))).toEqual(['pane.given', 'step.began']);
    // Nobody holds it any more: what the prompt waited for is over.
    expect(openPrompts(story.run, 'worker')).toMatchObject([{ trouble: null }]);
  });

  it('withdraws a prompt whose work the human has done meanwhile', () => {
    const story = asked();
    take(story, 'worker');
    checkpoint(story, '001-plan.md');
    expect(kinds(checkpoint(story, '002-work.md')).slice(0, 3)).toEqual([
      'checkpoint.seen',
      'step.completed',
      'prompt.withdrawn',
    ]);
    expect(openPrompts(story.run, 'worker')).toEqual([]);
    expect(step(story)).toBe('close');
  });

  it('is reminded, not asked anew, when its step is still open at the hand-back', () => {
    const story = asked();
    take(story, 'lead');
    const facts = give(story, 'lead');
    expect(kinds(facts)).toEqual(['pane.given', 'step.began', 'prompt.wanted']);
    expect(facts[2]).toMatchObject({ purpose: { kind: 'reminder', step: 'plan' } });
  });

  it('is left alone at the hand-back while its agent is at work on what the human asked', () => {
    const story = asked();
    news(story, 'lead', { kind: 'prompt-taken', text: 'and what about this?' });
    expect(kinds(give(story, 'lead'))).toEqual(['pane.given']);
    expect(kinds(news(story, 'lead', { kind: 'turn-ended', last: '', background: 0 }))).toContain('prompt.wanted');
  });

  const signs: [string, (story: Story) => unknown, string][] = [
    ['a prompt of theirs', (s) => news(s, 'lead', { kind: 'prompt-taken', text: 'hello' }), 'use'],
    ['a draft', (s) => put(s, { kind: 'human-seen', role: 'lead', sign: 'draft', stays: true, why: 'a draft' }), 'use'],
    [
      'the end of its agent on purpose',
      (s) =>
        put(s, {
          kind: 'agent-exited',
          role: 'lead',
          generation: 1,
          exit: { kind: 'code', code: 0 },
          spareId: 'x',
        }),
      'ended',
    ],
  ];
  it.each(signs)('is taken by %s', (_name, act, how) => {
    const story = briefed();
    act(story);
    expect(holderOf(story.run, 'lead')).toMatchObject({ kind: 'human', how });
    expect(holderOf(story.run, 'worker').kind).toBe('auto');
  });

  const notHuman: [string, (story: Story) => unknown][] = [
    [
      'what the program puts in itself',
      (s) => news(s, 'lead', { kind: 'prompt-taken', text: 'task done', injected: true }),
    ],
    ['a report of our prompt that came twice', (s) => news(s, 'lead', { kind: 'prompt-taken', text: 'x [tmops#1]' })],
    [
      'a crash',
      (s) =>
        put(s, {
          kind: 'agent-exited',
          role: 'lead',
          generation: 1,
          exit: { kind: 'signal', signal: 'KILL' },
          spareId: 'x',
        }),
    ],
  ];
  it.each(notHuman)('is not taken by %s', (_name, act) => {
    const story = briefed();
    act(story);
    expect(holderOf(story.run, 'lead').kind).toBe('auto');
  });

  it('that was only used goes with its session; one that was asked for stays taken', () => {
    const story = briefed();
    put(story, { kind: 'human-seen', role: 'lead', sign: 'draft', stays: true, why: 'a draft' });
    put(story, { kind: 'take', roles: ['worker'], by: 'cli' });
    put(story, { kind: 'session-lost', why: 'the server is gone', spareIds: {} });
    expect([holderOf(story.run, 'lead').kind, holderOf(story.run, 'worker').kind]).toEqual(['auto', 'human']);
  });

  it('whose agent was ended on purpose after a draft was seen stays taken, until the feature is started', () => {
    const story = briefed();
    put(story, { kind: 'human-seen', role: 'lead', sign: 'draft', stays: true, why: 'a draft' });
    put(story, { kind: 'agent-exited', role: 'lead', generation: 1, exit: { kind: 'code', code: 0 }, spareId: 'x' });
    expect(holderOf(story.run, 'lead')).toMatchObject({ how: 'ended', stays: false });
    put(story, { kind: 'start', by: 'cli', workflow: small, settings, spareIds: spareIds(small) });
    expect(holderOf(story.run, 'lead').kind).toBe('auto');
  });

  it('whose agent was ended on purpose gets a new one only when it is given back', () => {
    const story = briefed();
    put(story, { kind: 'agent-exited', role: 'lead', generation: 1, exit: { kind: 'code', code: 0 }, spareId: 'x' });
    expect(story.run.agents['lead']?.state.kind).toBe('gone');
    expect(give(story, 'lead').slice(0, 2)).toMatchObject([
      { kind: 'pane.given' },
      { kind: 'agent.launched', generation: 2, resume: true },
    ]);
  });
});

describe('going back by itself', () => {
  const used = (story: Story, stays = false) =>
    put(story, { kind: 'human-seen', role: 'lead', sign: 'typing', stays, why: 'typing' });

  it('is announced, and then done, when nobody has used the pane for the time that is set', () => {
    const story = briefed();
    used(story);
    const at = story.at + 120_000 - HAND_BACK_NOTICE_MS;
    expect(dueAt(story.run)).toBe(at);
    expect(kinds(pass(story, at - story.at - 1000))).toEqual(['pane.returning']);
    expect(holderOf(story.run, 'lead')).toMatchObject({ backAt: story.at + HAND_BACK_NOTICE_MS });
    expect(kinds(pass(story, HAND_BACK_NOTICE_MS)).slice(0, 1)).toEqual(['pane.given']);
  });

  it('is put off by every key', () => {
    const story = briefed();
    used(story);
    pass(story, 120_000);
    expect(kinds(used(story))).toEqual(['pane.used']);
    expect(holderOf(story.run, 'lead')).toMatchObject({ backAt: null });
    expect(pass(story, HAND_BACK_NOTICE_MS)).toEqual([]);
  });

  const never: [string, Partial<Settings>, (story: Story) => unknown][] = [
    ['of a pane taken by command', {}, (s) => take(s, 'lead')],
    ['of a pane where a draft stands', {}, (s) => used(s, true)],
    ['where that is switched off', { handBackAfterMs: null }, (s) => used(s)],
    ['while the agent works on what the human asked', {}, (s) => news(s, 'lead', { kind: 'prompt-taken', text: 'go' })],
  ];
  it.each(never)('never happens %s', (_name, over, act) => {
    const story = started(small, over);
    put(story, { kind: 'surveyed' });
    act(story);
    expect(kinds(pass(story, 3_600_000))).not.toContain('pane.returning');
    expect(holderOf(story.run, 'lead').kind).toBe('human');
  });

  it('begins to count when the draft is gone', () => {
    const story = briefed();
    used(story, true);
    expect(kinds(put(story, { kind: 'human-left', role: 'lead' }))).toEqual(['pane.left']);
    expect(dueAt(story.run)).toBeLessThan(Infinity);
  });
});

describe('pause and resume', () => {
  it('let the present turn end and begin no new one', () => {
    const story = briefed();
    deliver(story, 3, { turn: 'open' });
    put(story, { kind: 'pause', by: 'cli', why: 'asked to' });
    expect(kinds(checkpoint(story, '001-plan.md'))).toEqual(['checkpoint.seen', 'step.completed']);
    expect(openPrompts(story.run, 'worker')).toEqual([]);
    expect(kinds(put(story, { kind: 'resume', by: 'cli', spareIds: {} }))).toEqual([
      'run.resumed',
      'step.began',
      'prompt.wanted',
    ]);
  });

  it('twice are no news, and a write is refused in between', () => {
    const story = briefed();
    put(story, { kind: 'pause', by: 'cli', why: 'asked to' });
    expect(put(story, { kind: 'pause', by: 'mcp', why: 'asked to' })).toEqual([]);
    const intended = { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } as const;
    expect(refusal(story, { kind: 'delivery', prompt: 3, news: intended })).toBe('held');
    put(story, { kind: 'resume', by: 'cli', spareIds: {} });
    expect(put(story, { kind: 'resume', by: 'cli', spareIds: {} })).toEqual([]);
  });

  it('come of a session that somebody ended: its agents are started again by resume, and by start', () => {
    const ended = (): Story => {
      const story = asked();
      put(story, { kind: 'session-ended', by: 'human', why: 'the tmux session was ended' });
      expect(story.run.paused).toMatchObject({ by: 'human' });
      return story;
    };
    expect(put(ended(), { kind: 'resume', by: 'cli', spareIds: spareIds(small) }).slice(0, 3)).toMatchObject([
      { kind: 'run.resumed' },
      { kind: 'agent.launched', role: 'lead', resume: true },
      { kind: 'agent.launched', role: 'worker' },
    ]);
    const again = ended();
    put(again, { kind: 'start', by: 'cli', workflow: small, settings, spareIds: spareIds(small) });
    expect(again.run.paused).toBeNull();
    expect(Object.values(again.run.agents).map((agent) => agent.state.kind)).toEqual(['starting', 'starting']);
  });
});

const gated = workflowSchema.parse({
  ...small,
  steps: small.steps.map((each) => (each.id === 'plan' ? { ...each, gate: 'human' } : each)),
});

describe('a gate', () => {
  it('of the workflow holds the step until it is approved', () => {
    const story = asked(gated);
    expect(kinds(checkpoint(story, '001-plan.md'))).toEqual(['checkpoint.seen']);
    expect(put(story, { kind: 'approve', by: 'mcp', comment: 'fine' })).toMatchObject([
      { kind: 'gate.approved', step: 'plan', by: 'mcp', comment: 'fine' },
      { kind: 'step.completed' },
      { kind: 'step.began' },
      { kind: 'prompt.wanted' },
    ]);
  });

  it('of the checkpoint itself does too, and opens when the file says so', () => {
    const story = asked();
    checkpoint(story, '001-plan.md', { gate: 'human' });
    expect(step(story)).toBe('plan');
    expect(kinds(checkpoint(story, '001-plan.md'))).toContain('step.completed');
  });

  it('that is rejected asks its role for another one, which is a new claim', () => {
    const story = asked(gated);
    const mtimeMs = story.at;
    checkpoint(story, '001-plan.md', { sha256: 'same', mtimeMs });
    const facts = put(story, { kind: 'reject', by: 'cli', comment: 'Too "vague".' });
    expect(facts).toMatchObject([
      { kind: 'gate.rejected', step: 'plan', comment: 'Too "vague".' },
      { kind: 'prompt.wanted', role: 'lead', file: 'prompts/0004-lead.md', purpose: { kind: 'correction' } },
    ]);
    expect(facts[1]).toHaveProperty(
      'line',
      '[CORRECTION]: .tmops/auth-api/current/prompts/0004-lead.md, then 001-plan.md',
    );
    expect(facts[1]).toHaveProperty('text', expect.stringContaining('Too "vague".'));
    expect(refusal(story, { kind: 'approve', by: 'cli', comment: null })).toBe('nothing-to-approve');
    deliver(story, 4);
    // Saved again as it was, at another time, it is a claim again; and has to be approved again.
    checkpoint(story, '001-plan.md', { sha256: 'same', mtimeMs: story.at });
    expect(step(story)).toBe('plan');
    expect(kinds(put(story, { kind: 'approve', by: 'cli', comment: null }))).toContain('step.completed');
  });

  it('where nothing waits there is nothing to say yes or no to', () => {
    const story = asked();
    expect(refusal(story, { kind: 'approve', by: 'cli', comment: null })).toBe('nothing-to-approve');
    expect(refusal(story, { kind: 'reject', by: 'cli', comment: null })).toBe('nothing-to-reject');
  });
});

describe('skip, retry and redo', () => {
  it('skip the present step alone', () => {
    const story = asked();
    expect(refusal(story, { kind: 'skip', step: 'work', by: 'cli', why: '' })).toBe('not-the-present-step');
    expect(refusal(story, { kind: 'skip', step: 'nope', by: 'cli', why: '' })).toBe('unknown-step');
    put(story, { kind: 'skip', step: null, by: 'cli', why: 'not needed' });
    expect(story.run.done['plan']).toMatchObject({ how: 'skipped' });
    expect(step(story)).toBe('work');
  });

  it('retry asks again, and starts an agent that ended', () => {
    const story = asked();
    expect(kinds(put(story, { kind: 'retry', by: 'cli', spareIds: {} }))).toEqual([
      'step.retried',
      'step.began',
      'prompt.wanted',
    ]);
    put(story, { kind: 'agent-failed', role: 'lead', sentence: 's', hint: 'h' });
    expect(kinds(put(story, { kind: 'retry', by: 'cli', spareIds: { lead: 'x' } }))).toContain('agent.launched');
  });

  it('retry asks an agent at a limit at once, before the limit is over', () => {
    const story = asked();
    news(story, 'lead', { kind: 'turn-failed', error: 'rate_limit', last: 'resets later' });
    expect(story.run.agents['lead']?.parked).not.toBeNull();
    expect(kinds(put(story, { kind: 'retry', by: 'cli', spareIds: {} }))).toEqual([
      'step.retried',
      'agent.unparked',
      'step.began',
      'prompt.wanted',
    ]);
  });

  it('redo opens a step and all after it; what stands on disk does not count, what is written anew does', () => {
    const story = asked();
    checkpoint(story, '001-plan.md');
    deliver(story, 4);
    checkpoint(story, '002-work.md');
    expect(step(story)).toBe('close');
    expect(refusal(story, { kind: 'redo', step: 'close', by: 'cli', why: '' })).toBe('step-not-done');
    const facts = put(story, { kind: 'redo', step: 'plan', by: 'cli', why: 'the plan was wrong' });
    expect(kinds(facts)).toEqual(['step.reopened', 'prompt.withdrawn', 'step.began', 'prompt.wanted']);
    expect(facts[3]).toMatchObject({ role: 'lead', line: '[BEGIN]: Plan auth-api', purpose: { kind: 'step' } });
    expect(Object.keys(story.run.done)).toEqual([]);
    deliver(story, 6);
    checkpoint(story, '001-plan.md');
    expect(step(story)).toBe('work');
    expect(openPrompts(story.run, 'worker').map((each) => each.line)).toEqual(['[BEGIN]: Work']);
  });

  it('redo without a step means the one that was done last', () => {
    const story = asked();
    expect(refusal(story, { kind: 'redo', step: null, by: 'cli', why: '' })).toBe('step-not-done');
    checkpoint(story, '001-plan.md');
    put(story, { kind: 'redo', step: null, by: 'cli', why: '' });
    expect(step(story)).toBe('plan');
  });

  it('are refused while nothing runs', () => {
    const story = asked();
    put(story, { kind: 'stop', by: 'cli', why: 'asked to' });
    for (const kind of ['retry', 'resume', 'give'] as const)
      expect(refusal(story, { kind, by: 'cli', spareIds: {}, roles: [] })).toBe('not-running');
  });
});

describe('a turn that ends without its checkpoint', () => {
  it('is reminded a few times, each after a while, and then left to a human', () => {
    const story = asked();
    expect(dueAt(story.run)).toBe((story.run.agents['lead']?.state.since ?? 0) + REMIND_AFTER_MS);
    for (const prompt of [4, 5]) {
      expect(pass(story, REMIND_AFTER_MS)).toMatchObject([{ kind: 'prompt.wanted', purpose: { kind: 'reminder' } }]);
      expect(pass(story, REMIND_AFTER_MS)).toEqual([]);
      deliver(story, prompt);
    }
    expect(pass(story, REMIND_AFTER_MS * 10)).toEqual([]);
    expect(dueAt(story.run)).toBe(Infinity);
  });

  const quiet: [string, (story: Story) => unknown][] = [
    ['while a human holds its pane', (s) => take(s, 'lead')],
    ['while the run is paused', (s) => put(s, { kind: 'pause', by: 'cli', why: '' })],
    [
      'while a faulty checkpoint lies there',
      (s) =>
        put(s, {
          kind: 'checkpoint-refused',
          fault: { file: '001-plan.md', line: 1, found: 'x', expected: 'y' },
          sha256: null,
        }),
    ],
    ['when the turn failed', (s) => news(s, 'lead', { kind: 'turn-failed', error: 'server_error', last: '' })],
  ];
  it.each(quiet)('is not reminded %s', (_name, act) => {
    const story = asked();
    act(story);
    expect(kinds(pass(story, REMIND_AFTER_MS * 10))).not.toContain('prompt.wanted');
  });
});

describe('a limit of the account', () => {
  it('parks the agent until it is over, then it is asked to go on', () => {
    const story = asked();
    const limitUntilMs = story.at + 3_600_000;
    news(story, 'lead', { kind: 'turn-failed', error: 'rate_limit', last: 'resets 5pm', limitUntilMs });
    expect(story.run.agents['lead']?.parked).toEqual({ untilMs: limitUntilMs, why: 'resets 5pm' });
    expect(dueAt(story.run)).toBe(limitUntilMs);
    expect(kinds(pass(story, 3_600_000))).toEqual(['agent.unparked', 'step.began', 'prompt.wanted']);
  });

  it('without a time of its end waits as long as is configured', () => {
    const story = asked();
    news(story, 'lead', { kind: 'turn-failed', error: 'rate_limit', last: '' });
    expect(story.run.agents['lead']?.parked?.untilMs).toBe(story.at + settings.limitRetryMs);
  });
});

describe('a checkpoint that is taken away', () => {
  it('takes its fault with it', () => {
    const story = asked();
    const fault = { file: '001-plan.md', line: 1, found: 'x', expected: 'y' };
    put(story, { kind: 'checkpoint-refused', fault, sha256: null });
    expect(kinds(put(story, { kind: 'checkpoint-gone', file: '001-plan.md' }))).toEqual(['checkpoint.gone']);
    expect(story.run.faults).toEqual({});
    expect(put(story, { kind: 'checkpoint-gone', file: '001-plan.md' })).toEqual([]);
  });

  it('after its step is done changes nothing', () => {
    const story = asked();
    checkpoint(story, '001-plan.md');
    expect(put(story, { kind: 'checkpoint-gone', file: '001-plan.md' })).toEqual([]);
  });
});
