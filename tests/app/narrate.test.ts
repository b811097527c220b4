import { expect, it } from 'vitest';
import { narrate } from '../../src/app/narrate.ts';
import type { BranchStand } from '../../src/core/conflicted.ts';
import type { Fact } from '../../src/core/event.ts';
import { identity, settings, small } from '../rig/run.ts';

const role = 'lead';
const evidence = '1';
const agent = { role, generation: 2 };
const fault = { file: '001-plan.md', line: 3, found: '**From:** Tester', expected: 'From names lead' };
const dialog = { name: 'permission', text: 'Run rm?', choices: [], hint: 'Answer it.' } as const;
const finding = {
  verdict: 'refuted',
  rule: 'tests-red',
  sentence: 'The tests pass.',
  files: [],
  tail: '',
} as const;
const seen = { kind: 'checkpoint.seen', file: '001-plan.md', sha256: 'x', mtimeMs: 1, found: false } as const;

const trees = { head: 'h', index: 'i', files: 'f' };
const rollback: Extract<Fact, { kind: 'rollback.began' }> = {
  kind: 'rollback.began',
  ...{ number: 2, direction: 'back', step: 'work', by: 'cli', why: '', from: trees, to: trees, checkpoints: [] },
};

const stand: BranchStand = {
  tip: '1234567890123456',
  head: { branch: 'feature/auth-api', commit: '1234567890123456' },
  ...{ underWay: null, lockedSince: null, headLog: null },
  move: {
    ...{ from: '0123456789abcdef', to: '1234567890123456', kind: 'rewritten', elsewhere: false },
    log: { what: 'reset: moving to HEAD~1', by: 'Ada <a@b>' },
    ...{ commits: [], commitCount: 0, files: [], fileCount: 0 },
  },
};

type Rows = { readonly [K in Fact['kind']]: readonly [Extract<Fact, { kind: K }>, string][] };

