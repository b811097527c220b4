import { awaitsApproval, claimOf } from '../core/claim.ts';
import { presentStep, type Run } from '../core/run.ts';
import { isAgentStep, promptOf } from '../core/workflow.ts';
import { faultWord, quoted } from './narrate.ts';
import { waitsFor } from './waits-for.ts';

/** One sentence: what `start` would do first, of a run as it would stand then (see forecast.ts). */
export function nextAfterStart(run: Run): string {
  const present = presentStep(run);
  if (run.life.kind === 'stopped' || !run.workflow || !run.identity) return waitsFor(run);
  if (!present || run.life.kind === 'completed') return 'All its steps are done.';
  const { step, index } = present;
  if (!isAgentStep(step)) return `The module ${step.module} is executed (step ${step.id}).`;
  const fault = run.faults[step.checkpoint];
  if (fault) return `${faultWord(fault)}; it is read again when it has been corrected.`;
  const claim = claimOf(run, step).kind;
  if (claim === 'good' && awaitsApproval(run, step))
    return `${step.checkpoint} asks for a human review: tmops approve ${run.identity.feature}, or tmops reject, after the start.`;
  if (claim !== 'good' && claim !== 'none') return waitsFor(run);
  return `The ${step.role} is told ${quoted(promptOf(run.workflow, index, run.identity))}, and ${step.checkpoint} is awaited (step ${step.id}).`;
}
