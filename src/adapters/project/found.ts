import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdoptProblem } from '../../core/adopt.ts';
import { codeOf } from '../../files/refused.ts';
import { pathKind } from './disk.ts';
import { readCurrent } from './features.ts';
import { featurePaths, isRunName, runPaths, TMOPS } from './paths.ts';

/** What the folders of a feature tell of its present run. */
export type FoundRun =
  | {
      readonly ok: true;
      readonly run: string;
      /** When the oldest of its checkpoints and its specification was written, in ms since the epoch; null without any. */
      readonly oldestMs: number | null;
    }
  | { readonly ok: false; readonly problem: AdoptProblem };

/** Looks at what the framework's tools and a human have made. Follows no link but `current`, and changes nothing. */
export async function findRun(root: string, feature: string): Promise<FoundRun> {
  const paths = featurePaths(root, feature);
  for (const path of [paths.tmops, paths.home, paths.runs]) {
    const what = await pathKind(path);
    if (what === 'absent') return { ok: false, problem: { kind: 'no-folder', path: paths.home } };
    if (what !== 'folder') return { ok: false, problem: { kind: 'in-the-way', path, what, wanted: 'folder' } };
  }
  const current = await readCurrent(paths);
  if (!current.ok) {
    const { problem } = current;
    if (problem.kind === 'in-the-way' || problem.kind === 'link-out') return { ok: false, problem };
    throw new Error(`Internal error: ${problem.kind} is no problem of a link`);
  }
  if (current.run === null) {
    const runs = (await readdir(paths.runs)).filter(isRunName).sort();
    return { ok: false, problem: { kind: 'no-current', path: paths.current, runs } };
  }
  const run = runPaths(paths, current.run);
  return { ok: true, run: current.run, oldestMs: await oldestOf(run) };
}

/** Whether `.tmops` in a working tree beside the root leads to the root's, so that relative paths hold there too. */
export async function isLinked(worktree: string, root: string): Promise<boolean> {
  if (worktree === root) return true;
  const link = join(worktree, TMOPS);
  if ((await pathKind(link)) !== 'link') return false;
  const end = await realpath(link).catch(absent);
  return end === join(root, TMOPS);
}

async function oldestOf(run: { readonly spec: string; readonly checkpoints: string }): Promise<number | null> {
  const names = await readdir(run.checkpoints).catch(absent);
  const times = await Promise.all(
    [run.spec, ...(names ?? []).map((name) => join(run.checkpoints, name))].map(async (path) => {
      const seen = await lstat(path).catch(absent);
      return seen?.isFile() === true ? [seen.mtimeMs] : [];
    }),
  );
  return times.flat().length === 0 ? null : Math.min(...times.flat());
}

function absent(error: unknown): null {
  const code = codeOf(error);
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  return null;
}
