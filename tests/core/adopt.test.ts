import { describe, expect, it } from 'vitest';
import { treeOf, type Conversation } from '../../src/core/adopt.ts';
import { decide } from '../../src/core/decide.ts';
import type { Request } from '../../src/core/request.ts';
import { presentStep } from '../../src/core/run.ts';
import { begin, identity, kinds, put, settings, small, spareIds, started, type Story } from '../rig/run.ts';

const DAY = 86_400_000;

describe('a run that was begun by hand', () => {
  const adopted = (begunAt?: number): Story => {
    const story = begin();
    put(story, { kind: 'initialise', identity, ...(begunAt === undefined ? {} : { begunAt }) });
    put(story, { kind: 'start', by: 'cli', workflow: small, settings, spareIds: spareIds(small) });
    const mtimeMs = story.at - DAY;
    put(story, { kind: 'checkpoint-seen', file: '001-plan.md', sha256: 'x', mtimeMs, gate: null });
    put(story, { kind: 'surveyed' });
    return story;
  };

  it('counts what was written since then, though it is older than its journal', () => {
    expect(presentStep(adopted(begin().at - 2 * DAY).run)?.step.id).toBe('work');
  });

  it('counts nothing that is older, as any other run', () => {
    expect(presentStep(adopted().run)?.step.id).toBe('plan');
    expect(presentStep(adopted(begin().at + DAY).run)?.step.id).toBe('plan');
  });
});

describe('a conversation that was led by hand', () => {
  const talk: Conversation = {
    role: 'worker',
    provider: 'rehearsal',
    sessionId: 'by-hand',
    process: { pid: 7, startTime: '1' },
  };
  const adopt = (over: Partial<Conversation> = {}): Request => ({
    kind: 'adopt-conversations',
    conversations: [{ ...talk, ...over }],
  });
  const initialised = (): Story => {
    const story = begin();
    put(story, { kind: 'initialise', identity });
    return story;
  };
  const start = (story: Story, provider = 'rehearsal') =>
    put(story, {
      kind: 'start',
      by: 'cli',
      workflow: small,
      settings: { ...settings, provider },
      spareIds: spareIds(small),
    });

  it('is carried on by its role from the first start on, also after a crash', () => {
    const story = initialised();
    expect(kinds(put(story, adopt()))).toEqual(['conversation.adopted']);
    expect(put(story, adopt())).toEqual([]);
    expect(start(story)).toMatchObject([
      { kind: 'run.started' },
      { kind: 'agent.launched', role: 'lead', resume: false },
      { kind: 'agent.launched', role: 'worker', resume: true, sessionId: 'by-hand' },
    ]);
    expect(story.run.agents['worker']?.spoken).toBe(true);
    const crashed = {
      kind: 'agent-exited',
      role: 'worker',
      generation: 1,
      exit: { kind: 'signal', signal: 'SIGKILL' },
    };
    expect(put(story, { ...crashed, spareId: 'spare' } as Request)).toMatchObject([
      { kind: 'agent.exited' },
      { kind: 'agent.launched', sessionId: 'by-hand', resume: true },
    ]);
  });

  it('is not carried on by another kind of agent', () => {
    const story = initialised();
    put(story, adopt({ provider: 'claude_code' }));
    expect(start(story)[2]).toMatchObject({ role: 'worker', resume: false, sessionId: spareIds(small)['worker'] });
  });

  it('can be named anew until its role has one of the run’s own', () => {
    const story = initialised();
    put(story, adopt());
    expect(kinds(put(story, adopt({ sessionId: 'another' })))).toEqual(['conversation.adopted']);
    start(story);
    const decision = decide(story.run, adopt({ sessionId: 'late' }), story.at);
    expect(decision).toMatchObject({ ok: false, refusal: { reason: 'has-conversation', received: 'worker' } });
    expect(decide(begin().run, adopt(), 0)).toMatchObject({ ok: false, refusal: { reason: 'not-initialised' } });
    expect(put(started(), { kind: 'adopt-conversations', conversations: [] })).toEqual([]);
  });
});

describe('the working tree of a feature', () => {
  const world = {
    feature: 'auth-api',
    noted: null as string | null,
    root: '/w',
    trees: [
      { path: '/w', branch: 'main' as string | null },
      { path: '/w.tree', branch: 'feature/auth-api' as string | null },
    ],
    branches: new Set(['main', 'feature/auth-api']),
  };

  it('is where its branch is checked out', () => {
    expect(treeOf(world)).toEqual({ ok: true, branch: 'feature/auth-api', worktree: '/w.tree' });
  });

  it('is that of the branch that is noted, where there is none of its own name', () => {
    const noted = { ...world, noted: 'main', trees: world.trees.slice(0, 1), branches: new Set(['main']) };
    expect(treeOf(noted)).toEqual({ ok: true, branch: 'main', worktree: '/w' });
    // The script notes whatever branch the root was on.
    expect(treeOf({ ...world, noted: 'main' })).toMatchObject({ branch: 'feature/auth-api' });
  });

  it('is told apart from one that is nowhere, or has no branch', () => {
    const nowhere = { ...world, trees: [{ path: '/w', branch: null }] };
    expect(treeOf(nowhere)).toMatchObject({ problem: { kind: 'not-checked-out', branch: 'feature/auth-api' } });
    expect(treeOf({ ...nowhere, noted: 'gone', branches: new Set() })).toMatchObject({
      problem: { kind: 'no-branch', branch: 'feature/auth-api', noted: 'gone' },
    });
  });
});
