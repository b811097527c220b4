import type { Refusal } from '../core/request.ts';
import {
  inTheWay,
  pointOf,
  reportsFrom,
  targetOf,
  undoable,
  withdrawnFrom,
  writtenBefore,
  type Point,
} from '../core/rollback.ts';
import type { Run } from '../core/run.ts';
import type { Rollback, Trees } from '../core/rolled-back.ts';
import type { Workflow } from '../core/workflow.ts';
import { moveReports, reportsThere } from './archive.ts';
import type { RunLoop } from './loop.ts';
import type { RunPlace } from './place.ts';
import type { BranchCommit, Change, Rewinder, TreeObstacle } from './ports.ts';

/** What a rollback, or undoing one, would do. Nothing was touched to find out. */
export interface RollbackPlan {
  readonly step: string;
  /** Steps that would be open, in order; for an undo those that the rollback had opened. */
  readonly steps: readonly string[];
  /** Where the files go back to; null for an undo. */
  readonly point: Point | null;
  readonly from: Trees;
  readonly to: Trees;
  readonly changes: readonly Change[];
  readonly commits: readonly BranchCommit[];
  /** Files of the run's folder that go into the archive, and that come out of it. */
  readonly going: readonly string[];
  readonly coming: readonly string[];
  /** Why it would be refused at this moment. */
  readonly blocked: Refusal | null;
}

export type RollbackProblem =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'obstacle'; readonly obstacle: TreeObstacle }
  /** It is not known how the project was when the step began. */
  | { readonly kind: 'no-point'; readonly step: string }
  /** Only the beginning of the feature is known, and these files may be work that is to stay. */
  | { readonly kind: 'unclear'; readonly step: string; readonly files: readonly string[] };

export type Planned =
  { readonly ok: true; readonly plan: RollbackPlan } | { readonly ok: false; readonly problem: RollbackProblem };

interface Scene {
  readonly run: Run;
  readonly place: RunPlace;
  readonly rewinder: Rewinder;
}

const refused = (refusal: Refusal): Planned => ({ ok: false, problem: { kind: 'refused', refusal } });
const NOT_STARTED: Refusal = { reason: 'not-running', received: 'rollback', allowed: ['start'] };

/** `word` is a step or a role. */
export async function planRollback(scene: Scene, word: string): Promise<Planned> {
  const { run, rewinder } = scene;
  const { workflow, identity } = run;
  if (!workflow || !identity) return refused(NOT_STARTED);
  const target = targetOf(run, word);
  if ('reason' in target) return refused(target);
  const { index, step } = target;
  const point = pointOf(run, step.id);
  if (!point) return { ok: false, problem: { kind: 'no-point', step: step.id } };
  const { worktree } = identity;
  const head = point.kind === 'base' ? point.commit : await rewinder.parentOf(worktree, point.commit);
  const to = { head: head ?? point.commit, index: head ?? point.commit, files: point.commit };
  const compared = await compare(scene, { workflow, index, to });
  if (!compared.ok) return compared;
  const { plan } = compared;
  const isEarlier = writtenBefore(workflow, index);
  const files = point.kind === 'base' ? plan.changes.map(({ path }) => path).filter(isEarlier) : [];
  if (files.length > 0) return { ok: false, problem: { kind: 'unclear', step: step.id, files } };
  return { ok: true, plan: { ...plan, point } };
}

export async function planUndo(scene: Scene): Promise<Planned> {
  const last = undoable(scene.run);
  if (!last) return refused({ reason: 'nothing-to-undo', received: 'undo', allowed: [] });
  const workflow = last.workflow ?? scene.run.workflow;
  if (!workflow) return refused(NOT_STARTED);
  const index = indexOf(workflow, last.step);
  const compared = await compare(scene, { workflow, index, to: last.from });
  if (!compared.ok) return compared;
  // Of one that failed in the middle the rest is still where it was.
  const going = scene.run.rollback?.direction === 'back' ? [] : compared.plan.going;
  return { ok: true, plan: { ...compared.plan, going, coming: last.checkpoints } };
}

const indexOf = (workflow: Workflow, step: string): number => workflow.steps.findIndex(({ id }) => id === step);

