import type { OutputOf } from '../../../src/app/table.ts';
import { cannedStatus } from '../../rig/canned.ts';

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
      role: 'implementer',
      pane: '%3',
      state: 'waiting',
      since: '2026-01-02T10:05:30.000Z',
      detail: 'trust: "Do you trust\nthis?"',
    },
    { role: 'verifier', pane: '%4', state: 'exited', since: '2026-01-02T09:00:00.000Z', detail: 'exit code 1' },
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
  steps: [
    { step: 'plan', role: 'orchestrator', checkpoint: '001-discovery-trigger.md' },
    { step: 'tests', role: 'tester', checkpoint: '003-tests-complete.md' },
  ],
  notes: [],
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
