import { describe, expect, it } from 'vitest';
import { decide } from '../../src/core/decide.ts';
import type { Request } from '../../src/core/request.ts';
import { begin, identity, kinds, put, settings, small, spareIds, started, type Story } from '../rig/run.ts';

const initialised = (): Story => {
  const story = begin();
  put(story, { kind: 'initialise', identity });
  return story;
};
const queue = (story: Story, place: number, over: Partial<typeof settings> = {}) =>
  put(story, { kind: 'queue', by: 'cli', workflow: small, settings: { ...settings, ...over }, place });
const problem = { code: 'no-spec', sentence: 'TASK_SPEC.md is missing.', hint: 'tmops init auth-api' };
const refusal = (story: Story, request: Request) => {
  const decision = decide(story.run, request, story.at);
  return decision.ok ? null : decision.refusal.reason;
};

describe('Scenario: Resource exhaustion: a run without room', () => {
  it('waits with all that start settled, and begins with it', () => {
    const story = initialised();
    expect(kinds(queue(story, 3))).toEqual(['run.queued']);
    const since = story.at;
    expect(story.run.life).toMatchObject({ kind: 'queued', place: 3, at: since, workflow: small, settings, by: 'cli' });
    expect(story.run.settings).toBeNull();
    expect(
      kinds(put(story, { kind: 'start', by: 'cli', workflow: small, settings, spareIds: spareIds(small) })),
    ).toEqual(['run.started', 'agent.launched', 'agent.launched']);
    expect(story.run.life.kind).toBe('running');
  });

  it('asked for twice stays where it is, with what was settled last', () => {
    const story = initialised();
    queue(story, 1);
    const since = story.at;
    expect(queue(story, 7)).toEqual([]);
    expect(kinds(queue(story, 7, { baseline: 'waived' }))).toEqual(['run.queued']);
    expect(story.run.life).toMatchObject({ place: 1, at: since, settings: { baseline: 'waived' } });
  });

  it('taken out it is as it was before', () => {
    const fresh = initialised();
    queue(fresh, 1);
    put(fresh, { kind: 'stop', by: 'cli', why: 'asked to' });
    expect(fresh.run.life).toEqual({ kind: 'initialised' });
    const once = started();
    put(once, { kind: 'stop', by: 'cli', why: 'asked to' });
    const before = once.run.life;
    queue(once, 1);
    put(once, { kind: 'stop', by: 'mcp', why: 'asked to' });
    expect(once.run.life).toEqual(before);
    expect(once.run.startProblem).toBeNull();
    // Its turn came in the same moment.
    const start = {
      kind: 'start',
      by: 'cli',
      workflow: small,
      settings,
      spareIds: spareIds(small),
      inTurn: true,
    } as const;
    expect(put(once, start)).toEqual([]);
  });

  it('that cannot begin in its turn says why until it is started or stopped again', () => {
    const story = initialised();
    queue(story, 1);
    put(story, { kind: 'leave-queue', by: 'tmops', why: problem.sentence, problem });
    expect(story.run).toMatchObject({ life: { kind: 'initialised' }, startProblem: problem });
    queue(story, 2);
    expect(story.run.startProblem).toBeNull();
    put(story, { kind: 'leave-queue', by: 'tmops', why: problem.sentence, problem });
    expect(kinds(put(story, { kind: 'stop', by: 'cli', why: 'asked to' }))).toEqual(['run.unqueued']);
    expect(story.run.startProblem).toBeNull();
    expect(put(story, { kind: 'leave-queue', by: 'tmops', why: 'late', problem })).toEqual([]);
  });

  it('whose panes could not be opened is stopped, and says why', () => {
    const story = started();
    put(story, { kind: 'stop', by: 'tmops', why: problem.sentence, problem });
    expect(story.run).toMatchObject({ life: { kind: 'stopped' }, startProblem: problem });
  });

  it('is not steered', () => {
    const story = initialised();
    queue(story, 1);
    expect(refusal(story, { kind: 'pause', by: 'cli', why: '' })).toBe('queued');
    expect(refusal(story, { kind: 'message', role: 'lead', line: 'x', file: null })).toBe('queued');
    expect(put(story, { kind: 'time-passed' })).toEqual([]);
  });

  it('is not queued when it goes on, or is over', () => {
    expect(queue(started(), 1)).toEqual([]);
    expect(refusal(begin(), { kind: 'queue', by: 'cli', workflow: small, settings, place: 1 })).toBe('not-initialised');
  });
});
