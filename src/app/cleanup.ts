import type { CleanupDone, CleanupPlan } from '../core/cleanup.ts';
import type { Finding } from '../core/gc.ts';
import type { Run } from '../core/run.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { Caller } from '../link/protocol.ts';
import type { Answer, Handler } from './handler.ts';
import type { AppPorts } from './ports.ts';
import type { InputOf, OutputOf } from './table.ts';
import { tellCleanup } from './tell-cleanup.ts';
import { unknownFeature } from './tell.ts';
import type { ProblemView } from './views.ts';
import { openTurns } from './turns.ts';

type Input = InputOf<'cleanup'>;
type Output = OutputOf<'cleanup'>;

export interface Cleanups {
  /** Puts a feature away that is over. What nothing else holds is kept before it goes. */
  readonly handle: Handler<'cleanup'>;
  /** Those that a crash cut short, each to be finished as it was begun. */
  readonly cutShort: (caller: Caller) => Promise<readonly Finding[]>;
}

export function openCleanups(ports: AppPorts): Cleanups {
  // One after the other: two for one feature would plan from what the other is about to move.
  const inTurn = openTurns();
  return {
    handle: (input, caller) => inTurn(() => cleanUp(ports, input, caller)),
    cutShort: (caller) =>
      // In turn: the mark of one that goes on is no leftover.
      inTurn(async () =>
        (await ports.cleanupMarks()).map((feature) => ({
          kind: 'cleanup',
          what: `the cleanup of ${feature}`,
          why: 'it was cut short; it is finished as it was begun',
          remove: () => inTurn(() => finish(ports, feature, caller)),
        })),
      ),
  };
}

async function finish(ports: AppPorts, feature: string, caller: Caller): Promise<string | null> {
  // Somebody has finished it meanwhile, and the name may belong to a new feature.
  if (!(await ports.cleanupMarks()).includes(feature)) return null;
  const answer = await cleanUp(ports, { feature, discard: false, deleteBranch: false, dryRun: false }, caller);
  return answer.ok ? null : `${answer.problem.sentence} ${answer.problem.hint}`;
}

async function cleanUp(ports: AppPorts, input: Input, caller: Caller): Promise<Answer<'cleanup'>> {
  const { feature, dryRun } = input;
  const loaded = ports.config(caller.env);
  if (!loaded.ok) return loaded;
  const live = await ports.workspace.live(feature);
  const run = live?.loop.run();
  const busy = run ? whyBusy(run, feature) : null;
  if (busy) return { ok: false, problem: busy };
  const listed = (await ports.features()).find((each) => each.feature === feature);
  const planned = await ports.planCleanup(
    {
      ...{ feature, discard: input.discard, deleteBranch: input.deleteBranch },
      branch: run?.identity?.branch ?? listed?.line?.branch ?? `feature/${feature}`,
      worktree: run?.identity?.worktree ?? ports.worktreePath(feature, loaded.config),
      nowIso: new Date(ports.clock.now()).toISOString(),
    },
    loaded.config,
  );
  if (planned.ok === 'nothing') {
    if (planned.archives.length === 0) return { ok: false, problem: unknownFeature(feature) };
    return { ok: true, output: nothingLeft(feature, planned.archives) };
  }
  if (!planned.ok) return { ok: false, problem: tellCleanup(planned.problem, feature) };
  const { plan } = planned;
  if (dryRun) return { ok: true, output: outputOf(plan, null) };
  return carryOut(ports, live, plan);
}

async function carryOut(ports: AppPorts, live: LiveRun | null, plan: CleanupPlan): Promise<Answer<'cleanup'>> {
  const { feature } = plan;
  await live?.endSession();
  const ended: { done?: CleanupDone } = {};
  const busy = await ports.workspace.retire(
    feature,
    // It may have been started since it was looked at.
    (run) => whyBusy(run, feature),
    async () => {
      ended.done = await ports.cleanUp(plan);
    },
  );
  if (busy) return { ok: false, problem: busy };
  return { ok: true, output: outputOf(plan, ended.done ?? null) };
}

