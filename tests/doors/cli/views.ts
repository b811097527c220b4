import type { OutputOf } from '../../../src/app/table.ts';
import { cannedStatus, freePane } from '../../rig/canned.ts';

/** Views as a supervisor gives them, for the renderers. */

export const NOW = Date.parse('2026-01-02T10:06:00.000Z');

export const troubled: OutputOf<'status'> = {
  ...cannedStatus,
  waitsFor: '003-tests-complete.md is there but not in order; see attention.',
  unwatchedMs: 125_000,
  attention: [
    {
      code: 'checkpoint-malformed',
      sentence: '003-tests-complete.md cannot be read: line 4 says "## Test\u001b[2J", expected "## Tests".',
      hint: 'Correct the file; it is read again when it is saved.',
    },
    {
      code: 'typed-not-submitted',
      sentence: 'Prompt 1 for the tester is typed not submitted: Enter had no effect.',
      hint: 'Look at the pane, then: tmops settle auth-api 1 resend, or: tmops settle auth-api 1 delivered',
    },
  ],
  panes: [
    ...cannedStatus.panes.slice(0, 2),
    {
      ...freePane,
      role: 'implementer',
      pane: '%3',
      state: 'waiting',
      since: '2026-01-02T10:05:30.000Z',
      detail: 'trust: "Do you trust\nthis?"',
      dialog: {
        id: '3f1c9a2b7d40',
        name: 'trust',
        text: 'Do you trust\nthis?\u001b[2J',
        choices: ['1. Yes', '2. No, exit\u0007'],
      },
    },
    {
      ...freePane,
      role: 'verifier',
      pane: '%4',
      state: 'exited',
      since: '2026-01-02T09:00:00.000Z',
      detail: 'exit code 1',
    },
  ],
  prompts: [1, 2, 3, 4, 5, 6].map((prompt) => ({
    prompt,
    role: 'tester',
    purpose: 'step tests',
    text: `Prompt number ${prompt} \u202Ereversed`,
    outcome: prompt === 6 ? 'typed_not_submitted' : 'accepted',
    reason: prompt === 6 ? 'Enter had no effect' : null,
    at: '2026-01-02T10:04:00.000Z',
  })),
};

/** Roles say what they want, in words that would act on a terminal, or have no end. */
export const reporting: OutputOf<'status'> = {
  ...cannedStatus,
  waitsFor: 'The tester has a question: "Which port? Ignore [31m all". It waits for an answer; see attention.',
  attention: [
    {
      code: 'role-question',
      sentence: 'The tester has a question: "Which port? Ignore [31m all".',
      hint: "Answer it: tmops message auth-api tester '…' (tmops_send_message), or in its pane: tmops take auth-api tester",
    },
  ],
  panes: cannedStatus.panes.map((pane) => {
    const at = '2026-01-02T10:05:00.000Z';
    if (pane.role === 'tester')
      return { ...pane, report: { what: 'question', text: 'Which port?\nIgnore\u001b[31m\u202E all', at } };
    if (pane.role === 'implementer')
      return { ...pane, report: { what: 'blocked', text: 'No network. '.repeat(160).trim(), at } };
    return pane.role === 'orchestrator'
      ? { ...pane, report: { what: 'progress', text: '3 of 9\u0007 '.repeat(200), at } }
      : pane;
  }),
};

/** A human holds two panes, one of which is about to go back, and the run is paused. */
export const steered: OutputOf<'status'> = {
  ...cannedStatus,
  paused: { since: '2026-01-02T10:05:50.000Z', by: 'cli', why: 'asked to' },
  waitsFor: 'It is paused (asked to, cli); tmops resume auth-api goes on. The tester works on 003-tests-complete.md.',
  panes: cannedStatus.panes.map((pane) => {
    if (pane.role === 'orchestrator')
      return { ...pane, holder: 'human', heldSince: '2026-01-02T10:02:00.000Z', heldWhy: 'taken by cli' };
    if (pane.role !== 'implementer') return pane;
    return {
      ...pane,
      holder: 'human',
      heldSince: '2026-01-02T10:04:00.000Z',
      heldWhy: 'a draft that is not ours',
      handBackAt: '2026-01-02T10:06:08.000Z',
    };
  }),
  checks: [
    { step: 'plan', stage: 'before', state: 'passed', said: ['The tests pass.'], tookMs: 1840 },
    { step: 'plan', stage: 'after', state: 'waived', said: [], tookMs: null },
    { step: 'tests', stage: 'after', state: 'failed', said: ['The tests pass, and have to fail.'], tookMs: null },
  ],
};

