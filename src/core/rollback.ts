import type { Fact } from './event.ts';
import type { Refusal, Request } from './request.ts';
import { holderOf, openPrompts, presentStep, snapshotOf, upAgents, type Run } from './run.ts';
import type { Rollback } from './rolled-back.ts';
import { onConflict } from './steer.ts';
import { matcher, writableBy } from './write-rules.ts';
import { isAgentStep, writeRulesOf, type Step, type Workflow } from './workflow.ts';

/** Taking work back to the beginning of a step, and undoing that. What is taken back is kept; nothing here looks at git. */

export type RollbackRequest = Extract<
  Request,
  { kind: 'roll-back' | 'undo-rollback' | 'retry-rollback' | 'rolled-back' | 'rollback-failed' }
>;

const KINDS: ReadonlySet<string> = new Set<RollbackRequest['kind']>([
  'roll-back',
  'undo-rollback',
  'retry-rollback',
  'rolled-back',
  'rollback-failed',
]);
export const isRollbackRequest = (request: Request): request is RollbackRequest => KINDS.has(request.kind);

export function decideRollback(run: Run, request: RollbackRequest): Fact[] | Refusal {
  const present = run.rollback;
  switch (request.kind) {
    case 'roll-back':
      return rollBack(run, request);
    case 'undo-rollback':
      return undo(run, request);
    case 'retry-rollback':
      return present?.failed != null ? [{ kind: 'rollback.retried', number: present.number, by: request.by }] : [];
    case 'rolled-back':
      return present?.number === request.number && present.direction === request.direction
        ? finished(run, present, request)
        : [];
    case 'rollback-failed':
      return present?.number === request.number && present.failed === null
        ? [{ kind: 'rollback.failed', number: request.number, why: request.why }]
        : [];
    default:
      return request satisfies never;
  }
}

function rollBack(run: Run, request: Extract<RollbackRequest, { kind: 'roll-back' }>): Fact[] | Refusal {
  const target = targetOf(run, request.step);
  if ('reason' in target) return target;
  const refusal = inTheWay(run);
  if (refusal) return refusal;
  const { by, why, from, to, checkpoints } = request;
  const number = run.rollbacks.length + 1;
  const step = target.step.id;
  return [{ kind: 'rollback.began', number, direction: 'back', step, by, why, from, to, checkpoints }];
}

function undo(run: Run, request: Extract<RollbackRequest, { kind: 'undo-rollback' }>): Fact[] | Refusal {
  const last = undoable(run);
  if (!last) return { reason: 'nothing-to-undo', received: 'undo', allowed: [] };
  // One that failed in the middle may be undone as it is.
  const refusal = run.rollback?.failed != null ? null : inTheWay(run);
  if (refusal) return refusal;
  const { number, step, from: to } = last;
  const { by, from, checkpoints } = request;
  return [{ kind: 'rollback.began', number, direction: 'undo', step, by, why: '', from, to, checkpoints }];
}

function finished(run: Run, rollback: Rollback, request: Extract<RollbackRequest, { kind: 'rolled-back' }>): Fact[] {
  const { number, direction, step, by, why } = rollback;
  const done: Fact = { kind: 'rollback.done', number, direction, commit: request.commit, late: request.late };
  if (direction === 'undo') return [done];
  // A run that was completed waits for somebody to say that it goes on: they may want to look first.
  const paused: Fact[] =
    run.life.kind === 'completed' ? [{ kind: 'run.paused', by, why: `rolled back to ${step}` }] : [];
  return [{ kind: 'step.reopened', step, by, why }, done, ...paused];
}

/** The rollback that was made last and not undone, also one that is not finished. */
export const undoable = (run: Run): Rollback | undefined => run.rollbacks.findLast(({ undone }) => !undone);

/** The step that is called so, or the first step of the role that is; it is done, or the present one. */
export function targetOf(run: Run, word: string): { readonly step: Step; readonly index: number } | Refusal {
  const steps = run.workflow?.steps ?? [];
  if (steps.length === 0) return { reason: 'not-running', received: 'rollback', allowed: ['start'] };
  const byName = steps.findIndex(({ id }) => id === word);
  const index = byName >= 0 ? byName : steps.findIndex((step) => isAgentStep(step) && step.role === word);
  const step = steps[index];
  const ids = steps.map(({ id }) => id);
  if (!step) return { reason: 'unknown-phase', received: word, allowed: [...ids, ...rolesOf(steps)] };
  const present = presentStep(run)?.index ?? steps.length - 1;
  return index <= present
    ? { step, index }
    : { reason: 'step-ahead', received: step.id, allowed: ids.slice(0, present + 1) };
}

const rolesOf = (steps: readonly Step[]): string[] => [
  ...new Set(steps.flatMap((step) => (isAgentStep(step) ? [step.role] : []))),
];

