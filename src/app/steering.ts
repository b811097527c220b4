import { randomUUID } from 'node:crypto';
import type { Request } from '../core/request.ts';
import { holderOf, openPrompts, presentStep, type Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { Answer, Handler } from './handler.ts';
import { openOrTell } from './open-run.ts';
import type { AppPorts } from './ports.ts';
import type { Asker } from './principal.ts';
import { heldWhy } from './status-panes.ts';
import { waitsFor } from './waits-for.ts';
import type { OperationKey, OutputOf } from './table.ts';
import { tellRefusal, unknownFeature } from './tell.ts';

type SteeringKey = 'take' | 'give' | 'pause' | 'resume' | 'approve' | 'reject' | 'skip' | 'retry' | 'redo';

/** What humans and models ask of a run that is going. Each is one request to the core and a look at what it made of it. */
export function steeringHandlers(ports: AppPorts): { readonly [K in SteeringKey]: Handler<K> } {
  const asked = async <K extends OperationKey>(
    { principal }: Asker,
    feature: string,
    request: (run: Run) => Request,
    output: (before: Run, after: Run) => OutputOf<K>,
  ): Promise<Answer<K>> => {
    const live = await ports.workspace.live(feature);
    const before = live?.loop.run();
    if (!live || !before?.identity) return { ok: false, problem: unknownFeature(feature) };
    const answer = await live.loop.submit(request(before), principal);
    if (!answer.ok) return { ok: false, problem: tellRefusal(answer.refusal, feature) };
    return { ok: true, output: output(before, live.loop.run()) };
  };
  const rolesOf = (role: string | undefined): readonly string[] => (role === undefined ? [] : [role]);
  return {
    take: ({ feature, role }, asker) =>
      asked<'take'>(
        asker,
        feature,
        () => ({ kind: 'take', roles: rolesOf(role), by: asker.door }),
        (_, run) => holders(run),
      ),
    give: ({ feature, role }, asker) =>
      asked<'give'>(
        asker,
        feature,
        (run) => ({ kind: 'give', roles: rolesOf(role), by: asker.door, spareIds: spareIds(run) }),
        (_, run) => holders(run),
      ),
    pause: ({ feature }, asker) => pauseOrResume(ports, feature, 'pause', asker),
    resume: ({ feature }, asker) => pauseOrResume(ports, feature, 'resume', asker),
    approve: ({ feature, comment = null }, asker) =>
      asked<'approve'>(asker, feature, () => ({ kind: 'approve', by: asker.door, comment }), gate),
    reject: ({ feature, comment = null }, asker) =>
      asked<'reject'>(asker, feature, () => ({ kind: 'reject', by: asker.door, comment }), gate),
    skip: ({ feature, step = null, why = '' }, asker) =>
      asked<'skip'>(
        asker,
        feature,
        () => ({ kind: 'skip', step, by: asker.door, why }),
        (before, run) => stepped(run, step ?? presentStep(before)?.step.id ?? ''),
      ),
    retry: ({ feature }, asker) =>
      asked<'retry'>(
        asker,
        feature,
        (run) => ({ kind: 'retry', by: asker.door, spareIds: spareIds(run) }),
        (before, run) => stepped(run, presentStep(before)?.step.id ?? ''),
      ),
    redo: ({ feature, step = null, why = '' }, asker) =>
      asked<'redo'>(
        asker,
        feature,
        () => ({ kind: 'redo', step, by: asker.door, why }),
        (_, run) => stepped(run, presentStep(run)?.step.id ?? ''),
      ),
  };
}

/** A fresh conversation id for each role, for agents that have to be started. */
const spareIds = (run: Run): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.keys(run.agents).map((role) => [role, randomUUID()]));

const featureOf = (run: Run): string => run.identity?.feature ?? '';

const holders = (run: Run): OutputOf<'take'> => ({
  feature: featureOf(run),
  panes: Object.keys(run.agents).map((role) => ({ role, holder: holderOf(run, role).kind, why: heldWhy(run, role) })),
  waiting: Object.keys(run.holders)
    .filter((role) => holderOf(run, role).kind === 'human')
    .flatMap((role) => openPrompts(run, role).map(({ id }) => ({ prompt: id, role }))),
  waitsFor: waitsFor(run),
});

function gate(before: Run, after: Run): OutputOf<'approve'> {
  const step = presentStep(before)?.step;
  return {
    feature: featureOf(after),
    step: step?.id ?? '',
    file: step && isAgentStep(step) ? step.checkpoint : '',
    waitsFor: waitsFor(after),
  };
}

const stepped = (run: Run, step: string): OutputOf<'skip'> => ({
  feature: featureOf(run),
  step,
  present: presentStep(run)?.step.id ?? null,
  waitsFor: waitsFor(run),
});

/** Without a feature: every one that runs. */
async function pauseOrResume(
  ports: AppPorts,
  feature: string | undefined,
  kind: 'pause' | 'resume',
  asker: Asker,
): Promise<Answer<'pause'>> {
  if (feature !== undefined) {
    const live = await ports.workspace.live(feature);
    const run = live?.loop.run();
    if (!live || !run?.identity) return { ok: false, problem: unknownFeature(feature) };
    const answer = await live.loop.submit(requestOf(kind, run, asker), asker.principal);
    if (!answer.ok) return { ok: false, problem: tellRefusal(answer.refusal, feature) };
    return { ok: true, output: { features: [pausedView(live)] } };
  }
  const features: OutputOf<'pause'>['features'] = [];
  for (const each of await ports.features())
    features.push(...(await pausedOrNot(ports, each.feature, asker, (run) => requestOf(kind, run, asker))));
  return { ok: true, output: { features } };
}

/** One feature that cannot be reached must not keep the others from being paused. */
async function pausedOrNot(
  ports: AppPorts,
  feature: string,
  { principal }: Asker,
  request: (run: Run) => Request,
): Promise<OutputOf<'pause'>['features']> {
  const opened = await openOrTell(ports, feature);
  if ('problem' in opened) return [{ feature, paused: false, waitsFor: opened.problem.sentence }];
  const { live } = opened;
  const run = live?.loop.run();
  if (!live || run?.life.kind !== 'running') return [];
  const answer = await live.loop.submit(request(run), principal);
  return answer.ok ? [pausedView(live)] : [];
}

const requestOf = (kind: 'pause' | 'resume', run: Run, { door }: Asker): Request =>
  kind === 'pause' ? { kind, by: door, why: 'asked to' } : { kind, by: door, spareIds: spareIds(run) };

function pausedView(live: LiveRun): OutputOf<'pause'>['features'][number] {
  const run = live.loop.run();
  return { feature: featureOf(run), paused: run.paused !== null, waitsFor: waitsFor(run) };
}
