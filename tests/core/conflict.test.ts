import { describe, expect, it } from 'vitest';
import type { BranchStand, KeptAside, Move } from '../../src/core/conflicted.ts';
import { isAtWork } from '../../src/core/conflict.ts';
import { decide } from '../../src/core/decide.ts';
import { outstanding } from '../../src/core/react.ts';
import type { Request } from '../../src/core/request.ts';
import {
  begin,
  checkpoint,
  deliver,
  identity,
  kinds,
  news,
  put,
  settings,
  small,
  started,
  type Story,
} from '../rig/run.ts';

const clean: BranchStand = {
  ...{ tip: 'c1', head: { branch: identity.branch, commit: 'c1' } },
  ...{ underWay: null, lockedSince: null, move: null, headLog: null },
};
const move = (over: Partial<Move> = {}): Move => ({
  ...{ from: 'c1', to: 'c2', kind: 'ahead', elsewhere: false, log: null },
  ...{ commits: [], commitCount: 1, files: ['a'], fileCount: 1, ...over },
});
const moved = (over: Partial<Move> = {}, more: Partial<BranchStand> = {}): BranchStand => ({
  ...{ ...clean, tip: 'c2', head: { branch: identity.branch, commit: 'c2' }, move: move(over), ...more },
});
const seen = ({ run }: Story, stand: BranchStand, more: { wasQuiet?: boolean; asOf?: number } = {}): Request => ({
  ...{
    kind: 'branch-seen',
    stand,
    wasQuiet: !isAtWork(run),
    files: `files of ${stand.tip ?? ''}`,
    asOf: run.seq,
    ...more,
  },
});
const see = (story: Story, stand: BranchStand, more = {}): string[] => kinds(put(story, seen(story, stand, more)));
const refusal = (story: Story, request: Request): string | null => {
  const decision = decide(story.run, request, story.at + 1);
  return decision.ok ? null : decision.refusal.reason;
};
const accept = (stand: BranchStand): Request => ({
  ...{ kind: 'accept-branch', by: 'cli', stand, files: 'accepted', spareIds: {} },
});
const STASH: Request = { kind: 'stash-branch', by: 'cli' };
const kept: KeptAside = { ref: 'refs/tmops/x', head: 'c2', branch: 'c2', stash: 's' };
const PUT_RIGHT: Request = { kind: 'branch-put-right', number: 1, late: null, spareIds: {} };

/** Briefed, with the first step's prompt wanted, nobody at work, and the branch known at c1. */
function quiet(over: { onConflict?: 'stash' } = {}): Story {
  const story = started(small, over);
  put(story, { kind: 'surveyed' });
  for (const { id } of story.run.prompts.filter((each) => each.purpose.kind === 'instructions')) deliver(story, id);
  expect(see(story, clean)).toEqual(['branch.known']);
  return story;
}
/** The lead works on its plan. */
function working(): Story {
  const story = quiet();
  deliver(story, story.run.prompts.length, { turn: 'open' });
  expect(isAtWork(story.run)).toBe(true);
  return story;
}
const endTurn = (story: Story) => news(story, 'lead', { kind: 'turn-ended', last: '', background: 0 });

it('commits that were made in the worktree while nobody watched are work by hand; a history that is gone is not', () => {
  const story = quiet();
  put(story, { kind: 'watch-again', pid: 2, gapMs: 60_000 });
  expect(see(story, moved())).toEqual(['branch.known']);
  put(story, { kind: 'surveyed' });
  const next = { ...moved({ from: 'c2', to: 'c3' }), tip: 'c3' };
  expect(see(story, next)).toContain('conflict.found');

  const other = quiet();
  put(other, { kind: 'watch-again', pid: 2, gapMs: 60_000 });
  expect(see(other, moved({ kind: 'rewritten' }))).toContain('conflict.found');
});

