import type { Event } from '../../src/core/event.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { handOffsOf, happened, ofKind, type HandOff } from './journal.ts';
import { rowOf, type Extent, type Goal, type Row } from './row.ts';

const PER_RUN = 6;

/** What one feature after another took, in ms. */
interface Runs {
  readonly init: number[];
  readonly begun: number[];
  readonly journals: Event[][];
}

/** Hand-offs between rehearsal agents that work no time at all, and what leads to them. */
export async function measureHandOffs({ quick }: Extent): Promise<Row[]> {
  const product = await openProduct({ play: 'instant' });
  try {
    const runs = await runFeatures(product, quick ? 2 : 35);
    return [...handOffRows(runs.journals, { p50: 120, p95: 300 }), ...checkRows(runs.journals), ...startRows(runs)];
  } finally {
    await product.dispose();
  }
}

/** Runs features from init to the summary, one after another. */
export async function runFeatures(product: Product, count: number): Promise<Runs> {
  const runs: Runs = { init: [], begun: [], journals: [] };
  for (let n = 1; n <= count; n += 1) {
    const feature = `bench-${n}`;
    const began = Date.now();
    await product.json('init', feature);
    runs.init.push(Date.now() - began);
    await product.json('start', feature);
    await happened(product, feature, 'run.completed', () => true, 120_000);
    const events = await product.events(feature);
    runs.journals.push(events);
    runs.begun.push(firstStepTaken(events) - began);
    await product.json('stop', feature);
    process.stderr.write(`${feature}: ${handOffsOf(events).length} hand-offs\n`);
  }
  return runs;
}

export function handOffRows(journals: readonly Event[][], goal: Goal): Row[] {
  const all = journals.flatMap(handOffsOf);
  const ready = all.filter(({ wasReady }) => wasReady);
  const starting = all.filter(({ wasReady }) => !wasReady);
  const part = (key: keyof HandOff, of = ready) => of.map((each) => Number(each[key]));
  return [
    rowOf('hand-off', part('whole'), {
      goal,
      note: 'from the complete file to the next agent’s evidence, without the checks between',
    }),
    rowOf('hand-off: typing', part('typing'), { note: 'prompt wanted to Enter' }),
    rowOf('hand-off: evidence', part('evidence'), { note: 'Enter to the agent’s own record' }),
    rowOf('hand-off to an agent still starting', part('whole', starting), {
      note: `its start is in it; ${starting.length} of ${journals.length * PER_RUN}, which the rows above leave out`,
    }),
    rowOf('hand-off, all', part('whole', all)),
    rowOf('checkpoint detection', part('detection', all), { goal: { p95: 100 }, note: 'from the complete file' }),
    rowOf('customer: detection', part('detection', all), { goal: { p95: 2000 } }),
    rowOf('customer: hand-off', part('total', all), {
      goal: { p95: 10_000 },
      note: 'with its checks, if any; by hand 5–10 min',
    }),
  ];
}

/** What the claims' checks took, which the rows of the hand-offs leave out. */
function checkRows(journals: readonly Event[][]): Row[] {
  const all = journals.flatMap(handOffsOf);
  const checks = (withTests: boolean) =>
    all.filter(({ runsTests }) => runsTests === withTests).map((handOff) => handOff.checks);
  return [
    rowOf('hand-off: checks without tests', checks(false), { note: 'by git; not in the rows above' }),
    rowOf('hand-off: checks with tests', checks(true), {
      note: 'the tests of the sample project, up to twice; not in the rows above',
    }),
  ];
}

function startRows({ init, begun, journals }: Runs): Row[] {
  return [
    rowOf('customer: initialisation, the command', init, {
      goal: { p95: 5000 },
      note: 'tmops init, node’s start in it',
    }),
    rowOf('customer: initialisation, whole', begun, {
      goal: { p95: 30_000 },
      note: 'init, start, to the first step’s prompt taken; by hand 2–3 min',
    }),
    ...agentRows(journals),
  ];
}

/** What the agents' starts took, of the first launches in each journal. */
export function agentRows(journals: readonly Event[][]): Row[] {
  const starts = journals.flatMap((events) =>
    ofKind(events, 'agent.launched').map(({ role, at }) => ({ events, role, at })),
  );
  const after = (kind: 'agent.placed' | 'agent.session') =>
    starts.flatMap(({ events, role, at }) => {
      const found = ofKind(events, kind).find((event) => event.role === role);
      return found === undefined ? [] : [found.at - at];
    });
  return [
    rowOf('customer: agent session created, without its start', after('agent.placed'), { goal: { p95: 2000 } }),
    rowOf('customer: agent session created, with its start', after('agent.session'), { goal: { p95: 2000 } }),
    rowOf('customer: instructions delivered', journals.flatMap(instructed), {
      goal: { p95: 3000 },
      note: 'from wanting them to the agent’s evidence; its start is in it',
    }),
  ];
}

const instructed = (events: Event[]): number[] =>
  ofKind(events, 'prompt.wanted')
    .filter(({ purpose }) => purpose.kind === 'instructions')
    .flatMap(({ prompt, at }) => {
      const taken = ofKind(events, 'prompt.taken').find((event) => event.prompt === prompt);
      return taken === undefined ? [] : [taken.writtenAt - at];
    });

function firstStepTaken(events: Event[]): number {
  const wanted = ofKind(events, 'prompt.wanted').find(({ purpose }) => purpose.kind === 'step');
  return ofKind(events, 'prompt.taken').find(({ prompt }) => prompt === wanted?.prompt)?.writtenAt ?? Number.NaN;
}