/** What must have ended before files are taken back: whoever is at work would write on into them. */
export function inTheWay(run: Run): Refusal | null {
  if (run.workflow === null || run.life.kind === 'new' || run.life.kind === 'initialised')
    return { reason: 'not-running', received: 'rollback', allowed: ['start'] };
  // It may begin at any moment.
  if (run.life.kind === 'queued') return { reason: 'queued', received: 'rollback', allowed: ['stop'] };
  if (run.rollback) return { reason: 'rolling-back', received: run.rollback.step, allowed: [run.rollback.direction] };
  if (run.conflict) return onConflict(run.conflict);
  const up = upAgents(run);
  const busy = up.find(({ state }) => state.kind === 'busy' || state.kind === 'asking');
  if (busy) return { reason: 'agent-at-work', received: busy.role, allowed: [] };
  if (run.life.kind !== 'running') return null;
  const held = Object.keys(run.holders).find((role) => holderOf(run, role).kind === 'human');
  if (held !== undefined) return { reason: 'pane-held', received: held, allowed: [] };
  const typed = up.flatMap(({ role }) => openPrompts(run, role)).find(({ stage }) => stage.kind !== 'wanted');
  if (typed) return { reason: 'prompt-under-way', received: String(typed.id), allowed: [typed.role] };
  return checkOrModule(run);
}

function checkOrModule(run: Run): Refusal | null {
  const checked = Object.keys(run.checks).find((step) => {
    const { before, after } = run.checks[step] ?? { before: null, after: null };
    return before?.kind === 'running' || after?.kind === 'running';
  });
  if (checked !== undefined) return { reason: 'step-at-work', received: checked, allowed: [] };
  const step = presentStep(run)?.step;
  const began = run.life.kind === 'running' && run.life.stepBeganAt !== null;
  return step && !isAgentStep(step) && began && !run.moduleFailure
    ? { reason: 'step-at-work', received: step.id, allowed: [] }
    : null;
}

/** A commit that shows how the project was when a step began. */
export interface Point {
  readonly commit: string;
  /** `kept`: the working tree, kept on top of the commit of then. `base`: where the feature began. */
  readonly kind: 'kept' | 'base';
}

/** Null where neither is known: the run was begun by hand, and the step before tmops watched. */
export function pointOf(run: Run, step: string): Point | null {
  const kept = snapshotOf(run.points[step] ?? null);
  if (kept !== null) return { commit: kept, kind: 'kept' };
  return run.identity?.base ? { commit: run.identity.base, kind: 'base' } : null;
}

/**
 * Whether a path (relative to the worktree) goes when the work is taken back to the step at `index`. It goes if a role
 * of that step or a later one may write it, and stays if it is a test file of a role of that step or an earlier one whose
 * work is named (`allow_writes`). So tests go with all that came before them, and stay for whoever is to go on from them.
 */
export function withdrawnFrom(workflow: Workflow, index: number): (path: string) => boolean {
  const later = writersOf(workflow, workflow.steps.slice(index));
  const named = workflow.steps
    .slice(0, index + 1)
    .filter(isAgentStep)
    .map(({ role }) => writeRulesOf(workflow, role))
    .filter((rules) => rules?.allow != null)
    .map((rules) => writableBy(rules ?? NOTHING));
  const isTest = matcher(workflow.tests);
  const isGenerated = matcher(workflow.generated);
  return (path) =>
    isProject(path) &&
    !isGenerated(path) &&
    later.some((writes) => writes(path)) &&
    !(isTest(path) && named.some((writes) => writes(path)));
}

/** Whether a role of a step before the one at `index` may have written the path. */
export function writtenBefore(workflow: Workflow, index: number): (path: string) => boolean {
  const writers = writersOf(workflow, workflow.steps.slice(0, index));
  return (path) => writers.some((writes) => writes(path));
}

const NOTHING = { allow: [], deny: [] } as const;
const EVERYTHING = { allow: null, deny: [] } as const;
const isProject = (path: string): boolean => path !== '.tmops' && !path.startsWith('.tmops/');

/** A module is code of the project and may write what it likes. */
const writersOf = (workflow: Workflow, steps: readonly Step[]): ((path: string) => boolean)[] =>
  steps.map((step) => writableBy((isAgentStep(step) ? writeRulesOf(workflow, step.role) : null) ?? EVERYTHING));

/** Files of the run's folder that go: the checkpoints of the steps from `index` on, and the figures made of them. */
export function reportsFrom(workflow: Workflow, index: number): string[] {
  const steps = workflow.steps.slice(index).filter(isAgentStep);
  return [
    ...steps.map(({ checkpoint }) => `checkpoints/${checkpoint}`),
    ...steps.filter(({ kind }) => kind === 'summary').map(({ checkpoint }) => checkpoint),
    'metrics.json',
  ];
}
