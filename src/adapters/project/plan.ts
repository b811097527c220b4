import { readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { InitOrder, InitProblem, PathKind } from '../../core/init.ts';
import { mustBeTrusted } from '../../files/trust.ts';
import { codeOf } from '../../files/refused.ts';
import { pathKind } from './disk.ts';
import { readCurrent } from './features.ts';
import { readMark } from './mark.ts';
import {
  contract,
  FEATURE_NAME,
  featurePaths,
  isRunName,
  runPaths,
  type FeaturePaths,
  type RunPaths,
} from './paths.ts';

/** What an initialisation will do, worked out before anything is changed. */
export interface Plan {
  /** Real path of the root. */
  readonly root: string;
  readonly feature: string;
  readonly branch: string;
  readonly roles: readonly string[];
  readonly paths: FeaturePaths;
  readonly run: string;
  readonly runPaths: RunPaths;
  /** The run that a retry follows; null otherwise. */
  readonly previous: string | null;
  readonly script: ScriptFound;
  /** The paths of the contract that were there before. */
  readonly before: ReadonlySet<string>;
}

export type ScriptFound =
  | { readonly kind: 'script'; readonly file: string }
  | { readonly kind: 'built-in'; readonly why: 'no-script' | 'script-of-another-project' };

const SCRIPT = 'init_feature_multi.sh';
const ROLES = ['orchestrator', 'tester', 'implementer', 'verifier'];
const MAX_RETRIES = 999;

/** Looks at what is there and decides; changes nothing. */
export async function planInit(order: InitOrder): Promise<Plan | { readonly problem: InitProblem }> {
  const { feature } = order;
  if (!FEATURE_NAME.test(feature)) {
    return { problem: { kind: 'bad-name', name: feature, pattern: FEATURE_NAME.source } };
  }
  const root = await realpath(order.workspaceRoot);
  const paths = featurePaths(root, feature);
  // Before anything below them is read, the folders on the way must be real.
  const onTheWay = await unfit([paths.tmops, paths.home, paths.runs, paths.mark], 'folder');
  if (onTheWay) return { problem: onTheWay };
  const chosen = await chooseRun(paths, order);
  if ('problem' in chosen) return chosen;
  const roles = order.roles ?? ROLES;
  const wanted = contract(paths, { run: chosen.run, roles });
  const problem =
    (await unfit(wanted.folders, 'folder')) ??
    (await unfit(wanted.files, 'file')) ??
    (await unfit(wanted.links, 'link'));
  if (problem) return { problem };
  return {
    root,
    feature,
    branch: `feature/${feature}`,
    roles,
    paths,
    ...chosen,
    runPaths: runPaths(paths, chosen.run),
    script: await scriptIn(order.toolsDir, root, SCRIPT),
    before: await present([...wanted.folders, ...wanted.files, ...wanted.links]),
  };
}

/** The paths among `paths` at which something is. */
export async function present(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const kinds = await Promise.all(paths.map(pathKind));
  return new Set(paths.filter((_, at) => kinds[at] !== 'absent'));
}

/** The first of `paths` that is there but is not of the kind wanted. */
async function unfit(paths: readonly string[], wanted: PathKind): Promise<InitProblem | null> {
  for (const path of paths) {
    const what = await pathKind(path);
    if (what !== 'absent' && what !== wanted) return { kind: 'in-the-way', path, what, wanted };
  }
  return null;
}

type Chosen = { readonly run: string; readonly previous: string | null } | { readonly problem: InitProblem };

/**
 * `initial` sets up the run that is current, or the first one. `retry` opens a new run after the current one; where an
 * earlier call was cut short, its mark names the run to go on with.
 */
async function chooseRun(paths: FeaturePaths, order: InitOrder): Promise<Chosen> {
  const mark = await readMark(paths);
  if (mark?.runType === order.runType) return { run: mark.run, previous: mark.previous };
  const current = await readCurrent(paths);
  if (!current.ok) return { problem: current.problem };
  const run = current.run ?? ((await pathKind(join(paths.runs, 'initial'))) === 'folder' ? 'initial' : null);
  if (order.runType === 'initial') return { run: run ?? 'initial', previous: null };
  if (run === null) return { problem: { kind: 'no-run-to-retry', feature: order.feature } };
  const taken = new Set((await readdir(paths.runs)).filter(isRunName));
  for (let count = 1; count <= MAX_RETRIES; count += 1) {
    const name = count === 1 ? 'retry' : `retry-${count}`;
    if (!taken.has(name)) return { run: name, previous: run };
  }
  return { problem: { kind: 'too-many-runs', feature: order.feature, count: MAX_RETRIES } };
}

/**
 * The framework's script works on the project it lies in (two folders up, by the path it is called by), so one that
 * belongs to another project is of no use here. Rejects with a Distrusted when somebody else may have written it.
 */
export async function scriptIn(toolsDir: string, root: string, name: string): Promise<ScriptFound> {
  const file = join(toolsDir, name);
  if (!(await isFile(file))) return { kind: 'built-in', why: 'no-script' };
  const project = await realpath(resolve(toolsDir, '..', '..'));
  if (project !== root) return { kind: 'built-in', why: 'script-of-another-project' };
  mustBeTrusted(file, "framework's script");
  return { kind: 'script', file };
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    return false;
  }
}
