import { existsSync } from 'node:fs';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import type { OutputOf } from '../../src/app/table.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';
import { happened } from './journal.ts';
import { rowOf, type Extent, type Row } from './row.ts';

const FEATURE = 'running';
const CROWD = 100;

/** How long nobody watches once the supervisor was killed: with one feature on disk, and with many. */
export async function measureRecovery({ quick }: Extent): Promise<Row[]> {
  const times = quick ? 10 : 200;
  return [
    ...(await measureIn('customer: recovery begun', times, () => Promise.resolve())),
    ...(await measureIn(`supervisor kill -9 to watching again with ${CROWD} features on disk`, times, makeCrowd)),
  ];
}

async function measureIn(name: string, times: number, make: (product: Product) => Promise<void>): Promise<Row[]> {
  const product = await openProduct({ play: 'instant' });
  try {
    await make(product);
    await product.configure({ play: 'wait' });
    await product.json('init', FEATURE);
    await product.json('start', FEATURE);
    await happened(product, FEATURE, 'prompt.taken', ({ prompt }) => prompt >= 5);
    const samples: number[] = [];
    for (let n = 0; n < times; n += 1) samples.push(await recoveryMs(product));
    const again: number[] = [];
    for (let n = 0; n < times / 10; n += 1) again.push(await anotherRecoveryMs(product));
    // Each guard of a killed supervisor looks once more after a pause, and the place must be there until then.
    await until('one guard is left', async () => (await guardsOf(product)) <= 1, { withinMs: 60_000 });
    return [
      rowOf(name, samples, {
        goal: { p95: 500 },
        note: 'supervisor’s kill -9 to watching again, by its guard; nobody asks for anything meanwhile',
      }),
      rowOf('the same, killed again and again', again, {
        note: 'its guard pauses by then: `tmops status`, given at once, brings the next one up',
      }),
    ];
  } finally {
    await product.dispose();
  }
}

/** By a guard of its own: one that has lost a supervisor within the last minute pauses before it starts the next. */
async function recoveryMs(product: Product): Promise<number> {
  await product.json('status', FEATURE);
  await product.endSupervisor();
  const { cursor } = await product.json<OutputOf<'status'>>('status', FEATURE);
  const pid = Number(await readFile(product.path('.supervisor', 'pid'), 'utf8'));
  const killedAt = Date.now();
  process.kill(pid, 'SIGKILL');
  const began = await happened(product, FEATURE, 'supervisor.began', ({ seq }) => seq > cursor);
  return began.at - killedAt;
}

async function anotherRecoveryMs(product: Product): Promise<number> {
  const pid = await until('a supervisor that lives', () => livingSupervisor(product));
  const killedAt = Date.now();
  process.kill(pid, 'SIGKILL');
  await product.json('status', FEATURE);
  const began = await happened(product, FEATURE, 'supervisor.began', ({ at }) => at >= killedAt);
  return began.at - killedAt;
}

/** The pid file may still name the one before, while the next one is on its way. */
async function livingSupervisor(product: Product): Promise<number | null> {
  const pid = Number(await readFile(product.path('.supervisor', 'pid'), 'utf8'));
  return existsSync(`/proc/${pid}`) ? pid : null;
}

async function guardsOf({ repo }: Product): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes('guard.sh\0') && line.includes(repo.root)).length;
}

/** All but the one that will run are completed; it comes last by name. */
async function makeCrowd(product: Product): Promise<void> {
  const first = 'feature-0';
  await product.json('init', first);
  await product.json('start', first);
  await happened(product, first, 'run.completed', () => true, 120_000);
  await product.json('stop', first);
  await product.endSupervisor();
  const list = await readFile(product.path('FEATURES.txt'), 'utf8');
  const others = Array.from({ length: CROWD - 2 }, (_each, n) => `feature-${n + 1}`);
  for (const other of others) await copyFeature(product, first, other);
  await writeFile(product.path('FEATURES.txt'), list + others.map((other) => list.replaceAll(first, other)).join(''));
}

async function copyFeature(product: Product, from: string, to: string): Promise<void> {
  await cp(product.path(from), product.path(to), { recursive: true, verbatimSymlinks: true });
  const run = product.path(to, 'runs', 'initial');
  for (const file of ['journal.jsonl', 'state.json', 'agents/setup.json']) {
    const text = await readFile(`${run}/${file}`, 'utf8');
    await writeFile(`${run}/${file}`, text.replaceAll(from, to));
  }
}
