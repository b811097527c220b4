import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { OutputOf } from '../../src/app/table.ts';
import type { Product } from '../rig/product.ts';
import { foreignNames, managedSessions, type FeatureRecord } from './figures.ts';

export const ROLES = ['orchestrator', 'tester', 'implementer', 'verifier'] as const;
export type Role = (typeof ROLES)[number];

/** How long a feature may take from its start, in ms: by hand an hour is usual, its rehearsed work takes half a minute. */
const COMPLETED_WITHIN_MS = 240_000;
/** A human who is told that a call failed makes it again, twice. */
const CALLS = 3;

/** What is going on, for those who disturb it and those who help. */
export interface Scene {
  readonly product: Product;
  /** Features that were started and are not completed. */
  readonly going: Set<string>;
  /** Agents that were ended by force. */
  readonly killed: { readonly feature: string; readonly role: string; readonly at: number }[];
  readonly tell: (line: string) => void;
}

/** Runs one feature from its beginning until it is put away. */
export async function runFeature(scene: Scene, feature: string): Promise<FeatureRecord> {
  const { product, going, killed } = scene;
  const faults: string[] = [];
  const session = async (...args: string[]): Promise<boolean> => {
    const why = await called(product, args);
    if (why !== null) faults.push(`tmops ${args.join(' ')}: ${why}`);
    return why === null;
  };
  const begun = Date.now();
  await session('init', feature);
  const worktree = (await product.repo.git(['worktree', 'list', '--porcelain']))
    .split('\n')
    .find((line) => line.endsWith(`/${feature}`));
  going.add(feature);
  const completed = (await session('start', feature)) && (await isCompleted(product, feature));
  going.delete(feature);
  scene.tell(
    `${feature} ${completed ? 'completed' : 'NOT COMPLETED'} after ${Math.round((Date.now() - begun) / 1000)} s`,
  );
  if (!completed) scene.tell((await product.cli('why', feature)).stdout);
  const managed = managedSessions(
    await product.events(feature),
    killed.filter((each) => each.feature === feature),
  );
  const foreign = await foreignIn(product, feature);
  await session('stop', feature);
  await session('cleanup', feature, '--discard', '--delete-branch');
  const left = await leftOf(product, feature, worktree?.slice('worktree '.length) ?? '');
  const sessions = { count: managed.count + CALLS_MADE, faults: [...managed.faults, ...faults] };
  return { feature, completed, sessions, foreign, left };
}

/** init, start, stop, cleanup. */
const CALLS_MADE = 4;

/** Null when it was done; else what was said the last time. */
async function called(product: Product, args: readonly string[]): Promise<string | null> {
  let said = '';
  for (let call = 0; call < CALLS; call += 1) {
    const { exitCode, stderr } = await product.cli(...args);
    if (exitCode === 0) return null;
    said = stderr.trim();
  }
  return said;
}

async function isCompleted(product: Product, feature: string): Promise<boolean> {
  const deadline = Date.now() + COMPLETED_WITHIN_MS;
  while (Date.now() < deadline) {
    if ((await product.events(feature)).some(({ kind }) => kind === 'run.completed')) return true;
    await pause(250);
  }
  return false;
}

/** Whatever of this feature speaks of another one: its agents' prompts, the run's files, its branch. */
async function foreignIn(product: Product, feature: string): Promise<string[]> {
  const found: string[] = [];
  const look = (where: string, text: string): void => {
    for (const name of foreignNames(text, feature)) {
      const at = text.indexOf(name);
      found.push(`${name} in ${where}: ${JSON.stringify(text.slice(Math.max(0, at - 200), at + 100))}`);
    }
  };
  for (const role of ROLES)
    look(`the prompts of the ${role}`, JSON.stringify(await product.prompts(feature, role).catch(() => [])));
  const run = product.path(feature, 'runs', 'initial');
  for (const folder of ['.', 'checkpoints', 'roles', 'prompts'])
    for (const entry of await readdir(join(run, folder), { withFileTypes: true }).catch(() => []))
      // A draft takes its file's place while this reads.
      if (entry.isFile() && !entry.name.endsWith('.tmp'))
        look(`${folder}/${entry.name}`, `${entry.name}\n${await readFile(join(run, folder, entry.name), 'utf8')}`);
  const branch = `feature/${feature}`;
  look('the files of its branch', await product.repo.git(['diff', '--name-only', `main...${branch}`]).catch(() => ''));
  look('the commits of its branch', await product.repo.git(['log', '--format=%s', `main..${branch}`]).catch(() => ''));
  return found;
}

/** What the machine still has of a feature that was put away. */
async function leftOf(product: Product, feature: string, worktree: string): Promise<string[]> {
  const sessions = await product.server.run('list-sessions', '-F', '#{session_name}').catch(() => '');
  const trees = await product.repo.git(['worktree', 'list', '--porcelain']);
  const things: [string, boolean][] = [
    [`the session of ${feature}`, sessions.split('\n').includes(`tmops-${feature}`)],
    [`the folder of ${feature}`, existsSync(product.path(feature))],
    [`the worktree of ${feature}`, existsSync(worktree) || trees.includes(`${worktree}\n`)],
    [`the mark of the cleanup of ${feature}`, existsSync(product.path('.cleanup', `${feature}.json`))],
  ];
  return things.flatMap(([what, isLeft]) => (isLeft ? [what] : []));
}

type Status = OutputOf<'status'>;

/** Null while nobody answers, or there is no such feature. */
export async function statusOf({ product }: Scene, feature: string): Promise<Status | null> {
  return product.status(feature).catch(() => null);
}

/** Somebody who reads the status and does what it says, until `signal` aborts. */
export async function operate(scene: Scene, signal: AbortSignal): Promise<void> {
  const { product, going } = scene;
  while (!signal.aborted) {
    for (const feature of going) {
      const status = await statusOf(scene, feature);
      if (status?.phase !== 'running') continue;
      for (const command of helpFor(status, feature)) {
        scene.tell(`somebody: tmops ${command.join(' ')}`);
        await product.cli(...command);
      }
    }
    await pause(500, null, { signal }).catch(() => null);
  }
}

/** What clears up by itself does so within this. */
const DOUBT_LASTS_MS = 3000;

function helpFor({ attention, prompts, paused }: Status, feature: string): readonly (readonly string[])[] {
  if (paused !== null) return [['resume', feature]];
  const codes = new Set(attention.map(({ code }) => code));
  const settled = prompts
    .filter(({ outcome, at }) => DOUBTFUL.has(outcome) && Date.now() - Date.parse(at) > DOUBT_LASTS_MS)
    .map(({ prompt }) => ['settle', feature, String(prompt), 'resend']);
  return [
    ...settled,
    ...(codes.has('agent-ended') || codes.has('agent-failed') ? [['start', feature]] : []),
    ...(codes.has('no-checkpoint') || codes.has('turn-failed') || codes.has('agent-silent')
      ? [['retry', feature]]
      : []),
  ];
}

const DOUBTFUL: ReadonlySet<string> = new Set(['indeterminate', 'typed_not_submitted']);
