import { join } from 'node:path';
import { ensureFolder, pointLink, readOrNull, touch, writeWhole } from './disk.ts';
import { withLine } from './features.ts';
import { contract, fromRoot } from './paths.ts';
import type { Step, Work } from './work.ts';

/** The folders and log files of the contract. */
export const foldersStep: Step = {
  name: 'folders',
  async run({ plan }) {
    for (const folder of contract(plan.paths, plan).folders) {
      const problem = await ensureFolder(plan.root, fromRoot(plan.root, folder));
      if (problem) return problem;
    }
    for (const role of plan.roles) await touch(join(plan.runPaths.logs, `${role}.log`));
    return null;
  },
};

/** The run becomes the current one, under both of the names that the framework's tools know. */
export const currentStep: Step = {
  name: 'current',
  async run(work) {
    const { paths, run } = work.plan;
    noteChange(work, paths.current, await pointLink(paths.current, `runs/${run}`));
    noteChange(work, paths.runsCurrent, await pointLink(paths.runsCurrent, run));
    return null;
  },
};

/** A retry says which run came before it. */
export const previousStep: Step = {
  name: 'previous',
  async run(work) {
    const { paths, previous } = work.plan;
    if (previous === null) return null;
    const wanted = Buffer.from(`${previous}\n`);
    if ((await readOrNull(paths.previousRun))?.equals(wanted)) return null;
    await writeWhole(paths.previousRun, wanted);
    noteChange(work, paths.previousRun, true);
    return null;
  },
};

/** The feature's line in FEATURES.txt names its branch: the framework's script notes the one the root is on. */
export const featuresStep: Step = {
  name: 'features',
  run: (work) =>
    work.inTurn(`features ${work.plan.root}`, async () => {
      const { plan, order } = work;
      const file = plan.paths.features;
      const before = (await readOrNull(file))?.toString('latin1') ?? '';
      const renew = order.runType === 'retry' && plan.script.kind === 'built-in';
      const fresh = { feature: plan.feature, status: 'active', since: order.nowIso, branch: plan.branch };
      const after = withLine(before, plan.feature, (newest) =>
        newest === null || renew ? fresh : { ...newest, branch: plan.branch },
      );
      if (after === before) return null;
      await writeWhole(file, Buffer.from(after, 'latin1'));
      noteChange(work, file, true);
      return null;
    }),
};

/** A path that was there before and is something else now. */
function noteChange({ plan, changed }: Work, path: string, happened: boolean): void {
  if (happened && plan.before.has(path)) changed.add(fromRoot(plan.root, path));
}
