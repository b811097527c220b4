import { readFile } from 'node:fs/promises';
import type { InitOrder, InitOutcome, InitProblem, InitReport } from '../../core/init.ts';
import { copyStep } from './copy.ts';
import { codeOf } from '../../files/refused.ts';
import { scriptStep } from './framework.ts';
import { currentStep, featuresStep, foldersStep, previousStep } from './layout.ts';
import { markStep, unmarkStep } from './marking.ts';
import { contract, fromRoot } from './paths.ts';
import { planInit, present, type Plan } from './plan.ts';
import { setupStep } from './setup.ts';
import { readSpecState, renderTemplate, specStep } from './spec.ts';
import { detectTestCommand } from './test-command.ts';
import type { InTurn, ProjectOptions, Step, Work } from './work.ts';
import { branchStep, excludeStep, linkStep, worktreeStep } from './working-tree.ts';

/**
 * In this order nothing of `.tmops` is made before git has agreed, and `current` turns only when its run is whole. Each
 * step brings a state about instead of repeating an act, so that a call cut short anywhere is finished by the next.
 */
export const STEPS: readonly Step[] = [
  excludeStep,
  branchStep,
  worktreeStep,
  linkStep,
  markStep,
  scriptStep,
  foldersStep,
  specStep,
  previousStep,
  currentStep,
  featuresStep,
  copyStep,
  setupStep,
  unmarkStep,
];

/** Initialises a feature, or says what stands in the way. Rejects for faults of the machine only. */
export async function initialise(options: ProjectOptions, inTurn: InTurn, order: InitOrder): Promise<InitOutcome> {
  const now = options.now ?? (() => performance.now());
  const from = now();
  const steps: { name: string; ms: number }[] = [];
  const timed = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    const started = now();
    const result = await act();
    steps.push({ name, ms: now() - started });
    return result;
  };
  const plan = await timed('plan', () => planInit(order));
  if ('problem' in plan) return refused({ problem: plan.problem, step: 'plan', steps, durationMs: now() - from });
  const work = begin({ options, inTurn, order, plan });
  for (const step of STEPS) {
    const problem = await timed(step.name, () => step.run(work));
    if (problem) return refused({ problem, step: step.name, steps, durationMs: now() - from });
    await options.step?.(step.name);
  }
  const result = await timed('look', () => describe(work));
  return { ok: true, ...result, steps, durationMs: now() - from };
}

function begin(given: { options: ProjectOptions; inTurn: InTurn; order: InitOrder; plan: Plan }): Work {
  const { plan } = given;
  return {
    ...given,
    made: new Set(),
    changed: new Set(),
    branchMade: false,
    worktree: plan.root,
    // The script's step says otherwise once it has run.
    initialiser: { kind: 'built-in', why: plan.script.kind === 'built-in' ? plan.script.why : 'no-script' },
    copy: { copied: [], files: 0, skipped: [] },
    setup: 'none',
  };
}

function refused(facts: {
  problem: InitProblem;
  step: string;
  steps: InitReport['steps'];
  durationMs: number;
}): InitOutcome {
  return { ok: false, ...facts };
}

type Described = Omit<Extract<InitOutcome, { ok: true }>, 'ok' | 'steps' | 'durationMs'>;

async function describe(work: Work): Promise<Described> {
  const { plan, order } = work;
  const template = renderTemplate(await textOrEmpty(order.specTemplateFile), plan.feature);
  return {
    feature: plan.feature,
    run: plan.run,
    previousRun: plan.previous,
    branch: plan.branch,
    branchMade: work.branchMade,
    worktree: work.worktree,
    runDir: plan.runPaths.dir,
    specFile: plan.runPaths.spec,
    specState: await readSpecState(plan.runPaths.spec, template),
    testCommand: await detectTestCommand(work.worktree),
    initialiser: work.initialiser,
    copy: work.copy,
    setup: work.setup,
    ...(await compare(work)),
  };
}

/** What is there now against what was there before. */
async function compare(work: Work): Promise<Pick<Described, 'made' | 'changed' | 'kept'>> {
  const { plan, made, changed, worktree } = work;
  const wanted = contract(plan.paths, plan);
  const there = [...(await present([...wanted.folders, ...wanted.files, ...wanted.links]))];
  const seen = (path: string) => fromRoot(plan.root, path);
  const old = there.filter((path) => plan.before.has(path)).map(seen);
  const tree = worktree === plan.root || made.has(seen(worktree)) ? [] : [seen(worktree)];
  return {
    made: [...there.filter((path) => !plan.before.has(path)).map(seen), ...made],
    changed: [...changed],
    kept: [...old.filter((path) => !changed.has(path)), ...tree],
  };
}

async function textOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return '';
  }
}
