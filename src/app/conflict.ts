import { randomUUID } from 'node:crypto';
import { presentStep, type Run } from '../core/run.ts';
import type { Request } from '../core/request.ts';
import type { LiveRun } from '../engine/live-run.ts';
import { lookToAccept } from '../engine/put-aside.ts';
import type { Answer, Handler } from './handler.ts';
import type { AppPorts } from './ports.ts';
import type { InputOf } from './table.ts';
import { conflictProblem, stashView } from './tell-conflict.ts';
import { tellRefusal, unknownFeature } from './tell.ts';
import type { ProblemView } from './views.ts';
import { waitsFor } from './waits-for.ts';

/** How long is waited for git; it goes on by itself where that is not enough. */
const DONE_WITHIN_MS = 120_000;

type Input = InputOf<'conflict'>;

/** Says what becomes of a branch that others changed. Nothing of it is touched without. */
export function conflictHandler(ports: AppPorts): Handler<'conflict'> {
  return async (input, { door, principal }) => {
    const { feature, how } = input;
    const live = await ports.workspace.live(feature);
    if (!live?.loop.run().identity) return { ok: false, problem: unknownFeature(feature) };
    const number = live.loop.run().conflictCount;
    const answer = await live.loop.submit(await requestFor(ports, live, input, door), principal);
    if (!answer.ok) return { ok: false, problem: tellRefusal(answer.refusal, feature) };
    if (how === 'abort') await live.endSession();
    const failure = how === 'stash' ? await settled(ports, live, feature) : null;
    return failure ? { ok: false, problem: failure } : done(live.loop.run(), input, number);
  };
}

async function requestFor(ports: AppPorts, { loop }: LiveRun, { how }: Input, by: string): Promise<Request> {
  const run = loop.run();
  switch (how) {
    case 'accept': {
      const spareIds = Object.fromEntries(Object.keys(run.agents).map((role) => [role, randomUUID()]));
      return { kind: 'accept-branch', by, spareIds, ...(await lookToAccept(run, ports.keeper)) };
    }
    case 'stash':
      return { kind: 'stash-branch', by };
    case 'abort':
      return { kind: 'abort-on-branch', by };
    default:
      return how satisfies never;
  }
}

/** Waits until it is put aside; with the problem where that failed or takes too long. */
async function settled({ clock }: AppPorts, { loop }: LiveRun, feature: string): Promise<ProblemView | null> {
  const over = new AbortController();
  const look = ({ conflict }: Run): void => {
    if (conflict?.settling?.failed !== null) over.abort();
  };
  const unsubscribe = loop.subscribe(look);
  look(loop.run());
  await clock.sleep(DONE_WITHIN_MS, over.signal);
  unsubscribe();
  const run = loop.run();
  if (run.conflict === null) return null;
  const [problem] = conflictProblem(run);
  const sentence = `What others did to the branch of ${feature} is still being put aside.`;
  return problem ?? { code: 'conflict-slow', sentence, hint: `tmops status ${feature}` };
}

function done(run: Run, { feature, how }: Input, number: number): Answer<'conflict'> {
  const stash = how === 'stash' ? run.stashes.find((each) => each.number === number) : undefined;
  return {
    ok: true,
    output: {
      ...{ feature, how, number },
      kept: stash ? stashView(run, stash) : null,
      present: presentStep(run)?.step.id ?? null,
      waitsFor: waitsFor(run),
    },
  };
}
