import type { Fact } from './event.ts';
import { instructionsPrompt, isBriefed, presentStep, type Run } from './run.ts';
import { isAgentStep, promptOf, reminderOf, type AgentStep } from './workflow.ts';

/**
 * What a running feature needs next, as facts; empty when it can only wait. Called again with the facts applied until
 * it has nothing to add.
 */
export function advance(run: Run): Fact[] {
  if (run.life.kind !== 'running' || !run.life.surveyed) return [];
  const present = presentStep(run);
  if (!present) return [{ kind: 'run.completed' }];
  const { step } = present;
  if (isAgentStep(step) && claimOf(run, step).kind === 'good') {
    return [
      {
        kind: 'step.completed',
        step: step.id,
        how: run.seen[step.checkpoint]?.found === true ? 'found' : 'checkpoint',
      },
    ];
  }
  const briefs = briefings(run);
  return briefs.length > 0 ? briefs : beginning(run, present.index);
}

/**
 * What the step's checkpoint is worth. A file counts if it is not older than the run, and not older than the checkpoint
 * before it unless it was there when watching began: an agent that writes all its checkpoints ahead proves nothing.
 */
export type Claim =
  | { readonly kind: 'none' }
  | { readonly kind: 'good' }
  | { readonly kind: 'older-run' }
  | { readonly kind: 'early'; readonly before: string }
  | { readonly kind: 'awaits-human' };

export function claimOf(run: Run, step: AgentStep): Claim {
  const seen = run.seen[step.checkpoint];
  if (!seen) return { kind: 'none' };
  // File systems and clocks may round to a second; a checkpoint cannot be written before its run exists.
  if (seen.mtimeMs < run.createdAt - 1000) return { kind: 'older-run' };
  const earlier = lastDoneFile(run, step);
  if (earlier && !seen.found && seen.mtimeMs < earlier.mtimeMs) return { kind: 'early', before: earlier.file };
  return seen.gate === 'human' ? { kind: 'awaits-human' } : { kind: 'good' };
}

function lastDoneFile(run: Run, step: AgentStep): { file: string; mtimeMs: number } | null {
  const steps = run.workflow?.steps ?? [];
  const before = steps
    .slice(
      0,
      steps.findIndex((each) => each.id === step.id),
    )
    .filter(isAgentStep);
  for (const each of before.toReversed()) {
    const mtimeMs = run.done[each.id]?.mtimeMs;
    if (mtimeMs !== undefined && mtimeMs !== null) return { file: each.checkpoint, mtimeMs };
  }
  return null;
}

/** Every role gets its instructions once in each conversation. */
function briefings(run: Run): Fact[] {
  if (run.settings?.instructions !== 'typed') return [];
  const missing = Object.keys(run.workflow?.roles ?? {}).filter(
    (role) => run.agents[role] !== undefined && !instructionsPrompt(run, role),
  );
  return missing.map((role, index) => ({
    kind: 'prompt.wanted',
    prompt: run.prompts.length + 1 + index,
    role,
    purpose: { kind: 'instructions' },
    line: `Read .tmops/${run.identity?.feature ?? ''}/current/roles/${role}.md and follow it.`,
    file: null,
  }));
}

function beginning(run: Run, index: number): Fact[] {
  const { workflow, identity, life } = run;
  const step = workflow?.steps[index];
  if (!step || !identity || life.kind !== 'running' || life.stepBeganAt !== null) return [];
  if (!isAgentStep(step)) return run.moduleFailure?.step === step.id ? [] : [{ kind: 'step.began', step: step.id }];
  const agent = run.agents[step.role];
  if (!agent || agent.state.kind === 'gone' || agent.state.kind === 'failed' || !isBriefed(run, step.role)) return [];
  const asked = run.prompts.filter(
    (prompt) =>
      prompt.role === step.role &&
      prompt.id >= agent.firstPrompt &&
      'step' in prompt.purpose &&
      prompt.purpose.step === step.id,
  );
  const began: Fact = { kind: 'step.began', step: step.id };
  const last = asked.at(-1);
  if (last && last.stage.kind !== 'taken' && last.stage.kind !== 'delivered-by-hand') return [began];
  const wanted = { kind: 'prompt.wanted', prompt: run.prompts.length + 1, role: step.role, file: null } as const;
  if (last)
    return [began, { ...wanted, purpose: { kind: 'reminder', step: step.id }, line: reminderOf(workflow, step) }];
  return [began, { ...wanted, purpose: { kind: 'step', step: step.id }, line: promptOf(workflow, index, identity) }];
}