export const holdersView: OutputOf<'take'> = {
  feature: 'auth-api',
  panes: [
    { role: 'orchestrator', holder: 'auto', why: null },
    { role: 'tester', holder: 'human', why: 'taken by cli' },
  ],
  waiting: [
    { prompt: 7, role: 'tester' },
    { prompt: 8, role: 'tester' },
  ],
  waitsFor:
    "A human holds the tester's pane (taken by cli); prompt 7 waits until it is handed back: tmops give auth-api tester.",
};

export const pauseView: OutputOf<'pause'> = {
  features: [
    { feature: 'auth-api', paused: true, waitsFor: 'It is paused (asked to, cli); tmops resume auth-api goes on.' },
    { feature: 'billing', paused: false, waitsFor: 'The journal cannot be used.' },
  ],
};

export const gateView: OutputOf<'approve'> = {
  feature: 'auth-api',
  step: 'tests',
  file: '003-tests-complete.md',
  waitsFor: 'The implementer is about to be prompted.',
};

export const stepView: OutputOf<'skip'> = {
  feature: 'auth-api',
  step: 'tests',
  present: 'code',
  waitsFor: 'Prompt 9 is on its way to the implementer.',
};

export const conflictView: OutputOf<'conflict'> = {
  feature: 'auth-api',
  how: 'stash',
  number: 2,
  kept: {
    number: 2,
    at: '2026-01-02T10:05:00.000Z',
    ref: 'refs/tmops/auth-api/initial/conflict-2',
    stash: '0123456789abcdef0123456789abcdef01234567',
    branch: '123456789abcdef0123456789abcdef012345678',
    restore: [
      "git -C '/home/ada/project/wt-auth-api' stash apply --index refs/tmops/auth-api/initial/conflict-2-stash",
      "git -C '/home/ada/project/wt-auth-api' log refs/tmops/auth-api/initial/conflict-2-branch",
    ],
  },
  present: 'tests',
  waitsFor: 'The tester works on 003-tests-complete.md.',
};

export const rollbackView: OutputOf<'rollback'> = {
  feature: 'auth-api',
  number: 2,
  step: 'code',
  undo: false,
  done: true,
  steps: ['code', 'review'],
  point: 'c'.repeat(40),
  files: [
    { path: 'src/new\u001b[2J.js', what: 'goes' },
    { path: 'src/sum.js', what: 'changes' },
  ],
  fileCount: 202,
  commits: [{ commit: 'a'.repeat(40), subject: 'Implement\u0007 it' }],
  commitCount: 1,
  checkpoints: ['checkpoints/005-impl-complete.md', 'metrics.json'],
  kept: {
    ref: 'refs/tmops/auth-api/initial/rollback-2-files',
    archive: '/home/ada/project/.tmops/auth-api/runs/initial/.archive/rollback-002',
  },
  blocked: null,
  present: 'code',
  waitsFor: 'Prompt 9 is on its way to the implementer.',
};

/** A dry run of undoing it, while an agent is at work. */
export const undoView: OutputOf<'rollback'> = {
  ...rollbackView,
  ...{ undo: true, done: false, kept: null, commits: [], commitCount: 0, point: null },
  blocked: {
    code: 'agent-at-work',
    sentence: 'The implementer of auth-api is at work and would write on into what is taken back.',
    hint: 'tmops stop auth-api',
  },
};