/** A run that is going, or about to, is not put away under the agents. */
function whyBusy({ life, rollback, paused }: Run, feature: string): ProblemView | null {
  if (rollback !== null && rollback.failed === null)
    return { code: 'rolling-back', sentence: `${feature} is being rolled back.`, hint: `tmops status ${feature}` };
  if (life.kind === 'queued')
    return {
      code: 'cleanup-busy',
      sentence: `${feature} waits in the queue.`,
      hint: `Take it out first: tmops stop ${feature}`,
    };
  if (life.kind !== 'running') return null;
  return {
    code: 'cleanup-busy',
    sentence: `${feature} is ${paused === null ? 'running' : 'paused'}.`,
    hint: `End it first: tmops stop ${feature}`,
  };
}

const nothingLeft = (feature: string, archives: readonly string[]): Output => ({
  ...{ feature, done: false, removed: [], branch: `feature/${feature}`, branchKept: true },
  kept: archives.map((path) => `The feature's folder, in ${path}`),
  ...{ archive: archives.at(-1) ?? null, ref: null, notes: [] },
});

/** `done` is null for a dry run. */
function outputOf(plan: CleanupPlan, done: CleanupDone | null): Output {
  const { feature, branch, deleteBranch, tip } = plan;
  const archive = done === null ? plan.archive : done.archive;
  return {
    feature,
    done: done !== null,
    removed: removedBy(plan),
    kept: keptBy(plan, archive, done),
    branch,
    branchKept: tip !== null && !deleteBranch,
    archive: plan.hasFolder || done?.archive != null ? archive : null,
    ref: plan.keeps || (deleteBranch && tip !== null) ? plan.ref : null,
    notes: notesOf(plan, done),
  };
}

function removedBy(plan: CleanupPlan): string[] {
  const { feature, worktree, dirty, dirtyCount, ignoredFolders, deleteBranch, unmerged, tip, branch } = plan;
  const more = dirtyCount > dirty.length ? ` and ${dirtyCount - dirty.length} more` : '';
  return [
    ...(plan.hasFolder ? [`Session, agents and locks of ${feature}, where there are any`] : []),
    ...(plan.hasWorktree ? [`Worktree ${worktree}`] : []),
    ...(dirtyCount > 0 ? [`Not committed: ${dirty.join(', ')}${more}`] : []),
    ...(ignoredFolders.length > 0 ? [`Folders that git ignores: ${ignoredFolders.slice(0, SHOWN).join(', ')}`] : []),
    ...(deleteBranch && tip !== null ? [`Branch ${branch}${unmerged.length > 0 ? ', not merged' : ''}`] : []),
    ...(plan.isListed ? [`Its line in .tmops/FEATURES.txt`] : []),
  ];
}

const SHOWN = 10;

function keptBy(plan: CleanupPlan, archive: string | null, done: CleanupDone | null): string[] {
  const { branch, tip, deleteBranch, ref, keeps, ignoredFiles, backup } = plan;
  return [
    ...(plan.hasFolder && archive !== null ? [`The feature's folder, in ${archive}`] : []),
    ...(tip !== null && !deleteBranch ? [`Branch ${branch}, at ${tip.slice(0, 12)}`] : []),
    ...(tip !== null && deleteBranch ? [`The branch's commits, under ${ref}/branch`] : []),
    ...(keeps ? [`What no branch holds, under ${ref}/discarded-files (the index: ${ref}/discarded-index)`] : []),
    ...(ignoredFiles.length > 0
      ? [`Files that git ignores, in ${backup}/worktree: ${ignoredFiles.slice(0, SHOWN).join(', ')}`]
      : []),
    ...(done?.backup != null && plan.hasFolder && plan.script === null
      ? [`A copy of the folder, in ${backup}/feature`]
      : []),
  ];
}

function notesOf(plan: CleanupPlan, done: CleanupDone | null): string[] {
  const { script } = plan;
  const ran = done?.script;
  return [
    ...(plan.resumed
      ? [`An earlier cleanup was cut short; this one finishes it. What that one let go is below ${plan.ref}.`]
      : []),
    ...(done === null && script !== null ? [`The framework's script would be run: ${script}`] : []),
    ...(ran ? [`The framework's script was run: ${ran.argv.join(' ')}`] : []),
    ...(ran?.failure != null ? [`It failed (${ran.failure}); tmops did the same itself.`] : []),
  ];
}