/** What a human reads in `tmops events`, for each kind of event and each way to say it. */
const ROWS: Rows = {
  'branch.known': [
    [
      { kind: 'branch.known', tip: '0123456789abcdef', files: null, asOf: 1 },
      "The branch is at 0123456789ab, by the run's own work.",
    ],
  ],
  'conflict.found': [
    [
      { kind: 'conflict.found', number: 1, stand },
      'Others changed the branch (conflict 1): it is at 123456789012, not on top of 0123456789ab, by "Ada <a@b>"; the worktree is on "feature/auth-api".',
    ],
    [
      {
        kind: 'conflict.found',
        ...{
          number: 2,
          stand: { ...stand, tip: null, move: null, head: { branch: null, commit: 'c' }, underWay: 'merge' },
        },
      },
      'Others changed the branch (conflict 2): it is gone; the worktree is on no branch, with an unfinished merge.',
    ],
  ],
  'conflict.over': [[{ kind: 'conflict.over', number: 1 }, 'What others had changed is as it was (conflict 1).']],
  'conflict.settling': [
    [{ kind: 'conflict.settling', number: 1, by: 'cli' }, 'What others changed is put aside (conflict 1, cli).'],
  ],
  'conflict.kept': [
    [
      { kind: 'conflict.kept', number: 1, kept: { ref: 'refs/tmops/a', head: 'h', branch: null, stash: 's' } },
      'It is kept under refs/tmops/a-*; its uncommitted part: git stash apply --index refs/tmops/a-stash.',
    ],
    [
      { kind: 'conflict.kept', number: 1, kept: { ref: 'refs/tmops/a', head: 'h', branch: null, stash: null } },
      'It is kept under refs/tmops/a-*.',
    ],
  ],
  'conflict.failed': [
    [{ kind: 'conflict.failed', number: 1, why: 'no space' }, 'Conflict 1 could not be put aside: "no space".'],
  ],
  'conflict.settled': [
    [
      { kind: 'conflict.settled', ...{ number: 1, how: 'accept', by: 'cli', tip: 't', files: null, late: null } },
      'Conflict 1 is settled by cli: the branch is taken as it is.',
    ],
    [
      { kind: 'conflict.settled', ...{ number: 1, how: 'stash', by: 'cli', tip: 't', files: null, late: 'refs/l' } },
      'Conflict 1 is settled by cli: it is put aside, and all is as it was known. Files that were changed meanwhile are kept as refs/l.',
    ],
    [
      { kind: 'conflict.settled', ...{ number: 1, how: 'abort', by: 'cli', tip: null, files: null, late: null } },
      'Conflict 1 is settled by cli: the run is stopped, and nothing was touched.',
    ],
  ],
  'run.initialised': [
    [{ kind: 'run.initialised', identity }, 'The run initial of auth-api was initialised on branch feature/auth-api.'],
    [
      { kind: 'run.initialised', identity, begunAt: 1 },
      'The run initial of auth-api was adopted on branch feature/auth-api.',
    ],
  ],
  'conversation.adopted': [
    [
      {
        kind: 'conversation.adopted',
        conversation: {
          role: 'worker',
          provider: 'claude_code',
          sessionId: 'id-1',
          process: { pid: 7, startTime: '1' },
        },
      },
      'The worker is to carry on the conversation id-1, which process 7 has open.',
    ],
  ],
  'run.started': [
    [
      { kind: 'run.started', by: 'cli', workflow: small, settings },
      'Started with the workflow small, layout quad, agents rehearsal.',
    ],
  ],
  'run.surveyed': [[{ kind: 'run.surveyed' }, 'The checkpoints on disk were looked at.']],
  'run.completed': [[{ kind: 'run.completed' }, 'All steps are done.']],
  'run.stopped': [[{ kind: 'run.stopped', by: 'cli', why: 'it was asked for' }, 'Stopped by cli: it was asked for.']],
  'run.queued': [
    [
      { kind: 'run.queued', by: 'cli', workflow: small, settings, place: 3 },
      'Asked to start by cli; it waits in the queue until there is room.',
    ],
  ],
  'run.unqueued': [
    [{ kind: 'run.unqueued', by: 'mcp', why: 'asked to', problem: null }, 'Taken out of the queue by mcp: asked to.'],
    [
      {
        kind: 'run.unqueued',
        by: 'tmops',
        why: 'x',
        problem: { code: 'no-spec', sentence: 'TASK_SPEC.md is missing.', hint: 'tmops init auth-api' },
      },
      'It could not begin: TASK_SPEC.md is missing.',
    ],
  ],
  'memory.noted': [
    [
      { kind: 'memory.noted', role, level: 'warning', bytes: 4.5 * 2 ** 30, above: 4 * 2 ** 30 },
      "The lead's agent takes 4.5 GB of memory, over the warning level of 4 GB.",
    ],
    [
      { kind: 'memory.noted', role, level: 'limit', bytes: 600 * 2 ** 20, above: 512 * 2 ** 20 },
      "The lead's agent takes 600 MB of memory, over the limit of 512 MB.",
    ],
    [
      { kind: 'memory.noted', role, level: 'ok', bytes: 100 * 2 ** 20, above: null },
      "The lead's agent takes 100 MB of memory, which is in order again.",
    ],
  ],
  'step.overran': [
    [
      { kind: 'step.overran', step: 'plan', role, limitMs: 7_200_000, interrupt: true },
      'Step plan took longer than its limit of 2 h.',
    ],
  ],
  'interrupt.pressed': [
    [{ kind: 'interrupt.pressed', step: 'plan', role }, "Escape was pressed in the lead's pane, to end its turn."],
  ],
  'interrupt.failed': [
    [
      { kind: 'interrupt.failed', step: 'plan', role, why: 'a human\nholds it' },
      'The lead\'s turn could not be interrupted: "a human holds it".',
    ],
  ],
  'supervisor.began': [
    [
      { kind: 'supervisor.began', pid: 7, gapMs: 2_400 },
      'A supervisor (process 7) took the run up; nobody had watched for 2 s.',
    ],
    [
      { kind: 'supervisor.began', pid: 7, gapMs: 600_000 },
      'A supervisor (process 7) took the run up; nobody had watched for 10 min.',
    ],
  ],
  'session.opened': [[{ kind: 'session.opened', session: 's' }, 'The tmux session s is open.']],
  'session.lost': [
    [{ kind: 'session.lost', why: 'the server is gone' }, 'The tmux session is gone: the server is gone.'],
  ],
  'agent.launched': [
    [{ kind: 'agent.launched', ...agent, sessionId: 'id', resume: false }, "Starting the lead's agent (session id)."],
    [{ kind: 'agent.launched', ...agent, sessionId: 'id', resume: true }, "Resuming the lead's agent (session id)."],
  ],
  'agent.placed': [[{ kind: 'agent.placed', ...agent, pane: '%4' }, 'The lead is in pane %4.']],
  'agent.process': [
    [{ kind: 'agent.process', ...agent, pid: 12, startTime: 's' }, "The lead's agent runs as process 12."],
  ],
  'agent.session': [
    [{ kind: 'agent.session', role, sessionId: 'id', source: 'startup', evidence }, "The lead's agent is up."],
  ],
  'agent.turn-began': [
    [{ kind: 'agent.turn-began', role, prompt: null, evidence }, 'The lead took a prompt that tmops did not send.'],
  ],
  'agent.turn-ended': [
    [{ kind: 'agent.turn-ended', role, failed: null, background: 0, evidence }, 'The lead ended its turn.'],
    [
      { kind: 'agent.turn-ended', role, failed: 'over\nloaded', background: 0, evidence },
      'The lead\'s turn failed: "over loaded".',
    ],
  ],
  'agent.asking': [[{ kind: 'agent.asking', role, dialog }, 'The lead\'s agent asks: "permission".']],
  'agent.worked': [[{ kind: 'agent.worked', role, evidence }, 'The lead is at work.']],
  'agent.answered': [[{ kind: 'agent.answered', role }, "The lead's agent has its answer."]],
  'agent.exited': [
    [
      { kind: 'agent.exited', ...agent, exit: { kind: 'code', code: 0 }, deliberate: true },
      "The lead's agent was ended (exit code 0).",
    ],
    [
      { kind: 'agent.exited', ...agent, exit: { kind: 'signal', signal: '9' }, deliberate: false },
      "The lead's agent ended unasked (signal 9).",
    ],
    [
      { kind: 'agent.exited', ...agent, exit: { kind: 'unknown' }, deliberate: false },
      "The lead's agent ended unasked (how is not known).",
    ],
  ],
  'agent.forgot': [[{ kind: 'agent.forgot', role }, "The lead's conversation was lost; a new one is briefed."]],
  'agent.failed': [
    [{ kind: 'agent.failed', role, sentence: 'There is no program x.', hint: 'Install it.' }, 'There is no program x.'],
  ],
  'step.began': [[{ kind: 'step.began', step: 'plan' }, 'Step plan began.']],
  'step.completed': [
    [{ kind: 'step.completed', step: 'plan', how: 'checkpoint' }, 'Step plan is done.'],
    [{ kind: 'step.completed', step: 'plan', how: 'found' }, 'Step plan is done (its checkpoint was already there).'],
  ],
  'step.skipped': [
    [{ kind: 'step.skipped', step: 'plan', by: 'mcp', why: '' }, 'Step plan was skipped by mcp.'],
    [{ kind: 'step.skipped', step: 'plan', by: 'cli', why: 'no\nneed' }, 'Step plan was skipped by cli: "no need".'],
  ],
  'step.retried': [[{ kind: 'step.retried', step: 'plan', by: 'cli' }, 'Step plan is asked for again (cli).']],
  'step.reopened': [
    [{ kind: 'step.reopened', step: 'plan', by: 'cli', why: '' }, 'Step plan and those after it are open again (cli).'],
    [
      { kind: 'step.reopened', step: 'plan', by: 'cli', why: 'it was wrong' },
      'Step plan and those after it are open again (cli): "it was wrong".',
    ],
  ],
  'rollback.began': [
    [rollback, 'Work is taken back to the beginning of work (rollback 2, cli).'],
    [
      { ...rollback, why: 'it went astray' },
      'Work is taken back to the beginning of work (rollback 2, cli): "it went astray".',
    ],
    [{ ...rollback, direction: 'undo' }, 'Rollback 2 is undone (cli).'],
  ],
  'rollback.done': [
    [{ kind: 'rollback.done', number: 2, direction: 'back', commit: null, late: null }, 'Rollback 2 is done.'],
    [
      { kind: 'rollback.done', number: 2, direction: 'undo', commit: 'a'.repeat(40), late: 'refs/tmops/x' },
      'What rollback 2 took is back; commit aaaaaaaaaaaa says so on the branch. Files that were changed meanwhile are kept as refs/tmops/x.',
    ],
  ],
  'rollback.failed': [
    [{ kind: 'rollback.failed', number: 2, why: 'no space' }, 'Rollback 2 could not be finished: "no space".'],
  ],
  'rollback.retried': [[{ kind: 'rollback.retried', number: 2, by: 'mcp' }, 'Rollback 2 is taken up again (mcp).']],
  'run.paused': [[{ kind: 'run.paused', by: 'cli', why: 'asked to' }, 'Paused by cli: asked to.']],
  'run.resumed': [[{ kind: 'run.resumed', by: 'mcp' }, 'Resumed by mcp.']],
  'pane.taken': [
    [
      { kind: 'pane.taken', role, how: 'command', by: 'cli', why: 'asked to' },
      "The lead's pane is the human's (taken by cli).",
    ],
    [
      { kind: 'pane.taken', role, how: 'use', by: 'human', why: 'a draft stands there' },
      "The lead's pane is the human's (a draft stands there).",
    ],
  ],
  'pane.used': (['prompt', 'draft', 'copy-mode', 'typing', 'key'] as const).map((sign) => [
    { kind: 'pane.used', role, sign, stays: false },
    `The human uses the lead's pane (${{ prompt: 'a prompt', draft: 'a draft', 'copy-mode': 'copy mode', typing: 'typing', key: 'a key' }[sign]}).`,
  ]),
  'pane.left': [[{ kind: 'pane.left', role }, "The human has left nothing standing in the lead's pane."]],
  'pane.returning': [
    [
      { kind: 'pane.returning', role, backAt: 86_410_000 },
      "The lead's pane goes back at 1970-01-02T00:00:10.000Z unless it is used.",
    ],
  ],
  'pane.given': [
    [{ kind: 'pane.given', role, how: 'command', by: 'mcp' }, "The lead's pane is handed back by mcp."],
    [
      { kind: 'pane.given', role, how: 'idle', by: 'tmops' },
      "The lead's pane is handed back: nobody used it any more.",
    ],
  ],
  'gate.approved': [
    [{ kind: 'gate.approved', step: 'plan', by: 'cli', comment: null, sha256: 'x' }, 'Step plan was approved by cli.'],
    [
      { kind: 'gate.approved', step: 'plan', by: 'cli', comment: 'fine', sha256: 'x' },
      'Step plan was approved by cli: "fine".',
    ],
  ],
  'gate.rejected': [
    [
      { kind: 'gate.rejected', step: 'plan', by: 'cli', comment: 'too\u001b[2J vague' },
      'Step plan was sent back by cli: "too [2J vague".',
    ],
  ],
  'check.wanted': [
    [{ kind: 'check.wanted', step: 'plan', stage: 'before', claim: null }, 'Step plan is checked before it begins.'],
    [{ kind: 'check.wanted', step: 'plan', stage: 'after', claim: 'x' }, 'Step plan is checked against its claim.'],
  ],
  'check.passed': [
    [
      { kind: 'check.passed', step: 'plan', stage: 'after', claim: 'x', snapshot: null, shown: [], tookMs: 12 },
      'The check of plan passed in 12 ms.',
    ],
    [
      {
        kind: 'check.passed',
        step: 'plan',
        stage: 'before',
        claim: null,
        snapshot: null,
        shown: ['The tests pass.', 'Nothing changed.'],
        tookMs: 12,
      },
      'The check before plan passed in 12 ms. The tests pass. Nothing changed.',
    ],
  ],
  'check.failed': [
    [
      { kind: 'check.failed', step: 'plan', stage: 'after', claim: 'x', finding, tookMs: 1 },
      'The check of plan failed: The tests pass.',
    ],
    [
      {
        kind: 'check.failed',
        step: 'plan',
        stage: 'before',
        claim: null,
        finding: { ...finding, verdict: 'inconclusive' },
        tookMs: 1,
      },
      'The check before plan was inconclusive: The tests pass.',
    ],
  ],
  'check.waived': [
    [
      { kind: 'check.waived', step: 'plan', stage: 'after', by: 'cli', comment: 'I looked' },
      'The check of plan was waived by cli: "I looked".',
    ],
  ],
  'agent.parked': [
    [
      { kind: 'agent.parked', role, untilMs: 86_400_000, why: 'resets 5pm' },
      'The lead\'s agent is at a limit until 1970-01-02T00:00:00.000Z: "resets 5pm".',
    ],
  ],
  'agent.unparked': [[{ kind: 'agent.unparked', role }, "The lead's limit is over."]],
  'role.reported': [
    [
      { kind: 'role.reported', role, what: 'blocked', text: 'no\nport' },
      'The lead says that it is blocked: "no port".',
    ],
    [
      { kind: 'role.reported', role, what: 'question', text: 'Which\u001b[2J port?\u202E' },
      'The lead has a question: "Which [2J port? ".',
    ],
    [
      { kind: 'role.reported', role, what: 'progress', text: 'x'.repeat(2000) },
      `The lead says how far it is: "${'x'.repeat(159)}…".`,
    ],
  ],
  'dialog.answered': [
    [{ kind: 'dialog.answered', role, choice: '1. Yes', by: 'mcp' }, 'mcp answered the lead\'s dialog: "1. Yes".'],
  ],
  'prompt.withdrawn': [[{ kind: 'prompt.withdrawn', prompt: 3, why: 'done' }, 'Prompt 3 was withdrawn: done.']],
  'checkpoint.gone': [[{ kind: 'checkpoint.gone', file: '001-plan.md' }, '001-plan.md is not there any more.']],
  'module.failed': [
    [
      { kind: 'module.failed', step: 'gate', stage: 'validate', why: 'no lint', rolledBack: false },
      'The module of step gate failed to validate: "no lint".',
    ],
    [
      { kind: 'module.failed', step: 'gate', stage: 'execute', why: 'lint', rolledBack: true },
      'The module of step gate failed to execute: "lint"; it was rolled back.',
    ],
  ],
  'prompt.wanted': [
    [
      { kind: 'prompt.wanted', prompt: 3, role, purpose: { kind: 'message' }, line: 'Go on', file: null },
      'For the lead: "Go on" (prompt 3).',
    ],
  ],
  'prompt.intended': [
    [{ kind: 'prompt.intended', prompt: 3, pane: '%4', generation: 1, sha256: 'x' }, 'Typing prompt 3 into pane %4.'],
  ],
  'prompt.typed': [[{ kind: 'prompt.typed', prompt: 3 }, 'Prompt 3 stands in the composer.']],
  'prompt.entered': [
    [{ kind: 'prompt.entered', prompt: 3, times: 1, busy: null }, 'Enter was pressed for prompt 3.'],
    [{ kind: 'prompt.entered', prompt: 3, times: 2, busy: null }, 'Enter was pressed for prompt 3 (2 times).'],
  ],
  'prompt.taken': [
    [{ kind: 'prompt.taken', prompt: 3, queued: false, evidence, writtenAt: 1 }, 'Prompt 3 was accepted.'],
    [{ kind: 'prompt.taken', prompt: 3, queued: true, evidence, writtenAt: 1 }, 'Prompt 3 was queued by the agent.'],
  ],
  'prompt.held': [
    [
      { kind: 'prompt.held', prompt: 3, outcome: 'held_for_human', reason: 'a draft\u001b[31m' },
      'Prompt 3 waits: "a draft [31m".',
    ],
  ],
  'prompt.stuck': [
    [
      { kind: 'prompt.stuck', prompt: 3, outcome: 'typed_not_submitted', reason: 'Enter did nothing' },
      'Prompt 3 is typed not submitted: "Enter did nothing".',
    ],
  ],
  'prompt.reopened': [
    [
      { kind: 'prompt.reopened', prompt: 3, why: 'the agent is gone' },
      'Prompt 3 will be typed again: "the agent is gone".',
    ],
  ],
  'prompt.settled': [[{ kind: 'prompt.settled', prompt: 3, as: 'resend', by: 'cli' }, 'cli said of prompt 3: resend.']],
  'checkpoint.seen': [
    [{ ...seen, gate: null }, '001-plan.md is whole.'],
    [{ ...seen, gate: 'human' }, '001-plan.md is whole and asks for a human review.'],
  ],
  'checkpoint.refused': [
    [
      { kind: 'checkpoint.refused', fault, sha256: null },
      '001-plan.md, line 3: found "**From:** Tester", expected From names lead.',
    ],
    [
      { kind: 'checkpoint.refused', fault: { ...fault, line: 0, found: 'a link' }, sha256: null },
      '001-plan.md: found "a link", expected From names lead.',
    ],
  ],
};

it.each(Object.values<readonly [Fact, string][]>(ROWS).flat())('$kind', (fact, text) => {
  expect(narrate({ ...fact, seq: 9, at: 86_400_000 })).toEqual({
    seq: 9,
    at: '1970-01-02T00:00:00.000Z',
    kind: fact.kind,
    text,
  });
});