describe('whose a change of the branch is', () => {
  const HELD: Request = { kind: 'take', roles: ['worker'], by: 'cli' };
  const CONFLICT = ['conflict.found', 'run.paused'];
  it.each<readonly [string, () => Story, BranchStand, readonly string[]]>([
    ['a commit while nobody is at work', quiet, moved(), CONFLICT],
    ['a commit in a turn', working, moved(), []],
    ['history from before the turn rewritten in it', working, moved({ kind: 'rewritten' }), CONFLICT],
    ['a commit from outside of the worktree in a turn', working, moved({ elsewhere: true }), CONFLICT],
    ['a merge under way in a turn', working, { ...clean, underWay: 'merge' }, []],
    ['another branch in a turn', working, { ...clean, head: { branch: 'x', commit: 'c1' } }, []],
    ['a merge under way', quiet, { ...clean, underWay: 'merge' }, CONFLICT],
    [
      'a rebase under way, off its branch',
      quiet,
      { ...clean, underWay: 'rebase', head: { branch: null, commit: 'c1' } },
      CONFLICT,
    ],
    ['another branch', quiet, { ...clean, head: { branch: 'x', commit: 'c1' } }, CONFLICT],
    ['no branch', quiet, { ...clean, tip: null, head: { branch: null, commit: 'c1' } }, CONFLICT],
    ['an index locked for a moment', quiet, { ...clean, lockedSince: 1_700_000_000_000 + 1e9 }, []],
    ['an index locked for long', quiet, { ...clean, lockedSince: 1 }, CONFLICT],
    ['an index locked for long in a turn', working, { ...clean, lockedSince: 1 }, []],
  ])('%s', (_what, from, stand, expected) => {
    expect(see(from(), stand)).toEqual(expected);
  });

  it('is the run’s own where a turn began and ended since it was known, and known once that is over', () => {
    const story = working();
    endTurn(story);
    expect(see(story, moved())).toEqual(['branch.known']);
    expect(story.run.branch).toMatchObject({ known: { tip: 'c2', step: 'plan' }, worked: false });
    expect(see(story, { ...moved(), move: null })).toEqual([]);
  });

  it('is a human’s work as long as they hold a pane', () => {
    const story = quiet();
    put(story, HELD);
    expect(see(story, moved())).toEqual([]);
    put(story, { kind: 'give', roles: ['worker'], by: 'cli', spareIds: {} });
    expect(see(story, moved())).toEqual(['branch.known']);
  });

  it('is not told by a look that began before a turn and ended after it, nor by one at another commit', () => {
    const story = quiet();
    const before = seen(story, { ...clean });
    deliver(story, story.run.prompts.length);
    put(story, before);
    expect(story.run.branch.worked).toBe(true);
    expect(see(story, moved())).toEqual(['branch.known']);
    expect(see(story, moved({ from: 'c0' }))).toEqual([]);
    expect(see(story, clean)).toEqual([]);
  });

  it('is taken as it is by whoever starts the run', () => {
    const story = quiet();
    put(story, { kind: 'stop', by: 'cli', why: '' });
    expect(see(story, moved())).toEqual([]);
    const workflow = small;
    put(story, { kind: 'start', by: 'cli', workflow, settings, spareIds: { lead: 'a', worker: 'b' } });
    expect(see(story, { ...moved(), move: null })).toEqual(['branch.known']);
  });
});

