import { isAgentStep } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { StopSignal } from '../link/stopper.ts';
import { outOfReachOf, withinReach, type Reach } from './access.ts';
import { checkArguments } from './arguments.ts';
import { openGlances } from './glances.ts';
import type { Handlers } from './handlers.ts';
import type { AppPorts } from './ports.ts';
import type { Asker } from './principal.ts';
import { readCheckpoint } from './read-checkpoint.ts';
import { readLog } from './read-log.ts';
import { readMetrics, readSpec } from './read-run-file.ts';
import { openNamesPrint, resourceNames } from './resource-names.ts';
import { resourceRequests, type ResourceInput, type ResourceKey, type ResourceOutput } from './resource-requests.ts';
import { abortSignalOf } from './stop-signal.ts';
import { tellError, unknownFeature } from './tell.ts';
import type { ProblemView } from './views.ts';
import { watchChanges } from './watch-changes.ts';

type Told<T> = { readonly ok: true; readonly output: T } | { readonly ok: false; readonly problem: ProblemView };

/** Who asks for a resource, and how far they may reach. */
export interface ResourceAsker {
  readonly asker: Asker;
  readonly reach: Reach;
  readonly signal: StopSignal;
}

type Answers = {
  readonly [K in ResourceKey]: (input: ResourceInput<K>, by: ResourceAsker) => Promise<Told<ResourceOutput<K>>>;
};

/** Answers what doors ask to show resources. Never rejects; `onBug` is told of what nobody expected. */
export function resourceAnswers(
  ports: AppPorts,
  list: Handlers['list'],
  onBug: (error: unknown) => void,
): (key: ResourceKey, input: unknown, by: ResourceAsker) => Promise<Told<unknown>> {
  const answers = answersOf(ports, list);
  return async (key, input, by) => {
    const { name } = resourceRequests[key];
    const checked = checkArguments(resourceRequests[key], input, { operation: name, argument: (each) => each });
    if (!checked.ok) return { ok: false, problem: checked.failure };
    // The request's own schema has just parsed the input of this very key.
    const answer = answers[key] as (input: object, by: ResourceAsker) => Promise<Told<unknown>>;
    try {
      return await answer(checked.input, by);
    } catch (error) {
      const known = tellError(error);
      if (!known) onBug(error);
      return { ok: false, problem: known ?? INTERNAL };
    }
  };
}

const INTERNAL: ProblemView = {
  code: 'internal-error',
  sentence: 'Internal error: the resource could not be given.',
  hint: 'The log of the supervisor says more: .tmops/.logs/tmops.log',
};

function answersOf(ports: AppPorts, list: Handlers['list']): Answers {
  const glances = openGlances(ports.clock);
  const namesPrint = openNamesPrint(ports);
  return {
    names: (input, { reach }) => resourceNames(ports, input, reach),
    spec: (input, { reach }) => withRun(ports, input.feature, reach, (live) => readSpec(live, input, ports)),
    metrics: (input, { reach }) => withRun(ports, input.feature, reach, (live) => readMetrics(live, input, ports)),
    log: (input, { reach }) => withRun(ports, input.feature, reach, (live) => readLog(live, input)),
    checkpoint: (input, { reach }) => withRun(ports, input.feature, reach, (live) => checkpointNamed(live, input)),
    changes: (input, { reach, signal, asker }) => {
      const listed = async (): Promise<string> => {
        const answer = await list({}, asker, signal);
        return JSON.stringify(answer.ok ? withinReach('list', answer.output, reach) : answer.problem);
      };
      return watchChanges({ ports, glances, namesPrint, listed, reach }, input, abortSignalOf(signal));
    },
  };
}

async function withRun<T>(
  ports: AppPorts,
  feature: string,
  reach: Reach,
  act: (live: LiveRun) => Promise<Told<T>>,
): Promise<Told<T>> {
  const refused = outOfReachOf(feature, reach);
  if (refused) return { ok: false, problem: refused };
  const live = await ports.workspace.live(feature);
  return live?.loop.run().identity ? act(live) : { ok: false, problem: unknownFeature(feature) };
}

/** A name is looked up among those of the workflow; it never becomes a path. */
async function checkpointNamed(
  live: LiveRun,
  { feature, file, from, lines }: ResourceInput<'checkpoint'>,
): Promise<Told<ResourceOutput<'checkpoint'>>> {
  const steps = (live.loop.run().workflow?.steps ?? []).filter(isAgentStep);
  const step = steps.find(({ checkpoint }) => checkpoint === file);
  if (step || steps.length === 0) return readCheckpoint(live, { feature, step: step?.id, from, lines });
  const files = steps.map(({ checkpoint }) => checkpoint).join(', ');
  return {
    ok: false,
    problem: {
      code: 'unknown-checkpoint',
      sentence: `${feature} has no checkpoint "${file}".`,
      hint: `Its checkpoints: ${files}.`,
    },
  };
}
