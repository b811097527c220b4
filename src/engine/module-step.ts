import { durationWord } from '../core/duration.ts';
import { limitOf } from '../core/overrun.ts';
import type { Request } from '../core/request.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { CrewParts } from './crew.ts';
import type { Clock, ModuleContext, Modules } from './ports.ts';

/**
 * Carries out a step that a module of the project does: validate, execute, and rollback when that fails. What comes of it
 * after the run was closed is not told: whoever takes the run up next has the step done again.
 */
export async function executeModule(
  { loop, place, log, clock }: CrewParts,
  modules: Modules,
  id: string,
  isClosed: () => boolean,
): Promise<void> {
  const { identity, workflow } = loop.run();
  const step = workflow?.steps.find((each) => each.id === id);
  if (!identity || !step || isAgentStep(step)) throw new Error(`Internal error: step ${id} has no module`);
  const over = new AbortController();
  const limitMs = limitOf(loop.run(), step);
  const context = {
    feature: identity.feature,
    run: identity.run,
    step: id,
    worktree: identity.worktree,
    runDir: place.runDir,
    with: step.with,
    signal: over.signal,
  };
  const tell = async (request: Request): Promise<void> => {
    if (isClosed()) log.warn('the run was closed before its module ended', { step: id, told: request.kind });
    else await loop.submit(request);
  };
  const failed = async (stage: 'validate' | 'execute', error: unknown): Promise<void> => {
    const rollback = stage === 'execute' ? await rollBack(modules, step.module, context) : { done: false, trouble: '' };
    const why = `${messageOf(error)}${rollback.trouble}`;
    await tell({ kind: 'module-failed', step: id, stage, why, rolledBack: rollback.done });
  };
  const limit = { clock, over, limitMs, until: clock.now() + (limitMs ?? 0) };
  try {
    await inTime(limit, modules.call(step.module, 'validate', context));
  } catch (error) {
    return failed('validate', error);
  }
  try {
    await inTime(limit, modules.call(step.module, 'execute', context));
  } catch (error) {
    return failed('execute', error);
  }
  await tell({ kind: 'module-done', step: id });
}

/** How long a module that is told to end gets before it is rolled back all the same, in ms. */
const END_WITHIN_MS = 5000;

interface StepLimit {
  readonly clock: Clock;
  /** Tells the module that its time is up. */
  readonly over: AbortController;
  /** Of all that it does, in ms; null: none. */
  readonly limitMs: number | null;
  /** When that is up, in ms since the epoch. */
  readonly until: number;
}

/** Rejects when it takes longer. It runs in this process and cannot be ended: it is told, and what it does later is ignored. */
async function inTime({ clock, over, limitMs, until }: StepLimit, work: Promise<unknown>): Promise<void> {
  if (limitMs === null) {
    await work;
    return;
  }
  const done = new AbortController();
  const isDone = await Promise.race([
    work.then(() => true),
    clock.sleep(Math.max(0, until - clock.now()), done.signal).then(() => false),
  ]).finally(() => {
    done.abort();
  });
  if (isDone) return;
  over.abort();
  const gone = new AbortController();
  await Promise.race([Promise.allSettled([work]), clock.sleep(END_WITHIN_MS, gone.signal)]);
  gone.abort();
  throw new Error(`it took longer than its limit of ${durationWord(limitMs)}`);
}

interface Rollback {
  /** Whether what the module had begun was taken back. */
  readonly done: boolean;
  /** What to say of it beside the failure; empty when there is nothing to say. */
  readonly trouble: string;
}

async function rollBack(modules: Modules, module: string, context: ModuleContext): Promise<Rollback> {
  return modules.call(module, 'rollback', context).then(
    (done) => ({ done, trouble: '' }),
    (error: unknown) => ({ done: false, trouble: `; rolling it back failed too: ${messageOf(error)}` }),
  );
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
