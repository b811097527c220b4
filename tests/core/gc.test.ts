import { describe, expect, it } from 'vitest';
import {
  judgeAgent,
  judgeBuffer,
  judgeSession,
  judgeTree,
  type MarkedSession,
  type RecordedTree,
  type WorkspaceState,
} from '../../src/core/gc.ts';

const SESSION: MarkedSession = {
  ...{ id: '$1', name: 'tmops-auth', workspaceId: 'app-1', root: '/work/app', feature: 'auth' },
  ...{ attached: 0, strangers: 0, pids: [1] },
};

describe('a session', () => {
  it.each<[string, Partial<MarkedSession>, WorkspaceState, boolean, boolean | null]>([
    ['of a feature that is there', {}, 'here', true, null],
    ['of a feature that is gone', {}, 'here', false, true],
    ['of another workspace that is there', {}, 'another', false, null],
    ['of a workspace that is gone', {}, 'gone', false, true],
    ['that somebody looks at', { attached: 1 }, 'gone', false, false],
    ['that somebody made a pane in', { strangers: 1 }, 'here', false, false],
    ['of ours that does not say its folder', { root: null }, 'here', false, false],
    ['of others that does not say its folder', { root: null }, 'another', false, null],
  ])('%s', (_what, changes, workspace, featureIsThere, goes) => {
    expect(judgeSession({ ...SESSION, ...changes }, { workspace, featureIsThere })?.goes ?? null).toBe(goes);
  });
});

describe('a buffer', () => {
  const sessions = new Map<string, WorkspaceState | null>([
    ['tmops-here', 'here'],
    ['tmops-auth', 'another'],
    ['mine', null],
  ]);
  it.each<[string, string, number, boolean | null]>([
    ['of a session that is gone', 'tmops-tmops-gone-1234567890', 3, true],
    ['of a session whose name begins like one that stands', 'tmops-tmops-auth-api-1234567890', 3, true],
    ['of a session of ours, too old for a paste', 'tmops-tmops-here-1234567890', 3, true],
    ['that may just be pasted', 'tmops-tmops-gone-1234567890', 2, null],
    ['of another workspace that is there', 'tmops-tmops-auth-1234567890', 99, null],
    ['of a session without our marks', 'tmops-mine-1234567890', 99, null],
    ['that names no session', 'tmops-pane-1234567890', 99, false],
    ['of the user', 'buffer0001', 99, null],
    ['that the user called like ours', 'tmops-notes-7', 99, null],
  ])('%s', (_what, name, ageS, goes) => {
    expect(judgeBuffer({ name, ageS }, sessions)?.goes ?? null).toBe(goes);
  });
});

describe("git's record of a worktree whose folder is gone", () => {
  const tree = { path: '/work/app.tmops/auth', branch: 'feature/auth', locked: null };
  const of = { place: tree.path, featureIsThere: false, isScratch: false };
  it.each<[string, Partial<RecordedTree>, Partial<typeof of>, boolean | null]>([
    ['of a feature that is gone', {}, {}, true],
    ['of a feature that is there', {}, { featureIsThere: true }, false],
    ['that is locked', { locked: 'mine' }, {}, false],
    ['that was locked while it was made', { locked: 'initializing' }, {}, true],
    ['that stands where no feature of that name belongs', { path: '/elsewhere' }, {}, null],
    ['on no branch: its commit may be nowhere else', { branch: null }, {}, null],
    ['in which tests were tried', { branch: null, path: '/tmp/x' }, { isScratch: true }, true],
  ])('%s', (_what, changes, about, goes) => {
    expect(judgeTree({ ...tree, ...changes }, { ...of, ...about })?.goes ?? null).toBe(goes);
  });
});

describe('an agent that is alive', () => {
  const agent = { run: 'initial', role: 'tester', hasPane: false };
  it.each<[string, Parameters<typeof judgeAgent>, boolean | null]>([
    ['of a run that goes on', [agent, { run: 'initial', attended: true }], null],
    ['of a run that was stopped', [agent, { run: 'initial', attended: false }], true],
    ['of an earlier run', [agent, { run: 'retry', attended: true }], true],
    [
      'of an earlier run, in its pane',
      [
        { ...agent, hasPane: true },
        { run: 'retry', attended: true },
      ],
      null,
    ],
    ['of a feature that is gone', [agent, null], true],
    ['of a feature whose journal cannot be read', [agent, 'unread'], null],
  ])('%s', (_what, [about, present], goes) => {
    expect(judgeAgent(about, present)?.goes ?? null).toBe(goes);
  });
});
