import type { Run } from '../core/run.ts';
import { isAgentStep, type AgentStep } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { Answer } from './handler.ts';
import { plainText } from './pane-text.ts';
import { checkpointsOf } from './status.ts';
import { iso } from './status-panes.ts';
import type { InputOf } from './table.ts';
import { tellRefusal } from './tell.ts';
import { pageOf } from './text-page.ts';
import type { ProblemView } from './views.ts';

/** The text of a step's checkpoint, accepted or not; without a step, of the last one that is done. */
export async function readCheckpoint(
  live: LiveRun,
  { feature, step: wanted, from, lines }: InputOf<'readCheckpoint'>,
): Promise<Answer<'readCheckpoint'>> {
  const run = live.loop.run();
  const chosen = stepOf(run, feature, wanted);
  if ('problem' in chosen) return { ok: false, problem: chosen.problem };
  const { step } = chosen;
  const found = await live.checkpoint(step);
  if (found === null) return { ok: false, problem: notThere(feature, step) };
  if (found.kind === 'refused')
    return {
      ok: false,
      problem: {
        code: 'checkpoint-unreadable',
        sentence: `${step.checkpoint} of ${feature} is not read: ${found.why}.`,
        hint: `See what it is: ls -ld '${found.path}'. What may stand there: docs/workflows.md.`,
      },
    };
  const view = checkpointsOf(run).find((each) => each.step === step.id);
  const { text, ...page } = pageOf(plainText(found.text), { from, lines });
  return {
    ok: true,
    output: {
      feature,
      run: run.identity?.run ?? '',
      step: step.id,
      role: step.role,
      file: step.checkpoint,
      path: found.path,
      state: view?.state ?? 'later',
      problem: view?.problem ?? null,
      modifiedAt: iso(found.mtimeMs),
      ...page,
      untrusted_output: text,
    },
  };
}

function stepOf(run: Run, feature: string, wanted: string | undefined): { step: AgentStep } | { problem: ProblemView } {
  const steps = (run.workflow?.steps ?? []).filter(isAgentStep);
  if (steps.length === 0)
    return {
      problem: {
        code: 'not-started',
        sentence: `${feature} was not started, so that it has no steps yet.`,
        hint: `tmops start ${feature}`,
      },
    };
  if (wanted === undefined) {
    const last = steps.findLast(({ id }) => run.done[id] !== undefined && run.done[id].how !== 'skipped');
    return last ? { step: last } : { problem: noneDone(feature, steps) };
  }
  const step = steps.find(({ id }) => id === wanted);
  if (step) return { step };
  const allowed = steps.map(({ id }) => id);
  return { problem: tellRefusal({ reason: 'unknown-step', received: wanted, allowed }, feature) };
}

const noneDone = (feature: string, steps: readonly AgentStep[]): ProblemView => ({
  code: 'no-checkpoint',
  sentence: `No step of ${feature} is done yet.`,
  hint: `Name one to read what is there: ${steps.map(({ id }) => id).join(', ')}.`,
});

const notThere = (feature: string, step: AgentStep): ProblemView => ({
  code: 'no-checkpoint',
  sentence: `There is no ${step.checkpoint} of ${feature}: the ${step.role} has not written it.`,
  hint: `tmops status ${feature}`,
});
