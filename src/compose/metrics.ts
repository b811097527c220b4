import { basename, join } from 'node:path';
import type { Git } from '../adapters/git/open.ts';
import { checkpointWatch } from '../adapters/watch/watch.ts';
import { judgeCheckpoint } from '../core/checkpoint.ts';
import { metricsOf, type MetricsInput } from '../core/metrics.ts';
import type { Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { RunPlace } from '../engine/place.ts';
import type { Clock } from '../engine/ports.ts';
import { writeAtomically } from '../journal/atomic.ts';

/** Writes `metrics.json` of a run from the checkpoints of its finished steps and from what the journal measured. */
/** `hide` takes secrets out of what checkpoints say. */
export function writeMetricsWith(
  clock: Clock,
  git: Git,
  hide: (text: string) => string,
): (run: Run, place: RunPlace) => Promise<void> {
  return async (run, place) => {
    if (!run.identity) return;
    const { feature, run: name } = run.identity;
    const input: MetricsInput = {
      feature,
      run: name,
      runDirectory: basename(place.runDir),
      at: clock.now(),
      checkpoints: await checkpointsOf(run, place),
      measured: {
        steps: stepsOf(run),
        promptsDelivered: run.prompts.filter((prompt) => prompt.stage.kind === 'taken').length,
        handOffsMs: handOffsOf(run),
        ...(await changesOf(git, run)),
      },
    };
    const text = JSON.stringify(
      metricsOf(input),
      (_, value: unknown) => (typeof value === 'string' ? hide(value) : value),
      2,
    );
    await writeAtomically(place.metricsFile, `${text}\n`);
  };
}

const checkpoints = checkpointWatch();

async function checkpointsOf(run: Run, place: RunPlace): Promise<MetricsInput['checkpoints']> {
  const read = await Promise.all(
    (run.workflow?.steps ?? []).filter(isAgentStep).map(async (step) => {
      if (!run.done[step.id]) return [];
      for (const folder of [place.checkpointsDir, place.runDir]) {
        const path = join(folder, step.checkpoint);
        const found = await checkpoints.look(path);
        if (found === null) continue;
        if (found.kind === 'refused') return [];
        const judged = judgeCheckpoint(found.text, {
          file: step.checkpoint,
          from: step.role,
          feature: run.identity?.feature ?? '',
          sections: [],
          kind: step.kind,
        });
        return judged.verdict === 'whole'
          ? [{ file: step.checkpoint, checkpoint: judged.checkpoint, mtimeMs: found.mtimeMs }]
          : [];
      }
      return [];
    }),
  );
  return read.flat();
}

const stepsOf = (run: Run): MetricsInput['measured']['steps'] =>
  (run.workflow?.steps ?? []).flatMap((step) => {
    const done = run.done[step.id];
    if (!done || done.beganAt === null) return [];
    return [{ step: step.id, role: isAgentStep(step) ? step.role : '', durationMs: done.at - done.beganAt }];
  });

/** From the checkpoint before being on disk to the agent having reported the prompt; negative clocks are left out. */
function handOffsOf(run: Run): number[] {
  const steps = (run.workflow?.steps ?? []).filter(isAgentStep);
  return steps.flatMap((step, index) => {
    const before = steps[index - 1];
    const written = before && run.done[before.id]?.mtimeMs;
    const prompt = run.prompts.find((each) => each.purpose.kind === 'step' && each.purpose.step === step.id);
    if (typeof written !== 'number' || prompt?.stage.kind !== 'taken') return [];
    const ms = prompt.stage.writtenAt - written;
    return ms >= 0 ? [Math.round(ms)] : [];
  });
}

/** What git says the feature changed, once the run is completed: a look at the whole tree is too dear between steps. */
async function changesOf(git: Git, run: Run): Promise<Pick<MetricsInput['measured'], 'changes'>> {
  const { identity, life } = run;
  if (!identity || identity.base === null || life.kind !== 'completed') return {};
  const { commit } = await git.snapshot(identity.worktree, `refs/tmops/${identity.feature}/${identity.run}/completed`);
  const changes = await git.changedFiles(identity.worktree, { from: identity.base, to: commit });
  return { changes: changes.map(({ path, how }) => ({ path, kind: how === 'retyped' ? 'modified' : how })) };
}
