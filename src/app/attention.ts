import { isOutOfReminders, silentSince } from '../core/advance.ts';
import { awaitsApproval, checkState, claimOf } from '../core/claim.ts';
import { diskRemedy } from '../core/disk-remedy.ts';
import { durationWord } from '../core/duration.ts';
import type { CheckStage } from '../core/event.ts';
import { needCodeOf } from '../core/reported.ts';
import { hasArrived, holderOf, presentStep, type Agent, type Prompt, type Run } from '../core/run.ts';
import { isAgentStep, type AgentStep } from '../core/workflow.ts';
import type { Failing } from '../engine/disk.ts';
import { memoryProblems, overrunProblem, startProblemOf } from './attention-resources.ts';
import { exitWord, faultWord, quoted, reportSentence } from './narrate.ts';
import { rollbackFailed } from './rollback-failed.ts';
import { conflictProblem } from './tell-conflict.ts';
import type { ProblemView } from './views.ts';

/** What needs a human now, each with the command that helps. `failing`: the journal cannot be written. */
export function attentionOf(run: Run, now: number, failing: Failing | null = null): ProblemView[] {
  const feature = run.identity?.feature ?? '';
  const rollback = run.rollback?.failed != null ? [rollbackFailed(feature, run.rollback)] : [];
  if (run.life.kind !== 'running') return [...rollback, ...startProblemOf(run)];
  return [
    ...(failing ? [diskProblem(failing)] : []),
    ...rollback,
    ...conflictProblem(run),
    ...faultProblems(run, feature),
    ...agentProblems(run, feature),
    ...reportProblems(run, feature),
    ...promptProblems(run, feature),
    ...moduleProblem(run, feature),
    ...checkProblem(run, feature),
    ...reviewProblem(run, feature),
    ...overrunProblem(run, feature),
    ...memoryProblems(run, feature),
    ...reminderProblem(run, feature),
    ...silenceProblem(run, now),
  ];
}

const diskProblem = ({ what, why, code, path }: Failing): ProblemView => ({
  code: 'disk',
  sentence:
    what === 'journal'
      ? `Nothing can be written down, so that nothing is done: ${why}.`
      : `What is kept beside the journal cannot be renewed: ${why}.`,
  hint: `${path === '' ? 'Make room or repair the permissions of .tmops' : diskRemedy(code, path)}. It goes on by itself then.`,
});

function faultProblems(run: Run, feature: string): ProblemView[] {
  const open = new Set(
    (run.workflow?.steps ?? [])
      .filter((step): step is AgentStep => isAgentStep(step) && !run.done[step.id])
      .map((step) => step.checkpoint),
  );
  return Object.values(run.faults)
    .filter((fault) => open.has(fault.file))
    .map((fault) => ({
      code: 'checkpoint-refused',
      sentence: `${faultWord(fault)}.`,
      hint: fault.found.includes('permission denied')
        ? `${diskRemedy('EACCES', `.tmops/${feature}/current/checkpoints`)}. It is read then.`
        : `Correct .tmops/${feature}/current/checkpoints/${fault.file}; it is read again as soon as it is saved.`,
    }));
}

const agentProblems = (run: Run, feature: string): ProblemView[] =>
  Object.values(run.agents).flatMap((agent) => agentProblem(run, agent, feature) ?? []);

function agentProblem(run: Run, { role, state, parked }: Agent, feature: string): ProblemView | null {
  switch (state.kind) {
    case 'failed':
      return { code: 'agent-failed', sentence: state.sentence, hint: state.hint };
    case 'gone':
      if (run.paused) return null;
      return {
        code: 'agent-ended',
        sentence: `The ${role}'s agent has ended (${exitWord(state.exit)}).`,
        hint:
          holderOf(run, role).kind === 'human'
            ? `tmops give ${feature} ${role} starts it again`
            : `tmops start ${feature}`,
      };
    case 'asking':
      return {
        code: 'needs-answer',
        sentence: `The ${role}'s agent asks (${state.dialog.name}): ${quoted(state.dialog.text)}`,
        hint: `${state.dialog.hint} See it with: tmops attach ${feature}; answer it with: tmops answer ${feature} ${role} <choice>`,
      };
    case 'idle':
      if (state.failed === null || parked) return null;
      return {
        code: 'turn-failed',
        sentence: `The ${role}'s last turn failed: ${quoted(state.failed)}.`,
        hint: `Look at its pane (tmops attach ${feature}), then tmops message ${feature} ${role} 'Go on.'`,
      };
    case 'starting':
    case 'busy':
      return null;
    default:
      return state satisfies never;
  }
}

/** What roles say that needs a human. All of their words are in the status of their panes. */
const reportProblems = (run: Run, feature: string): ProblemView[] =>
  Object.entries(run.reports).flatMap(([role, report]) => {
    const code = needCodeOf(report.what);
    return code === null
      ? []
      : [{ code, sentence: reportSentence(role, report), hint: reportHint(run, role, feature) }];
  });

const reportHint = (run: Run, role: string, feature: string): string =>
  holderOf(run, role).kind === 'human'
    ? `Answer it in its pane; tmops give ${feature} ${role} hands the pane back`
    : `Answer it: tmops message ${feature} ${role} '…' (tmops_send_message), or in its pane: tmops take ${feature} ${role}`;

