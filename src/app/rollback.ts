import type { Run } from '../core/run.ts';
import { presentStep } from '../core/run.ts';
import { archiveOf } from '../engine/archive.ts';
import type { LiveRun } from '../engine/live-run.ts';
import { keptName, planRollback, planUndo, type Planned, type RollbackPlan } from '../engine/rollback.ts';
import { BAD_ARGUMENTS } from './arguments.ts';
import type { Answer, Handler } from './handler.ts';
import type { AppPorts } from './ports.ts';
import type { Asker } from './principal.ts';
import { roomFor, whyFull } from './room.ts';
import { rollbackFailed } from './rollback-failed.ts';
import type { InputOf, OutputOf } from './table.ts';
import { tellRefusal, unknownFeature } from './tell.ts';
import { tellRollback } from './tell-rollback.ts';
import type { ProblemView } from './views.ts';
import { waitsFor } from './waits-for.ts';

/** Of long lists the first; counts say how many there are. */
const SHOWN_FILES = 200;
const SHOWN_COMMITS = 50;
/** How long is waited for git; it goes on by itself where that is not enough. */
const DONE_WITHIN_MS = 120_000;

type Input = InputOf<'rollback'>;
type Output = OutputOf<'rollback'>;

/** Takes the work of steps back, or undoes that. What is there is kept before the first file is touched. */
export function rollbackHandler(ports: AppPorts): Handler<'rollback'> {
  // One after the other: what one has kept must not be replaced by what the next one sees.
  let before: Promise<unknown> = Promise.resolve();
  return (input, asker) => {
    const turn = before.then(() => rollBack(ports, input, asker));
    before = Promise.allSettled([turn]);
    return turn;
  };
}

async function rollBack(ports: AppPorts, input: Input, asker: Asker): Promise<Answer<'rollback'>> {
  const { feature, undo, dryRun } = input;
  const wrong = contradiction(input);
  if (wrong) return refuse({ code: BAD_ARGUMENTS, ...wrong });
  const live = await ports.workspace.live(feature);
  const run = live?.loop.run();
  if (!live || !run?.identity) return refuse(unknownFeature(feature));
  const again = await takenUpAgain(ports, live, input, asker);
  if (again) return again;
  const planned = await plannedFor(ports, live, input);
  if (!planned.ok) return refuse(tellRollback(planned.problem, feature, run.identity.worktree));
  const { plan } = planned;
  if (dryRun) return { ok: true, output: outputOf(live, input, plan, { number: nextNumber(run, input), done: false }) };
  if (plan.blocked) return refuse(tellRefusal(plan.blocked, feature));
  const limit = run.life.kind === 'completed' && !undo ? limitOf(ports, input, asker.env) : null;
  return limit ? refuse(limit) : carryOut(ports, live, { input, plan, asker });
}

const refuse = (problem: ProblemView): Answer<'rollback'> => ({ ok: false, problem });

function contradiction({ feature, to, undo }: Input): Pick<ProblemView, 'sentence' | 'hint'> | null {
  if (to !== undefined && undo)
    return { sentence: `A rollback goes to ${to}, or is undone; not both.`, hint: `tmops rollback ${feature} --undo` };
  if (to === undefined && !undo)
    return {
      sentence: 'It is not said where to.',
      hint: `tmops rollback ${feature} --to <step or role>, or --undo; tmops status ${feature} shows the steps.`,
    };
  return null;
}

/** One that failed is carried on when it is asked for once more; undoing it is a move of its own. */
async function takenUpAgain(
  ports: AppPorts,
  live: LiveRun,
  { feature, to, undo, dryRun }: Input,
  { door: by, principal }: Asker,
): Promise<Answer<'rollback'> | null> {
  const { rollback, workflow } = live.loop.run();
  if (rollback?.failed == null || dryRun) return null;
  const step = workflow?.steps.find((each) => each.id === rollback.step);
  const isSame =
    rollback.direction === 'undo'
      ? undo
      : to === rollback.step || (step !== undefined && 'role' in step && to === step.role);
  if (!isSame) return null;
  await live.loop.submit({ kind: 'retry-rollback', by }, principal);
  const failure = await settled(ports, live, feature);
  if (failure) return refuse(failure);
  const kept = keptOf(live, rollback.direction, rollback.number);
  return {
    ok: true,
    output: {
      ...{ feature, number: rollback.number, step: rollback.step, undo: rollback.direction === 'undo' },
      ...{ done: true, steps: [], point: null, files: [], fileCount: 0, commits: [], commitCount: 0 },
      ...{ checkpoints: [...rollback.checkpoints], kept, blocked: null, ...standing(live.loop.run()) },
    },
  };
}

