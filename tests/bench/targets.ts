import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../src/config/load.ts';
import { judgeCheckpoint } from '../../src/core/checkpoint.ts';
import type { Event } from '../../src/core/event.ts';
import { FRAMEWORK_INIT } from '../rig/framework.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';
import { handOffsOf, happened, ofKind } from './journal.ts';
import { rowOf, type Extent, type Row } from './row.ts';

const SHIPPED = fileURLToPath(new URL('../../config/tmops-mcp.config.yaml', import.meta.url));
const FEATURE = 'auth-api';

/** What the customer asked for and no other file measures. */
export async function measureTargets({ quick }: Extent): Promise<Row[]> {
  const product = await openProduct({ play: 'wait' });
  try {
    const times = quick ? 10 : 200;
    return [configRow(product, times), checkpointRow(times), await scriptRow(product, quick ? 3 : 20)];
  } finally {
    await product.dispose();
  }
}

function configRow({ repo }: Product, times: number): Row {
  const samples = timed(times, () => {
    const read = loadConfig({ workspaceRoot: repo.root, shippedFile: SHIPPED, overrides: {}, env: {} });
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
  });
  return rowOf('customer: configuration load', samples, {
    goal: { p95: 100 },
    note: 'shipped file and workspace file',
  });
}

function checkpointRow(times: number): Row {
  const text = checkpointText(FEATURE, 'Orchestrator', 'Tester');
  const samples = timed(times, () => {
    const { verdict } = judgeCheckpoint(text, {
      file: '001-discovery-trigger.md',
      feature: FEATURE,
      kind: 'checkpoint',
    });
    if (verdict !== 'whole') throw new Error(`The checkpoint is ${verdict}`);
  });
  return rowOf('customer: checkpoint parsed', samples, { goal: { p95: 10 } });
}

/** Where a project has the framework, its own script is run by `init`. A stand-in that does the same to files and git. */
async function scriptRow(product: Product, times: number): Promise<Row> {
  const script = `${product.repo.root}/tmops_v6_portable/tmops_tools/init_feature_multi.sh`;
  await mkdir(dirname(script), { recursive: true });
  await writeFile(script, FRAMEWORK_INIT, { mode: 0o755 });
  const samples: number[] = [];
  for (let n = 1; n <= times; n += 1) {
    const from = performance.now();
    const { initialiser } = await product.json<{ initialiser?: unknown }>('init', `by-script-${n}`);
    samples.push(performance.now() - from);
    if (initialiser !== 'framework') throw new Error(`The initialiser was ${String(initialiser)}`);
  }
  return rowOf('customer: initialisation, the script', samples, {
    goal: { p95: 25_000 },
    note: 'tmops init running a stand-in of the framework’s script',
  });
}

function timed(times: number, work: () => void): number[] {
  return Array.from({ length: times }, () => {
    const from = performance.now();
    work();
    return performance.now() - from;
  });
}

const PHASES = [
  ['discovery', 5],
  ['testing', 10],
  ['implementation', 10],
  ['verification', 5],
] as const;

/** The demo's play from start to summary: how long its agents work, and what of it is tmops' own. */
export async function measureDemo({ quick }: Extent): Promise<Row[]> {
  const product = await openProduct({ play: 'demo' });
  const journals: Event[][] = [];
  try {
    for (let n = 1; n <= (quick ? 1 : 3); n += 1) {
      await product.json('init', `demo-${n}`);
      await product.json('start', `demo-${n}`);
      await happened(product, `demo-${n}`, 'run.completed', () => true, 120_000);
      journals.push(await product.events(`demo-${n}`));
      await product.json('stop', `demo-${n}`);
    }
  } finally {
    await product.dispose();
  }
  const note = 'rehearsed work; a model’s takes minutes';
  return [
    ...PHASES.map(([step, minutes]) =>
      rowOf(
        `customer: phase ${step}`,
        journals.map((events) => stepMs(events, step)),
        { goal: { max: minutes * 60_000 }, note },
      ),
    ),
    rowOf('customer: a simple feature', journals.map(wholeMs), {
      goal: { max: 1_800_000 },
      note: `${note}; by hand 45–120 min`,
    }),
    rowOf(
      'of it tmops’ own: sum of hand-offs',
      journals.map((events) => sumOf(events, 'whole')),
      { note: 'six hand-offs, without the checks between' },
    ),
    rowOf(
      'of it checks between: their sum',
      journals.map((events) => sumOf(events, 'checks')),
      { note: 'the tests of the sample project in it, four times' },
    ),
  ];
}

const sumOf = (events: Event[], part: 'whole' | 'checks'): number =>
  handOffsOf(events).reduce((sum, handOff) => sum + handOff[part], 0);

const stepMs = (events: Event[], name: string): number =>
  (ofKind(events, 'step.completed').find(({ step }) => step === name)?.at ?? Number.NaN) -
  (ofKind(events, 'step.began').find(({ step }) => step === name)?.at ?? Number.NaN);

const wholeMs = (events: Event[]): number =>
  (ofKind(events, 'run.completed')[0]?.at ?? Number.NaN) - (ofKind(events, 'run.started')[0]?.at ?? Number.NaN);
