import { until } from '../rig/wait.ts';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
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
    await product.json('init', FEATURE);
    await product.json('start', FEATURE);
    await happened(product, FEATURE, 'prompt.taken', ({ prompt }) => prompt >= 5);
    const times = quick ? 10 : 200;
    const rows = [configRow(product, times), checkpointRow(times), await recoveryRow(product, quick ? 3 : 20)];
    return [...rows, await scriptRow(product, quick ? 3 : 20), await crowdRow(quick ? 3 : 20)];
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

/** Kills the supervisor and asks for the status at once, which is what brings another up. */
async function recoveryRow(
  product: Product,
  times: number,
  { name, feature } = { name: 'customer: recovery begun', feature: FEATURE },
): Promise<Row> {
  const samples: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const pid = await until('a supervisor that lives', () => livingSupervisor(product));
    const killedAt = Date.now();
    process.kill(pid, 'SIGKILL');
    await product.json('status', feature);
    const began = await happened(product, feature, 'supervisor.began', ({ at }) => at >= killedAt);
    samples.push(began.at - killedAt);
  }
  // Each guard of a killed supervisor looks once more after a pause; when it finds none it starts one for a place that is gone.
  await until('one guard is left', async () => (await guardsOf(product)) <= 1, { withinMs: 60_000 });
  return rowOf(name, samples, {
    goal: { p95: 500 },
    note: 'supervisor’s kill -9 to watching again, with `tmops status` given at once',
  });
}

const CROWD = 100;

/** The same with many features on disk: all but one are completed, and the one that runs comes last by name. */
async function crowdRow(times: number): Promise<Row> {
  const product = await openProduct({ play: 'instant' });
  try {
    await product.json('init', 'feature-0');
    await product.json('start', 'feature-0');
    await happened(product, 'feature-0', 'run.completed', () => true, 120_000);
    await product.json('stop', 'feature-0');
    await product.endSupervisor();
    const list = await readFile(product.path('FEATURES.txt'), 'utf8');
    for (let n = 1; n < CROWD - 1; n += 1) await copyFeature(product, 'feature-0', `feature-${n}`);
    const more = Array.from({ length: CROWD - 2 }, (_each, n) => list.replaceAll('feature-0', `feature-${n + 1}`));
    await writeFile(product.path('FEATURES.txt'), list + more.join(''));
    await product.configure({ play: 'wait' });
    await product.json('init', 'running');
    await product.json('start', 'running');
    await happened(product, 'running', 'prompt.taken', ({ prompt }) => prompt >= 5);
    return await recoveryRow(product, times, {
      name: 'supervisor kill -9 to watching again with 100 features on disk',
      feature: 'running',
    });
  } finally {
    await product.dispose();
  }
}

async function copyFeature(product: Product, from: string, to: string): Promise<void> {
  await cp(product.path(from), product.path(to), { recursive: true, verbatimSymlinks: true });
  const run = product.path(to, 'runs', 'initial');
  for (const file of ['journal.jsonl', 'state.json', 'agents/setup.json']) {
    const text = await readFile(`${run}/${file}`, 'utf8');
    await writeFile(`${run}/${file}`, text.replaceAll(from, to));
  }
}

async function guardsOf({ repo }: Product): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes('guard.sh\0') && line.includes(repo.root)).length;
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

/** The pid file may still name the one before, while the next one is on its way. */
async function livingSupervisor(product: Product): Promise<number | null> {
  const pid = Number(await readFile(product.path('.supervisor', 'pid'), 'utf8'));
  return existsSync(`/proc/${pid}`) ? pid : null;
}
