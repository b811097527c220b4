import { describe, expect, it } from 'vitest';
import { TURN_ENDS_WITHIN_MS } from '../../src/core/advance.ts';
import { dueAt } from '../../src/core/due.ts';
import type { Finding } from '../../src/core/event.ts';
import { presentStep } from '../../src/core/run.ts';
import { workflowSchema } from '../../src/core/workflow.ts';
import { checkpoint, deliver, kinds, put, settings, small, spareIds, started, type Story } from '../rig/run.ts';

const step = (story: Story) => presentStep(story.run)?.step.id ?? null;
/** Lets time go by, and says so when something is due. */
function pass(story: Story, ms: number) {
  story.at += ms;
  return put(story, { kind: 'time-passed' });
}

const proven = workflowSchema.parse({
  ...small,
  roles: {
    lead: { ...small.roles['lead'], allow_writes: [] },
    worker: { ...small.roles['worker'], deny_writes: ['{tests}'] },
  },
  steps: small.steps.map((each) => (each.id === 'work' ? { ...each, evidence: { tests: 'pass' }, retries: 1 } : each)),
});

describe('evidence', () => {
  const withEvidence = (): Story => {
    const story = started(proven, { evidence: true });
    put(story, { kind: 'surveyed' });
    deliver(story, 1);
    deliver(story, 2);
    return story;
  };
  const passed = (story: Story, id: string, stage: 'before' | 'after') =>
    put(story, {
      kind: 'check-found',
      step: id,
      stage,
      claim: story.run.checks[id]?.[stage]?.claim ?? null,
      tookMs: 5,
      found: { ok: true, snapshot: `${id}-${stage}`, shown: [] },
    });
  const failing = (story: Story, id: string, finding: Partial<Finding> = {}, stage: 'before' | 'after' = 'after') =>
    put(story, {
      kind: 'check-found',
      step: id,
      stage,
      claim: story.run.checks[id]?.[stage]?.claim ?? null,
      tookMs: 5,
      found: {
        ok: false,
        finding: {
          verdict: 'refuted',
          rule: 'tests-green',
          sentence: 'The tests fail.',
          files: ['a.js'],
          tail: 'boom',
          ...finding,
        },
      },
    });
  /** At the step of the worker, asked for and its checkpoint written. */
  const claimed = (): Story => {
    const story = withEvidence();
    passed(story, 'plan', 'before');
    deliver(story, 3);
    checkpoint(story, '001-plan.md');
    passed(story, 'plan', 'after');
    passed(story, 'work', 'before');
    deliver(story, 4);
    checkpoint(story, '002-work.md');
    return story;
  };

  it('is kept before the step is asked for, and held against its checkpoint before it counts', () => {
    const story = withEvidence();
    expect(story.run.checks['plan']?.before?.kind).toBe('running');
    expect(story.run.prompts).toHaveLength(2);
    expect(kinds(passed(story, 'plan', 'before'))).toEqual(['check.passed', 'step.began', 'prompt.wanted']);
    deliver(story, 3);
    expect(kinds(checkpoint(story, '001-plan.md'))).toEqual(['checkpoint.seen', 'check.wanted']);
    expect(kinds(passed(story, 'plan', 'after'))).toEqual(['check.passed', 'step.completed', 'check.wanted']);
  });

  it('waits for the turn that wrote the checkpoint, but not for ever', () => {
    const story = withEvidence();
    passed(story, 'plan', 'before');
    deliver(story, 3, { turn: 'open' });
    expect(kinds(checkpoint(story, '001-plan.md'))).toEqual(['checkpoint.seen']);
    expect(dueAt(story.run)).toBe(story.at + TURN_ENDS_WITHIN_MS);
    expect(kinds(pass(story, TURN_ENDS_WITHIN_MS))).toEqual(['check.wanted']);
  });

  it('that refutes a claim sends it back to its role with what was found, once, then to a human', () => {
    const story = claimed();
    const facts = failing(story, 'work');
    expect(kinds(facts)).toEqual(['check.failed', 'prompt.wanted']);
    expect(facts[1]).toMatchObject({ role: 'worker', purpose: { kind: 'correction', step: 'work' } });
    expect(facts[1]).toHaveProperty('text', expect.stringMatching(/The tests fail\.[\s\S]*- a\.js[\s\S]*boom/));
    deliver(story, 5);
    expect(kinds(checkpoint(story, '002-work.md'))).toEqual(['checkpoint.seen', 'check.wanted']);
    expect(kinds(failing(story, 'work'))).toEqual(['check.failed']);
    expect(kinds(pass(story, 3_600_000))).toEqual([]);
    expect(step(story)).toBe('work');
  });

  it('that could not be had either way is for a human at once', () => {
    const story = claimed();
    expect(kinds(failing(story, 'work', { verdict: 'inconclusive' }))).toEqual(['check.failed']);
    expect(kinds(put(story, { kind: 'approve', by: 'cli', comment: 'I looked' })).slice(0, 3)).toEqual([
      'check.waived',
      'gate.approved',
      'step.completed',
    ]);
  });

  it('is had again when its checkpoint is saved once more, in the same words', () => {
    const story = claimed();
    failing(story, 'work', { verdict: 'inconclusive' });
    const { sha256 = '' } = story.run.seen['002-work.md'] ?? {};
    expect(kinds(checkpoint(story, '002-work.md', { sha256 }))).toEqual(['checkpoint.seen', 'check.wanted']);
    expect(kinds(passed(story, 'work', 'after'))).toEqual(['check.passed', 'step.completed', 'check.wanted']);
  });

  it('that was under way at a stop is wanted anew at the next start', () => {
    const story = claimed();
    put(story, { kind: 'stop', by: 'cli', why: 'asked to' });
    expect(story.run.checks['work']?.after).toBeNull();
    put(story, {
      kind: 'start',
      by: 'cli',
      workflow: proven,
      settings: { ...settings, evidence: true },
      spareIds: spareIds(proven),
    });
    expect(kinds(put(story, { kind: 'surveyed' }))).toContain('check.wanted');
  });

  it('of a step that is skipped is forgotten', () => {
    const story = claimed();
    put(story, { kind: 'skip', step: 'work', by: 'cli', why: '' });
    expect(story.run.checks['work']?.after).toBeNull();
  });

  it('that a human lets stand keeps the tree it was compared in', () => {
    const story = withEvidence();
    put(story, {
      kind: 'check-found',
      step: 'plan',
      stage: 'before',
      claim: null,
      tookMs: 5,
      found: {
        ok: false,
        snapshot: 'kept',
        finding: { verdict: 'refuted', rule: 'baseline', sentence: 'The tests fail.', files: [], tail: '' },
      },
    });
    expect(story.run.checks['plan']?.before).toMatchObject({ kind: 'failed', snapshot: 'kept' });
    put(story, { kind: 'approve', by: 'cli', comment: null });
    expect(story.run.checks['plan']?.before).toMatchObject({ kind: 'waived', snapshot: 'kept' });
  });

  it('is had again by a retry, which tells the role what was found', () => {
    const story = claimed();
    failing(story, 'work', { verdict: 'inconclusive' });
    const facts = put(story, { kind: 'retry', by: 'cli', spareIds: {} });
    expect(kinds(facts).slice(0, 2)).toEqual(['step.retried', 'prompt.wanted']);
    expect(story.run.prompts.at(-1)?.purpose).toEqual({ kind: 'correction', step: 'work' });
  });

  it('that fails before the step holds it until a human says otherwise', () => {
    const story = withEvidence();
    expect(kinds(failing(story, 'plan', { rule: 'baseline' }, 'before'))).toEqual(['check.failed']);
    expect(story.run.prompts).toHaveLength(2);
    expect(kinds(put(story, { kind: 'approve', by: 'cli', comment: null }))).toEqual([
      'check.waived',
      'step.began',
      'prompt.wanted',
    ]);
  });

  it('of a claim that changed meanwhile is no news', () => {
    const story = claimed();
    const claim = story.run.checks['work']?.after?.claim ?? '';
    expect(kinds(checkpoint(story, '002-work.md'))).toEqual(['checkpoint.seen', 'check.wanted']);
    const late = {
      kind: 'check-found',
      step: 'work',
      stage: 'after',
      claim,
      tookMs: 1,
      found: { ok: true, snapshot: null, shown: [] },
    } as const;
    expect(put(story, late)).toEqual([]);
    expect(step(story)).toBe('work');
  });

  it('is not asked of steps that were done while nobody watched', () => {
    const story = started(proven, { evidence: true });
    checkpoint(story, '001-plan.md');
    expect(kinds(put(story, { kind: 'surveyed' })).slice(0, 2)).toEqual(['run.surveyed', 'step.completed']);
  });
});