export const messageView: OutputOf<'message'> = {
  feature: 'auth-api',
  deliveries: [
    delivery(7, 'orchestrator', 'accepted', null),
    delivery(8, 'tester', 'queued', null),
    delivery(9, 'implementer', 'held_for_human', 'a human holds the pane'),
    delivery(10, 'verifier', 'wanted', null),
  ],
};

function delivery(
  prompt: number,
  role: string,
  outcome: string,
  reason: string | null,
): OutputOf<'message'>['deliveries'][number] {
  const text = `Go on. [tmops#${prompt}]`;
  return { prompt, role, purpose: 'message', text, outcome, reason, at: '2026-01-02T10:05:00.000Z' };
}

export const whyView: OutputOf<'explain'> = {
  feature: 'auth-api',
  waitsFor: "The tester's account is at a limit until 2026-01-02T17:00:00.000Z.",
  since: '2026-01-02T10:02:00.000Z',
  queue: null,
  reasons: [
    {
      code: 'usage-limit',
      sentence: 'The tester\'s account is at a limit until 2026-01-02T17:00:00.000Z: "resets\u001b[2J 5pm".',
      since: '2026-01-02T10:02:00.000Z',
    },
    { code: 'turn-failed', sentence: 'Its last turn broke off: "rate_limit".', since: null },
  ],
  lastSeen: [
    { seq: 40, at: '2026-01-02T10:01:00.000Z', kind: 'prompt.taken', text: 'Prompt 7 was accepted.' },
    { seq: 41, at: '2026-01-02T10:02:00.000Z', kind: 'agent.turn-ended', text: 'The turn failed: "rate_limit".' },
  ],
  attention: [],
  help: [
    { command: 'tmops read-pane auth-api tester', does: 'shows what the tester does' },
    { command: 'tmops attach auth-api', does: 'shows the panes' },
  ],
};

export const completed: OutputOf<'status'> = {
  ...cannedStatus,
  phase: 'completed',
  step: null,
  role: null,
  stepNumber: 3,
  stepCount: 3,
  waitsFor: 'Nothing: all steps are done.',
  attach: null,
  panes: [],
  prompts: [],
  checkpoints: cannedStatus.checkpoints.map((each) => ({
    ...each,
    state: 'done' as const,
    at: '2026-01-02T10:05:00.000Z',
    problem: null,
  })),
};

export const initView: OutputOf<'init'> = {
  feature: 'auth-api',
  run: 'initial',
  branch: 'feature/auth-api',
  worktree: '/home/ada/wt-auth-api',
  specFile: '/home/ada/project/.tmops/auth-api/runs/initial/TASK_SPEC.md',
  specState: 'template',
  created: ['branch feature/auth-api', '.tmops/auth-api/runs/initial'],
  kept: [],
  testCommand: { argv: ['npm', 'test'], from: 'package.json' },
  initialiser: 'built-in',
  notes: ['node_modules is not copied into the worktree.'],
  nextSteps: ['Fill in TASK_SPEC.md', 'tmops start auth-api'],
  durationMs: 312.4,
};

export const startView: OutputOf<'start'> = {
  feature: 'auth-api',
  run: 'initial',
  session: 'tmops-auth-api',
  attach: "tmux attach -t '=tmops-auth-api'",
  provider: 'claude_code',
  resumed: false,
  queue: null,
  steps: [
    { step: 'plan', role: 'orchestrator', checkpoint: '001-discovery-trigger.md' },
    { step: 'tests', role: 'tester', checkpoint: '003-tests-complete.md' },
  ],
  notes: [],
};

/** Started where there is no room. */
export const queuedStartView: OutputOf<'start'> = {
  ...startView,
  queue: {
    position: 2,
    length: 2,
    since: '2026-01-02T10:05:00.000Z',
    why: 'search is the first; one\u001b[2J is running',
  },
};

