import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../files/refused.ts';
import { ensureFolder, readOrNull, writeWhole } from './disk.ts';
import { MARK_FILE } from './mark.ts';
import { fromRoot, runPaths } from './paths.ts';
import type { Step, Work } from './work.ts';

const MAX_SPECS = 99;

/** Notes what is about to be done, and keeps the specification that the framework's script would replace. */
export const markStep: Step = {
  name: 'mark',
  async run(work) {
    const { plan, order } = work;
    const { paths, run, previous } = plan;
    const problem = await ensureFolder(plan.root, fromRoot(plan.root, join(paths.mark, run)));
    if (problem) return problem;
    const { runType, session, nowIso } = order;
    await writeWhole(
      join(paths.mark, MARK_FILE),
      `${JSON.stringify({ runType, run, previous, session, at: nowIso })}\n`,
    );
    if (plan.script.kind === 'script') await keepSpec(work);
    return null;
  },
};

/** Everything is in place. */
export const unmarkStep: Step = {
  name: 'unmark',
  async run({ plan }) {
    await rm(join(plan.paths.mark, plan.run), { recursive: true, force: true });
    await rm(join(plan.paths.mark, MARK_FILE), { force: true });
    await removeEmpty(plan.paths.mark);
    return null;
  },
};

/** The specifications that were there before the script ran, newest first; several after calls that were cut short. */
export async function keptSpecs({ plan }: Work): Promise<readonly Buffer[]> {
  const folder = join(plan.paths.mark, plan.run);
  const names = (await readdir(folder)).filter((name) => /^spec-\d\d\.md$/.test(name)).sort();
  const kept = await Promise.all(names.reverse().map((name) => readOrNull(join(folder, name))));
  return kept.filter((bytes) => bytes !== null);
}

async function keepSpec(work: Work): Promise<void> {
  const { paths, run, previous } = work.plan;
  const earlier = previous === null ? null : runPaths(paths, previous).spec;
  const spec = (await readOrNull(work.plan.runPaths.spec)) ?? (earlier === null ? null : await readOrNull(earlier));
  const kept = await keptSpecs(work);
  if (spec === null || kept.some((bytes) => bytes.equals(spec)) || kept.length >= MAX_SPECS) return;
  const name = `spec-${String(kept.length + 1).padStart(2, '0')}.md`;
  await writeWhole(join(paths.mark, run, name), spec);
}

async function removeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
  }
}