/** Holds how the project is now against how it is to be. */
async function compare(
  { run, place, rewinder }: Scene,
  { workflow, index, to }: { readonly workflow: Workflow; readonly index: number; readonly to: Trees },
): Promise<Planned> {
  const { worktree = '', branch = '' } = run.identity ?? {};
  const obstacle = await rewinder.obstacle(worktree, { branch, since: to.head });
  if (obstacle) return { ok: false, problem: { kind: 'obstacle', obstacle } };
  const from = await rewinder.look(worktree);
  const isWithdrawn = withdrawnFrom(workflow, index);
  const changes = (await rewinder.differing(worktree, from, to)).filter(({ path }) => isWithdrawn(path));
  const changed = new Set(changes.map(({ path }) => path));
  const commits = (await rewinder.commits(worktree, to.head)).filter(({ files }) =>
    files.some((file) => changed.has(file)),
  );
  const steps = workflow.steps.slice(index).map(({ id }) => id);
  const going = await reportsThere(place, reportsFrom(workflow, index));
  const blocked = run.rollback?.failed != null ? null : inTheWay(run);
  const step = workflow.steps[index]?.id ?? '';
  return { ok: true, plan: { step, steps, point: null, from, to, changes, commits, going, coming: [], blocked } };
}

/** Under `refs/tmops/`, where what a rollback or its undoing found is kept. */
export function keptName(run: Run, direction: Rollback['direction'], number: number): string {
  const { feature = '', run: name = '' } = run.identity ?? {};
  return `${feature}/${name}/${direction === 'back' ? 'rollback' : 'undo'}-${number}`;
}

/** Brings project and checkpoints to what the rollback under way wants, and reports it. May be done again after a crash. */
export async function performRollback(
  { loop, place, rewinder }: { readonly loop: RunLoop; readonly place: RunPlace; readonly rewinder: Rewinder },
  number: number,
  isClosed: () => boolean,
): Promise<void> {
  const run = loop.run();
  const { rollback } = run;
  if (rollback?.number !== number || rollback.failed !== null || !run.identity) return;
  const { direction } = rollback;
  try {
    const done = await carryOut({ run, place, rewinder }, rollback);
    if (!isClosed()) await loop.submit({ kind: 'rolled-back', number, direction, ...done });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (!isClosed()) await loop.submit({ kind: 'rollback-failed', number, why });
  }
}

async function carryOut(
  { run, place, rewinder }: Scene,
  rollback: Rollback,
): Promise<{ readonly commit: string | null; readonly late: string | null }> {
  const { number, direction, step, from, to, checkpoints: going, workflow } = rollback;
  const { worktree = '', branch = '', feature = '' } = run.identity ?? {};
  if (!workflow) throw new Error('Internal error: a rollback in a run without a workflow');
  const isWithdrawn = withdrawnFrom(workflow, indexOf(workflow, step));
  const differing = async (one: Trees, other: Trees): Promise<string[]> =>
    (await rewinder.differing(worktree, one, other)).map(({ path }) => path).filter(isWithdrawn);
  const now = await rewinder.look(worktree);
  const unlike = new Set(await differing(now, to));
  // What is neither as it was kept nor as it is to be was changed since; a crash in the middle leaves nothing of the kind.
  const isLate = (await differing(now, from)).some((path) => unlike.has(path));
  const name = keptName(run, direction, number);
  const late = isLate ? `${name}-late-${now.files.slice(0, 12)}` : null;
  if (late !== null) await rewinder.keep(worktree, now, late);
  const paths = [...new Set([...(await differing(from, to)), ...unlike])];
  const subject = `tmops ${direction === 'back' ? 'rollback' : 'undo of rollback'} ${number} of ${feature}: ${step}`;
  const message = `${subject}\n\nWhat was there before is kept: git log refs/tmops/${name}-head\n`;
  await rewinder.put(worktree, { branch, to, paths, message });
  const coming = direction === 'undo' ? (run.rollbacks[number - 1]?.checkpoints ?? []) : [];
  await moveReports(place, { number, direction, going, coming });
  // Asked of the branch: the commit may have been made before a crash.
  const made = (await rewinder.commits(worktree, from.head)).find((each) => each.subject === subject);
  return { commit: made?.commit ?? null, late: late === null ? null : `refs/tmops/${late}-files` };
}
