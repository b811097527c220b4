// The soak. What it takes is said in options.ts, what its figures mean in docs/testing.md.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { OutputOf } from '../../src/app/table.ts';
import type { Product } from '../rig/product.ts';
import { seeded } from '../rig/random.ts';
import { until } from '../rig/wait.ts';
import { finishByHand } from './by-hand.ts';
import { disturb } from './faults.ts';
import { operate, runFeature, type Scene } from './features.ts';
import {
  judge,
  tableOf,
  type ByHand,
  type Corruption,
  type FeatureRecord,
  type Observed,
  type Sample,
} from './figures.ts';
import { readOptions, type SoakOptions } from './options.ts';
import { openWorld, processesOf, rssOf, sampleOf } from './world.ts';

const LATEST = fileURLToPath(new URL('../../node_modules/.cache/tmops-soak/latest.json', import.meta.url));
/** Of the time, with faults; the rest is for what grows. */
const STORM_SHARE = 0.6;
/** One run is finished by hand in so much time, and at least one. */
const BY_HAND_EACH_MS = 120_000;
const SAMPLE_EVERY_MS = 2_000;

const read = readOptions(process.argv.slice(2), () => Date.now() % 2 ** 31);
if (read.kind === 'help') process.stdout.write(read.text);
else if (read.kind === 'run') await main(read.options);
else {
  process.stderr.write(`${read.why}.\nnpm run soak -- --help says what there is.\n`);
  process.exitCode = 2;
}

async function main(options: SoakOptions): Promise<void> {
  const { minutes, seed, lanes } = options;
  const begun = Date.now();
  const tell = (line: string): void => {
    process.stderr.write(`${((Date.now() - begun) / 1000).toFixed(1).padStart(7)} ${line}\n`);
  };
  process.stdout.write(`Soak of ${minutes} minutes, ${lanes} features at once, seed ${seed}.\n`);
  const world = await openWorld('soak');
  const { observed, faults } = await soak(world, options, tell).finally(() => end(world));
  const processesLeft = await leftAfter(world);
  const figures = judge({ ...observed, processesLeft });
  const file = resolve(options.json ?? LATEST);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(
    file,
    `${JSON.stringify({ seed, minutes, lanes, faults: Object.fromEntries(faults), figures, ...observed }, null, 2)}\n`,
  );
  const counts = [...faults].map(([name, times]) => `${name} ${times}`).join(', ');
  process.stdout.write(`\nFaults: ${counts}\n\n${tableOf(figures)}\n\nFigures: ${file} (seed ${seed})\n`);
  if (figures.some(({ met }) => !met)) process.exitCode = 1;
}

interface Soaked {
  readonly observed: Omit<Observed, 'processesLeft'>;
  readonly faults: ReadonlyMap<string, number>;
}

async function soak(product: Product, options: SoakOptions, tell: (line: string) => void): Promise<Soaked> {
  const { minutes, seed, lanes } = options;
  const random = seeded(seed);
  const stormMs = minutes * 60_000 * STORM_SHARE;
  const scene = { product, going: new Set<string>(), killed: [], corruptions: new Array<Corruption>(), tell };
  const over = new AbortController();
  const byHand = allByHand(Math.max(1, Math.floor((minutes * 60_000) / BY_HAND_EACH_MS)), random.fork(), tell);
  const helping = operate(scene, over.signal);
  const calm = new AbortController();
  const disturbing = disturb(scene, random.fork(), calm.signal);
  const stormy = await runLanes(scene, { lanes, name: 'storm', untilMs: Date.now() + stormMs }).finally(() => {
    calm.abort();
  });
  const faults = await disturbing;
  tell(`the storm is over; ${(await product.json<OutputOf<'gc'>>('gc')).removed.length} leftovers of it were removed`);
  const finishedByHand = await byHand;
  await product.endSupervisor();
  await product.json('list');
  // What a first feature brings up stays: it is no growth.
  const warm = await runFeature(scene, 'soak-warm-1');
  const before = await settled(product);
  const rssMb: number[] = [];
  const sampling = sampleMemory(product, rssMb, over.signal);
  const calmly = await runLanes(scene, { lanes, name: 'calm', untilMs: Date.now() + minutes * 60_000 - stormMs });
  over.abort();
  await Promise.all([helping, sampling]);
  const after = await settled(product);
  const features = [...stormy, warm, ...calmly];
  return {
    observed: { features, corruptions: scene.corruptions, byHand: finishedByHand, before, after, rssMb },
    faults,
  };
}

/** Features back to back in each lane until the time is up; the last ones are waited for. */
async function runLanes(
  scene: Scene,
  { lanes, name, untilMs }: { readonly lanes: number; readonly name: string; readonly untilMs: number },
): Promise<readonly FeatureRecord[]> {
  const records: FeatureRecord[] = [];
  let last = 0;
  const lane = async (): Promise<void> => {
    while (Date.now() < untilMs) records.push(await runFeature(scene, `soak-${name}-${(last += 1)}`));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return records;
}

/** In a world of its own: there the supervisor is to stay away. */
async function allByHand(
  count: number,
  random: ReturnType<typeof seeded>,
  tell: (line: string) => void,
): Promise<readonly ByHand[]> {
  const product = await openWorld('by-hand');
  try {
    const all: ByHand[] = [];
    for (let n = 1; n <= count; n += 1) {
      const record = await finishByHand(product, `soak-hand-${n}`, random);
      all.push(record);
      tell(`${record.feature} was ${record.fault === null ? '' : 'NOT '}finished by hand`);
    }
    return all;
  } finally {
    await end(product);
  }
}

/** What there is once nothing is on its way any more: two looks that agree but for memory, or the last one of ten seconds. */
async function settled(product: Product): Promise<Sample> {
  const key = (of: Sample): string => JSON.stringify({ ...of, rssMb: 0 });
  let sample = await sampleOf(product);
  for (let looks = 0; looks < 10; looks += 1) {
    await pause(1000);
    const next = await sampleOf(product);
    if (key(next) === key(sample)) return next;
    sample = next;
  }
  return sample;
}

async function sampleMemory(product: Product, into: number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const rss = await rssOf(product);
    if (rss !== null) into.push(rss);
    await pause(SAMPLE_EVERY_MS, null, { signal }).catch(() => null);
  }
}

/** Guards of supervisors that were killed wait to look once more; they are ended with the rest. */
async function end(product: Product): Promise<void> {
  await product.endSupervisor();
  await product.dispose();
}

async function leftAfter(product: Product): Promise<number> {
  await until('no process is left', async () => (await processesOf(product)).length === 0, { withinMs: 60_000 }).catch(
    () => null,
  );
  return (await processesOf(product)).length;
}
