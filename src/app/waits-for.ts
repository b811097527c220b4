import { awaitsApproval, checkState, claimOf } from '../core/claim.ts';
import { callOf } from '../core/reported.ts';
import { hasArrived, holderOf, isBriefed, presentStep, type Prompt, type Run } from '../core/run.ts';
import type { Rollback } from '../core/rolled-back.ts';
import { isAgentStep, type AgentStep } from '../core/workflow.ts';
import { reportSentence } from './narrate.ts';
import { conflictWaits } from './tell-conflict.ts';
import { heldWhy, iso } from './status-panes.ts';
import type { QueueView } from './views.ts';

/** One sentence: what has to happen next, and why it has not yet. */
export function waitsFor(run: Run, queue: QueueView = null): string {
  switch (run.life.kind) {
    case 'new':
    case 'initialised':
      return `It waits to be started: tmops start ${run.identity?.feature ?? '<feature>'}.`;
    case 'queued':
      return queueSentence(run, queue);
    case 'completed':
      return run.rollback ? rollingSentence(run, run.rollback) : 'Nothing: all steps are done.';
    case 'stopped':
      if (run.rollback) return rollingSentence(run, run.rollback);
      return `It was stopped by ${run.life.by} (${run.life.why}); tmops start ${run.identity?.feature ?? ''} goes on from here.`;
    case 'running':
      if (run.rollback) return rollingSentence(run, run.rollback);
      if (run.conflict) return conflictWaits(run, run.conflict);
      return run.life.surveyed ? pausedSentence(run) + waitsInStep(run) : 'It is looking at the checkpoints on disk.';
    default:
      return run.life satisfies never;
  }
}

const rollingSentence = ({ identity }: Run, { direction, step, failed }: Rollback): string =>
  failed === null
    ? `Its work is being ${direction === 'back' ? `taken back to ${step}` : 'put back'}.`
    : `Its work could not be ${direction === 'back' ? `taken back to ${step}` : 'put back'} to the end: tmops rollback ${identity?.feature ?? ''} ${direction === 'back' ? `--to ${step}` : '--undo'} goes on.`;

function queueSentence(run: Run, queue: QueueView): string {
  const how = `it begins by itself when there is room; tmops stop ${run.identity?.feature ?? ''} takes it out.`;
  if (queue === null) return `It waits in the queue: ${how}`;
  return `It is number ${queue.position} of ${queue.length} in the queue (${queue.why}): ${how}`;
}

const pausedSentence = (run: Run): string =>
  run.paused
    ? `It is paused (${run.paused.why}, ${run.paused.by}); tmops resume ${run.identity?.feature ?? ''} goes on. `
    : '';

function waitsInStep(run: Run): string {
  const step = presentStep(run)?.step;
  if (!step) return 'Nothing: all steps are done.';
  if (run.overrun?.step === step.id)
    return `The step ${step.id} took too long, and nothing more is asked of the ${run.overrun.role}; see attention.`;
  if (!isAgentStep(step))
    return run.moduleFailure
      ? `The module ${step.module} failed; see attention.`
      : `The module ${step.module} is at work.`;
  return checkSentence(run, step) ?? claimSentence(run, step) ?? promptSentence(run, step);
}

function checkSentence(run: Run, step: AgentStep): string | null {
  const feature = run.identity?.feature ?? '';
  const before = checkState(run, step, 'before').kind;
  if (before === 'running') return `The project is looked at before ${step.id} begins.`;
  if (before === 'failed') return `The project is not in order before ${step.id}; see attention.`;
  if (claimOf(run, step).kind !== 'good') return null;
  const after = checkState(run, step, 'after').kind;
  if (after === 'running') return `What ${step.checkpoint} claims is being checked.`;
  if (after === 'failed') return `What ${step.checkpoint} claims does not hold; see attention.`;
  if (awaitsApproval(run, step)) {
    const asks = run.seen[step.checkpoint]?.gate === 'human' ? 'asks for a human review' : 'has to be approved';
    return `${step.checkpoint} ${asks}: tmops approve ${feature}, or tmops reject ${feature}.`;
  }
  return `The ${step.role} is about to end the turn that wrote ${step.checkpoint}.`;
}

function claimSentence(run: Run, step: AgentStep): string | null {
  const claim = claimOf(run, step);
  if (run.faults[step.checkpoint]) return `${step.checkpoint} is there but not in order; see attention.`;
  if (claim.kind === 'early')
    return `${step.checkpoint} was written before ${claim.before}; it has to be written again.`;
  if (claim.kind === 'older-run') return `${step.checkpoint} is older than this run; it has to be written anew.`;
  if (claim.kind === 'sent-back') return `${step.checkpoint} was sent back; the ${step.role} has to write it anew.`;
  return null;
}

function promptSentence(run: Run, step: AgentStep): string {
  const prompt = run.prompts.findLast(
    (each) => each.role === step.role && 'step' in each.purpose && each.purpose.step === step.id,
  );
  const agent = run.agents[step.role];
  if (agent?.state.kind === 'gone' || agent?.state.kind === 'failed')
    return `The ${step.role}'s agent is not running; see attention.`;
  if (agent?.parked) return `The ${step.role}'s account is at a limit until ${iso(agent.parked.untilMs)}.`;
  if (holderOf(run, step.role).kind === 'human') return heldSentence(run, step, prompt);
  const call = callOf(run, step.role);
  if (call) return `${reportSentence(step.role, call)} It waits for an answer; see attention.`;
  if (!prompt || prompt.stage.kind === 'withdrawn') return unasked(run, step);
  if (hasArrived(prompt)) return `The ${step.role} works on ${step.checkpoint}.`;
  if (run.paused) return `Prompt ${prompt.id} for the ${step.role} waits until then.`;
  return `Prompt ${prompt.id} is on its way to the ${step.role}${prompt.trouble ? `: ${prompt.trouble.reason}` : ''}.`;
}

function heldSentence(run: Run, step: AgentStep, prompt: Prompt | undefined): string {
  const feature = run.identity?.feature ?? '';
  const waits =
    prompt && prompt.stage.kind !== 'withdrawn' && !hasArrived(prompt)
      ? `prompt ${prompt.id} waits until it is handed back: tmops give ${feature} ${step.role}`
      : `${step.checkpoint} is awaited`;
  return `A human holds the ${step.role}'s pane (${heldWhy(run, step.role) ?? ''}); ${waits}.`;
}

function unasked(run: Run, step: AgentStep): string {
  if (!isBriefed(run, step.role)) return `The ${step.role} is reading its instructions.`;
  return run.paused ? `The step ${step.id} has not begun.` : `The ${step.role} is about to be prompted.`;
}