function promptProblems(run: Run, feature: string): ProblemView[] {
  return run.prompts.flatMap((prompt): ProblemView[] => {
    if (!prompt.trouble || hasArrived(prompt) || prompt.stage.kind === 'withdrawn') return [];
    const { outcome, reason } = prompt.trouble;
    // A pause is asked for, and undone, by a command of its own.
    if (outcome === 'queued' || (outcome === 'held_for_human' && run.paused)) return [];
    return [
      {
        code: outcome.replaceAll('_', '-'),
        sentence: `Prompt ${prompt.id} for the ${prompt.role} is ${outcome.replaceAll('_', ' ')}: ${reason}.`,
        hint: promptHint(run, prompt, outcome, feature),
      },
    ];
  });
}

function promptHint(run: Run, { id, role }: Prompt, outcome: string, feature: string): string {
  if (outcome === 'indeterminate' || outcome === 'typed_not_submitted')
    return `Look at the pane, then: tmops settle ${feature} ${id} resend, or: tmops settle ${feature} ${id} delivered`;
  if (holderOf(run, role).kind === 'human') return `tmops give ${feature} ${role} hands the pane back`;
  return `tmops attach ${feature}`;
}

const moduleProblem = ({ moduleFailure }: Run, feature: string): ProblemView[] =>
  moduleFailure
    ? [
        {
          code: 'module-failed',
          sentence: `The module of step ${moduleFailure.step} failed to ${moduleFailure.stage}: ${quoted(moduleFailure.why)}${moduleFailure.rolledBack ? ' It was rolled back.' : ''}`,
          hint: `Repair the cause, then: tmops retry ${feature}`,
        },
      ]
    : [];

function presentClaim(run: Run): AgentStep | null {
  const step = presentStep(run)?.step;
  return step && isAgentStep(step) ? step : null;
}

function checkProblem(run: Run, feature: string): ProblemView[] {
  const step = presentClaim(run);
  if (!step) return [];
  const stages: readonly CheckStage[] = ['before', 'after'];
  return stages.flatMap((stage): ProblemView[] => {
    const check = checkState(run, step, stage);
    if (check.kind !== 'failed' || (stage === 'after' && claimOf(run, step).kind !== 'good')) return [];
    const { verdict, sentence, files, tail } = check.finding;
    const listed = files.length > 0 ? ` Files: ${files.slice(0, 20).join(', ')}.` : '';
    const last = tail.trim().split('\n').at(-1) ?? '';
    return [
      {
        code: verdict === 'refuted' ? 'check-failed' : 'check-inconclusive',
        sentence: `${sentence}${listed}${last === '' ? '' : ` The tests ended with ${quoted(last)}.`}`,
        hint: `tmops retry ${feature} asks for the step again; tmops approve ${feature} lets it stand as it is.`,
      },
    ];
  });
}

function reviewProblem(run: Run, feature: string): ProblemView[] {
  const step = presentClaim(run);
  if (!step || !awaitsApproval(run, step) || checkState(run, step, 'after').kind === 'failed') return [];
  const asks = run.seen[step.checkpoint]?.gate === 'human' ? 'asks for a human review' : 'has to be approved';
  return [
    {
      code: 'awaits-review',
      sentence: `${step.checkpoint} ${asks}.`,
      hint: `Read it, then: tmops approve ${feature}, or: tmops reject ${feature} --comment '…'`,
    },
  ];
}

function reminderProblem(run: Run, feature: string): ProblemView[] {
  const step = presentClaim(run);
  if (!step || run.overrun || claimOf(run, step).kind === 'good' || !isOutOfReminders(run, step)) return [];
  if (holderOf(run, step.role).kind === 'human') return [];
  return [
    {
      code: 'no-checkpoint',
      sentence: `The ${step.role} ended its turn without ${step.checkpoint} and was reminded often enough.`,
      hint: `Look at its pane (tmops attach ${feature}); then tmops retry ${feature}, or tmops skip ${feature}.`,
    },
  ];
}

/**
 * The only thing in a status that the clock tells: the agent whose step is open, if it has given no sign of life for
 * longer than `features.checkpoint_timeout` and was reminded, where that could be done.
 */
export function silentAgent(run: Run, now: number): Agent | null {
  const step = presentClaim(run);
  const agent = step ? run.agents[step.role] : undefined;
  const limit = run.settings?.silentAfterMs ?? Infinity;
  const since = step ? silentSince(run, step) : null;
  return agent && since !== null && now - since >= limit ? agent : null;
}

function silenceProblem(run: Run, now: number): ProblemView[] {
  const agent = silentAgent(run, now);
  if (!agent) return [];
  const reminded = isReminded(run, agent.role) ? ', and a reminder changed nothing' : '';
  return [
    {
      code: 'agent-silent',
      sentence: `The ${agent.role}'s agent has given no sign of life for ${durationWord(now - agent.signAt)}${reminded}.`,
      hint: `Look at its pane: tmops attach ${run.identity?.feature ?? ''}`,
    },
  ];
}

const isReminded = (run: Run, role: string): boolean =>
  run.prompts.findLast((prompt) => prompt.role === role && hasArrived(prompt))?.purpose.kind === 'reminder';
