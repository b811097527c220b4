import type { StatusView } from '../../src/app/views.ts';
import type { LinkReply } from '../../src/link/protocol.ts';
import type { StopSignal } from '../../src/link/stopper.ts';

/** The pane of an agent that asks nothing and that no human holds. */
export const freePane = {
  holder: 'auto',
  heldWhy: null,
  heldSince: null,
  handBackAt: null,
  dialog: null,
  report: null,
} as const;

/** A status as a supervisor would give it halfway through a feature. */
export const cannedStatus: StatusView = {
  feature: 'auth-api',
  run: 'initial',
  phase: 'running',
  step: 'tests',
  stepNumber: 3,
  stepCount: 9,
  role: 'tester',
  waitsFor: 'the tester to write 003-tests-complete.md',
  attention: [],
  paused: null,
  queue: null,
  checks: [],
  unsafe: [],
  session: 'tmops-auth-api',
  attach: "tmux attach -t '=tmops-auth-api'",
  socket: null,
  branch: 'feature/auth-api',
  worktree: '/home/ada/project/wt-auth-api',
  conflict: null,
  stashes: [],
  panes: [
    { ...freePane, role: 'orchestrator', pane: '%1', state: 'idle', since: '2026-01-02T10:00:00.000Z', detail: null },
    {
      ...freePane,
      role: 'tester',
      pane: '%2',
      state: 'busy',
      since: '2026-01-02T10:04:00.000Z',
      detail: 'running npm test',
    },
    { ...freePane, role: 'implementer', pane: '%3', state: 'idle', since: '2026-01-02T10:00:00.000Z', detail: null },
    { ...freePane, role: 'verifier', pane: null, state: 'none', since: null, detail: null },
  ],
  checkpoints: [
    {
      step: 'plan',
      role: 'orchestrator',
      file: '001-discovery-trigger.md',
      state: 'done',
      at: '2026-01-02T10:03:00.000Z',
      problem: null,
    },
    {
      step: 'tests',
      role: 'tester',
      file: '003-tests-complete.md',
      state: 'refused',
      at: '2026-01-02T10:05:00.000Z',
      problem: 'line 4: the heading "## Tests" is missing',
    },
    {
      step: 'code',
      role: 'implementer',
      file: '005-impl-complete.md',
      state: 'later',
      at: null,
      problem: null,
    },
  ],
  prompts: [
    {
      prompt: 1,
      role: 'tester',
      purpose: 'step',
      text: 'You are the TESTER instance for feature auth-api. Begin.',
      outcome: 'accepted',
      reason: null,
      at: '2026-01-02T10:04:00.000Z',
    },
  ],
  startedAt: '2026-01-02T10:00:00.000Z',
  updatedAt: '2026-01-02T10:05:00.000Z',
  unwatchedMs: 0,
  cursor: 41,
};

/** Plays a supervisor: answers by operation and, for failures, by the name of the feature. Waits for an abort in `wait`. */
export async function cannedReply(op: string, input: unknown, signal?: StopSignal): Promise<LinkReply> {
  const feature = typeof input === 'object' && input !== null && 'feature' in input ? String(input.feature) : '';
  if (feature === 'missing') return refused('feature-unknown', 'There is no feature "missing".', 'Run tmops list.');
  if (feature === 'broken') throw new Error('secret detail: token=abc at /root/x.ts:1');
  if (feature === 'odd-output') return { id: 1, ok: true, output: 'text' };
  if (feature === 'slow-api') return waiting(signal);
  if (op === 'status') return { id: 1, ok: true, output: { ...cannedStatus, feature } };
  if (op === 'wait') return waiting(signal);
  if (op === 'news') return noNews(input, signal);
  return { id: 1, ok: true, output: { op, input } };
}

/** There is never any. */
async function noNews(input: unknown, signal?: StopSignal): Promise<LinkReply> {
  if (typeof input === 'object' && input !== null && 'after' in input) await untilAborted(signal);
  return { id: 1, ok: true, output: { cursor: 'canned:0', news: [] } };
}

const refused = (code: string, sentence: string, hint: string): LinkReply => ({
  id: 1,
  ok: false,
  failure: { code, sentence, hint },
});

async function waiting(signal?: StopSignal): Promise<LinkReply> {
  process.stderr.write('wait: begun\n');
  await untilAborted(signal);
  process.stderr.write('wait: aborted\n');
  return refused('cancelled', 'The call was cancelled.', '');
}

async function untilAborted(signal?: StopSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', resolve);
  });
}
