import { checksOf, snapshotOf, type Check, type Run } from './run.ts';
import { isAgentStep, writeRulesOf, type AgentStep } from './workflow.ts';

/**
 * What the step's checkpoint is worth. A file counts if it is not older than the run, not older than the checkpoint
 * before it unless it was there when watching began (an agent that writes all its checkpoints ahead proves nothing),
 * and was not sent back as it stands.
 */
export type Claim =
  | { readonly kind: 'none' }
  /** Whole and in its turn. It still may have to be checked, and approved. */
  | { readonly kind: 'good'; readonly sha256: string }
  | { readonly kind: 'older-run' }
  | { readonly kind: 'early'; readonly before: string }
  | { readonly kind: 'sent-back' };

export function claimOf(run: Run, step: AgentStep): Claim {
  const seen = run.seen[step.checkpoint];
  if (!seen) return { kind: 'none' };
  // File systems and clocks may round to a second; a checkpoint cannot be written before its run exists.
  if (seen.mtimeMs < run.createdAt - 1000) return { kind: 'older-run' };
  const void_ = run.void[step.checkpoint];
  if (void_?.sha256 === seen.sha256 && void_.mtimeMs === seen.mtimeMs) return { kind: 'sent-back' };
  const earlier = lastDoneFile(run, step);
  if (earlier && !seen.found && seen.mtimeMs < earlier.mtimeMs) return { kind: 'early', before: earlier.file };
  return { kind: 'good', sha256: seen.sha256 };
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

/** Whether somebody has to approve the step's present claim before the next step begins. */
export function awaitsApproval(run: Run, step: AgentStep): boolean {
  const seen = run.seen[step.checkpoint];
  if (claimOf(run, step).kind !== 'good' || !seen) return false;
  return (seen.gate === 'human' || step.gate === 'human') && run.approved[step.id] !== seen.sha256;
}

/** What is looked at before a step is asked for, or after its checkpoint is there. */
export interface CheckOrder {
  /** The tests have to end like this; null: they are not run. */
  readonly tests: 'pass' | 'fail' | null;
  /** The tests pass once the files that the step added are taken out. */
  readonly withoutAdded: boolean;
  /** The working tree is kept, and compared with how it was before the step. */
  readonly tree: boolean;
}

/** Null where there is nothing to look at. */
export function orderOf(run: Run, step: AgentStep, stage: 'before' | 'after'): CheckOrder | null {
  if (!run.workflow || run.settings?.evidence !== true) return null;
  const { before, tests, without_added: withoutAdded } = step.evidence ?? {};
  const hasRules = writeRulesOf(run.workflow, step.role) !== null;
  // Where somebody let a red baseline stand, nothing can be said of what the added files alone do.
  const isWaived = run.settings.baseline === 'waived' || checksOf(run, step.id).before?.kind === 'waived';
  const tree = hasRules || withoutAdded !== undefined;
  const order: CheckOrder =
    stage === 'before'
      ? { tests: before === undefined || isWaived ? null : 'pass', withoutAdded: false, tree }
      : { tests: tests ?? null, withoutAdded: withoutAdded !== undefined && !isWaived, tree };
  return order.tests === null && !order.tree ? null : order;
}

/**
 * Where a role is denied to write something: the last step before, of another role that may write, and the tree it left.
 * What is denied must stand as it stood there. Null where there is no such step or its tree was not kept.
 */
export function heldSince(run: Run, step: AgentStep): { readonly step: string; readonly snapshot: string } | null {
  const { workflow } = run;
  if (!workflow || (writeRulesOf(workflow, step.role)?.deny ?? []).length === 0) return null;
  const before = workflow.steps.slice(
    0,
    workflow.steps.findIndex(({ id }) => id === step.id),
  );
  const last = before
    .filter(isAgentStep)
    .findLast(({ role }) => role !== step.role && writeRulesOf(workflow, role)?.allow?.length !== 0);
  const snapshot = last ? snapshotOf(checksOf(run, last.id).after) : null;
  return last && snapshot !== null ? { step: last.id, snapshot } : null;
}

/** How a check of the present claim stands; `none` when it has not been wanted yet. */
export function checkState(run: Run, step: AgentStep, stage: 'before' | 'after'): Check | { readonly kind: 'none' } {
  const check = checksOf(run, step.id)[stage];
  const claim = stage === 'before' ? null : (run.seen[step.checkpoint]?.sha256 ?? null);
  return check && check.claim === claim ? check : { kind: 'none' };
}

/**
 * A checkpoint that was found when watching began tells of work that went on without us. What is true now can only be
 * held against the last of such steps, and only if it was begun while we watched.
 */
export function isCheckable(run: Run, step: AgentStep): boolean {
  if (run.seen[step.checkpoint]?.found !== true) return true;
  if (checksOf(run, step.id).before === null && orderOf(run, step, 'before') !== null) return false;
  const steps = run.workflow?.steps ?? [];
  const later = steps.slice(steps.findIndex((each) => each.id === step.id) + 1).filter(isAgentStep);
  return later.every((each) => run.seen[each.checkpoint] === undefined);
}