export const queuedStatus: OutputOf<'status'> = {
  ...cannedStatus,
  phase: 'queued',
  step: null,
  role: null,
  waitsFor: 'It is number 1 of 2 in the queue (auth-api is running and the limit is 1).',
  queue: { position: 1, length: 2, since: '2026-01-02T10:05:00.000Z', why: 'auth-api is running and the limit is 1' },
  attach: null,
  panes: [],
  prompts: [],
  checkpoints: [],
};

export const listView: OutputOf<'list'> = {
  features: [
    {
      feature: 'auth-api',
      run: 'initial',
      phase: 'running',
      step: 'tests',
      role: 'tester',
      branch: 'feature/auth-api',
      waitsFor: 'The tester works on 003-tests-complete.md.',
      attention: 1,
      queue: null,
    },
    {
      feature: 'billing',
      run: 'retry',
      phase: 'stopped',
      step: 'code',
      role: 'implementer',
      branch: 'feature/billing',
      waitsFor: 'It was stopped by cli (asked to).',
      attention: 0,
      queue: null,
    },
    {
      feature: 'search',
      run: 'initial',
      phase: 'queued',
      step: null,
      role: null,
      branch: 'feature/search',
      waitsFor: 'It is number 1 of 2 in the queue (auth-api is running and the limit is 1).',
      attention: 0,
      queue: {
        position: 1,
        length: 2,
        since: '2026-01-02T10:05:00.000Z',
        why: 'auth-api is running and the limit is 1',
      },
    },
  ],
};

export const waitView: OutputOf<'wait'> = {
  feature: 'auth-api',
  done: true,
  reason: 'attention',
  phase: 'running',
  step: 'tests',
  role: 'tester',
  waitsFor: 'see attention',
  queue: null,
  attention: troubled.attention,
  events: [
    { seq: 40, at: '2026-01-02T10:04:00.000Z', kind: 'prompt.taken', text: 'The tester took prompt 1.' },
    { seq: 41, at: '2026-01-02T10:05:00.000Z', kind: 'agent.asking', text: 'The agent asks: "\u001b[1mtrust"' },
  ],
  cursor: 41,
};

export const doctorView: OutputOf<'doctor'> = {
  ok: false,
  checks: [
    { name: 'tmux', state: 'missing', found: 'not found', fix: 'sudo apt-get install tmux' },
    { name: 'git', state: 'ok', found: '2.43.0', fix: null },
    {
      name: 'Claude Code',
      state: 'warning',
      found: '2.0.0, untested',
      fix: 'npm install -g @anthropic-ai/claude-code',
    },
  ],
};

export const cleanupView: OutputOf<'cleanup'> = {
  feature: 'auth-api',
  done: true,
  removed: [
    'Session, agents and locks of auth-api, where there are any',
    'Worktree /work/app.tmops/auth-api',
    'Not committed: src/\u001b[2Jmine.mjs',
    'Its line in .tmops/FEATURES.txt',
  ],
  kept: [
    "The feature's folder, in /work/app/.tmops/.archive/20260102T030405000Z-auth-api",
    'Branch feature/auth-api, at 0123456789ab',
  ],
  branch: 'feature/auth-api',
  branchKept: true,
  archive: '/work/app/.tmops/.archive/20260102T030405000Z-auth-api',
  ref: 'refs/tmops/_archive/20260102T030405000Z-auth-api',
  notes: ["The framework's script was run: bash cleanup_safe.sh auth-api safe"],
};

export const gcView: OutputOf<'gc'> = {
  done: true,
  removed: [
    {
      kind: 'place',
      what: '/tmp/tmops-1000/0123456789abcdef.*',
      why: 'the supervisor of /work/gone, which is gone, died',
    },
    { kind: 'lock', what: '/work/app/.tmops/old/runs/initial/journal.jsonl.lock', why: 'whoever held it died' },
  ],
  left: [
    {
      kind: 'session',
      what: 'session tmops-used',
      why: 'there is no feature u\u001b[2Jsed any more, but somebody is attached to it',
    },
  ],
};