describe('a conflict', () => {
  function conflicting(stand = moved(), story = quiet()): Story {
    see(story, stand);
    return story;
  }

  it('lets nothing begin, and is gone round by nothing', () => {
    const story = conflicting();
    expect(checkpoint(story, '001-plan.md').map(({ kind }) => kind)).toEqual(['checkpoint.seen']);
    for (const request of [
      { kind: 'resume', by: 'cli', spareIds: {} },
      { kind: 'start', by: 'cli', workflow: small, settings, spareIds: {} },
    ] as const)
      expect(refusal(story, request)).toBe('branch-conflict');
    expect(refusal(quiet(), STASH)).toBe('no-conflict');
    expect(refusal(begin(), STASH)).toBe('not-running');
  });

  it('is told anew where it has changed, and is over by itself where that was taken back', () => {
    const story = conflicting();
    expect(see(story, moved())).toEqual([]);
    expect(put(story, seen(story, moved({}, { underWay: 'merge' })))).toMatchObject([
      { kind: 'conflict.found', number: 1 },
    ]);
    expect(see(story, clean)).toEqual(['conflict.over', 'run.resumed']);
    expect(see(story, moved())).toEqual(['conflict.found', 'run.paused']);
    expect(story.run.conflict?.number).toBe(2);
  });

  it('accepted, it is the new beginning; what is not finished is not accepted', () => {
    const story = conflicting();
    expect(refusal(story, accept(moved({}, { underWay: 'merge' })))).toBe('branch-unfinished');
    expect(refusal(story, accept(moved({}, { head: { branch: 'x', commit: 'c2' } })))).toBe('branch-unfinished');
    expect(kinds(put(story, accept(moved())))).toEqual(['conflict.settled', 'run.resumed']);
    expect(story.run).toMatchObject({
      ...{ conflict: null, paused: null, accepted: [{ from: 'c1', to: 'c2' }] },
      branch: { known: { tip: 'c2', files: 'accepted' }, worked: false },
    });
    expect(see(story, { ...moved(), move: null })).toEqual(['branch.known']);
  });

  it('leaves a run paused that somebody had paused before', () => {
    const story = quiet();
    put(story, { kind: 'pause', by: 'cli', why: 'mine' });
    expect(see(story, moved())).toEqual(['conflict.found']);
    expect(kinds(put(story, accept(moved())))).toEqual(['conflict.settled']);
    expect(story.run.paused?.why).toBe('mine');
  });

  it('put aside, it is kept before anything is touched, and done again after a crash', () => {
    const story = conflicting();
    expect(kinds(put(story, STASH))).toEqual(['conflict.settling']);
    expect(outstanding(story.run)).toContainEqual({ do: 'put-aside', number: 1 });
    expect(put(story, STASH)).toEqual([]);
    // What is half put right is nobody's doing.
    expect(see(story, clean)).toEqual([]);
    expect(kinds(put(story, { kind: 'branch-kept', number: 1, kept }))).toEqual(['conflict.kept']);
    expect(outstanding(story.run)).toContainEqual({ do: 'put-aside', number: 1 });
    expect(refusal(story, accept(moved()))).toBe('conflict-being-settled');
    expect(kinds(put(story, PUT_RIGHT))).toEqual(['conflict.settled', 'run.resumed']);
    expect(story.run).toMatchObject({
      conflict: null,
      stashes: [{ ...kept, number: 1 }],
      branch: { known: { tip: 'c1' } },
    });
    expect(outstanding(story.run)).not.toContainEqual({ do: 'put-aside', number: 1 });
    expect(put(story, PUT_RIGHT)).toEqual([]);
  });

  it('that could not be put aside says so, and is put aside when it is asked for again', () => {
    const story = conflicting();
    put(story, STASH);
    put(story, { kind: 'branch-kept', number: 1, kept });
    expect(kinds(put(story, { kind: 'branch-not-put-right', number: 1, why: 'locked' }))).toEqual(['conflict.failed']);
    expect(outstanding(story.run)).not.toContainEqual({ do: 'put-aside', number: 1 });
    expect(refusal(story, accept(moved()))).toBe('conflict-being-settled');
    expect(kinds(put(story, STASH))).toEqual(['conflict.settling']);
    expect(story.run.conflict?.settling).toMatchObject({ kept, failed: null });
  });

  it('found in a turn waits for its end, and has the step asked for anew, whose work is in the stash', () => {
    const story = conflicting(moved({ kind: 'rewritten' }), working());
    expect(refusal(story, STASH)).toBe('agent-at-work');
    endTurn(story);
    put(story, STASH);
    put(story, { kind: 'branch-kept', number: 1, kept });
    expect(kinds(put(story, PUT_RIGHT)).slice(0, 3)).toEqual(['step.reopened', 'conflict.settled', 'run.resumed']);
  });

  it('is put aside by itself where that is configured, once nobody is at work, and not again where it failed', () => {
    const story = quiet({ onConflict: 'stash' });
    expect(see(story, moved())).toEqual(['conflict.found', 'run.paused', 'conflict.settling']);
    expect(kinds(put(story, { kind: 'branch-not-put-right', number: 1, why: 'locked' }))).toEqual(['conflict.failed']);
    const busy = quiet({ onConflict: 'stash' });
    deliver(busy, busy.run.prompts.length, { turn: 'open' });
    expect(see(busy, moved({ kind: 'rewritten' }))).toEqual(['conflict.found', 'run.paused']);
    expect(endTurn(busy).map(({ kind }) => kind)).toContain('conflict.settling');
  });

  it('aborted, the run is stopped', () => {
    const story = conflicting();
    expect(kinds(put(story, { kind: 'abort-on-branch', by: 'cli' }))).toEqual(['conflict.settled', 'run.stopped']);
    expect(story.run).toMatchObject({ conflict: null, life: { kind: 'stopped' } });
    expect(refusal(story, STASH)).toBe('not-running');
  });
});
