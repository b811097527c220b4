import type { CleanupDone, CleanupOrder, CleanupPlan, CleanupPlanned } from '../../core/cleanup.ts';
import type { InitOrder, InitOutcome, ListedFeature, SpecState, TestCommand } from '../../core/init.ts';
import { cleanUp } from './cleanup.ts';
import { cleanupMarks } from './cleanup-mark.ts';
import { planCleanup } from './cleanup-plan.ts';
import { listFeatures } from './features.ts';
import { findRun, isLinked, type FoundRun } from './found.ts';
import { initialise } from './initialise.ts';
import { readSpecState } from './spec.ts';
import { detectTestCommand } from './test-command.ts';
import { openTurns } from './turns.ts';
import type { ProjectOptions } from './work.ts';

/** The user's project on disk: what the framework's contract puts there. */
export interface Project {
  /** Orders for one feature run one after the other, those for several at once. */
  initialise(order: InitOrder): Promise<InitOutcome>;
  detectTestCommand(root: string): Promise<TestCommand | null>;
  listFeatures(root: string): Promise<readonly ListedFeature[]>;
  readSpecState(specFile: string, template: string): Promise<SpecState>;
  /** What the folders of a feature tell of its present run; nothing is changed. */
  findRun(root: string, feature: string): Promise<FoundRun>;
  isLinked(worktree: string, root: string): Promise<boolean>;
  /** What a cleanup would do, or what forbids it; nothing is changed. */
  planCleanup(order: CleanupOrder): Promise<CleanupPlanned>;
  cleanUp(plan: CleanupPlan): Promise<CleanupDone>;
  /** Features whose cleanup was begun and is not finished. */
  cleanupMarks(root: string): Promise<readonly string[]>;
}

export function openProject(options: ProjectOptions): Project {
  const inTurn = openTurns();
  return {
    initialise: (order) =>
      inTurn(`feature ${order.workspaceRoot} ${order.feature}`, () => initialise(options, inTurn, order)),
    detectTestCommand,
    listFeatures,
    readSpecState,
    findRun,
    isLinked,
    planCleanup: (order) => planCleanup(options.git, order),
    cleanupMarks,
    cleanUp: (plan) => inTurn(`feature ${plan.root} ${plan.feature}`, () => cleanUp(options, inTurn, plan)),
  };
}