const plannedFor = (ports: AppPorts, live: LiveRun, { to, undo }: Input): Promise<Planned> => {
  const scene = { run: live.loop.run(), place: live.place, rewinder: ports.rewinder };
  return undo ? planUndo(scene) : planRollback(scene, to ?? '');
};

const NO_ROOM = 'Wait for one of them, stop one (tmops stop <feature>), or raise the limit in tmops.config.yaml.';

/** One that was completed goes on, and counts among those that run. */
function limitOf(
  ports: AppPorts,
  { feature }: Input,
  env: Readonly<Record<string, string>> | undefined,
): ProblemView | null {
  const loaded = ports.config(env);
  if (!loaded.ok) return loaded.problem;
  // Its panes are there already, or come with `resume`.
  const full = whyFull(roomFor(ports, loaded.config, feature), 0);
  return full === null ? null : { code: 'too-many-features', sentence: `${full}.`, hint: NO_ROOM };
}

function nextNumber({ rollbacks }: Run, { undo }: Input): number {
  return undo ? (rollbacks.findLast(({ undone }) => !undone)?.number ?? 0) : rollbacks.length + 1;
}

async function carryOut(
  ports: AppPorts,
  live: LiveRun,
  { input, plan, asker }: { readonly input: Input; readonly plan: RollbackPlan; readonly asker: Asker },
): Promise<Answer<'rollback'>> {
  const { rewinder } = ports;
  const { door: by, principal } = asker;
  const { feature, undo, why = '' } = input;
  const run = live.loop.run();
  const number = nextNumber(run, input);
  const worktree = run.identity?.worktree ?? '';
  // Kept before anything is decided: refs that nothing came of do no harm.
  const from = await rewinder.keep(worktree, plan.from, keptName(run, undo ? 'undo' : 'back', number));
  const checkpoints = plan.going;
  const answer = await live.loop.submit(
    undo
      ? { kind: 'undo-rollback', by, from, checkpoints }
      : { kind: 'roll-back', step: plan.step, by, why, from, to: plan.to, checkpoints },
    principal,
  );
  if (!answer.ok) return refuse(tellRefusal(answer.refusal, feature));
  const failure = await settled(ports, live, feature);
  return failure ? refuse(failure) : { ok: true, output: outputOf(live, input, plan, { number, done: true }) };
}

/** Waits until it is done; with the problem where it failed or takes too long. */
async function settled({ clock }: AppPorts, live: LiveRun, feature: string): Promise<ProblemView | null> {
  const { loop } = live;
  const over = new AbortController();
  const look = ({ rollback }: Run): void => {
    if (rollback === null || rollback.failed !== null) over.abort();
  };
  const unsubscribe = loop.subscribe(look);
  look(loop.run());
  await clock.sleep(DONE_WITHIN_MS, over.signal);
  unsubscribe();
  const { rollback } = loop.run();
  if (rollback === null) return null;
  return rollback.failed === null
    ? { code: 'rollback-slow', sentence: `${feature} is still being rolled back.`, hint: `tmops status ${feature}` }
    : rollbackFailed(feature, rollback);
}

const keptOf = ({ loop, place }: LiveRun, direction: 'back' | 'undo', number: number): Output['kept'] => ({
  ref: `refs/tmops/${keptName(loop.run(), direction, number)}-files`,
  archive: archiveOf(place, direction, number),
});

const standing = (run: Run): Pick<Output, 'present' | 'waitsFor'> => ({
  present: presentStep(run)?.step.id ?? null,
  waitsFor: waitsFor(run),
});

const WHAT = { added: 'comes back', deleted: 'goes', modified: 'changes', retyped: 'changes' } as const;

function outputOf(
  live: LiveRun,
  { feature, undo }: Input,
  plan: RollbackPlan,
  { number, done }: { readonly number: number; readonly done: boolean },
): Output {
  const run = live.loop.run();
  return {
    feature,
    number,
    step: plan.step,
    undo,
    done,
    steps: [...plan.steps],
    point: plan.point?.commit ?? null,
    files: plan.changes.slice(0, SHOWN_FILES).map(({ path, how }) => ({ path, what: WHAT[how] })),
    fileCount: plan.changes.length,
    commits: plan.commits.slice(0, SHOWN_COMMITS).map(({ commit, subject }) => ({ commit, subject })),
    commitCount: plan.commits.length,
    checkpoints: [...(undo ? plan.coming : plan.going)],
    kept: done ? keptOf(live, undo ? 'undo' : 'back', number) : null,
    blocked: done || plan.blocked === null ? null : tellRefusal(plan.blocked, feature),
    ...standing(run),
  };
}
