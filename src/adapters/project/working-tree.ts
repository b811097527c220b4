import { readlink, rm, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { InitProblem } from '../../core/init.ts';
import { codeOf } from '../../files/refused.ts';
import { pathKind, pointLink } from './disk.ts';
import { fromRoot, TMOPS } from './paths.ts';
import type { Step } from './work.ts';

/** `.tmops` is ours, not the project's: git is told so in the repository's own exclude file, which is never committed. */
export const excludeStep: Step = {
  name: 'exclude',
  async run({ plan, options, changed }) {
    if (await options.git.addExclude(plan.root, TMOPS)) changed.add('.git/info/exclude');
    return null;
  },
};

/** The feature's branch exists and, with isolation `branch`, is checked out or can be by the framework's script. */
export const branchStep: Step = {
  name: 'branch',
  async run(work) {
    const { plan, order } = work;
    const { git } = work.options;
    if (order.isolation === 'branch' && plan.script.kind === 'script') {
      return git.checkoutProblem(plan.root, plan.branch);
    }
    const answer = await (order.isolation === 'branch'
      ? git.checkoutBranch(plan.root, plan.branch)
      : git.ensureBranch(plan.root, plan.branch));
    if (!answer.ok) return answer.problem;
    work.branchMade = answer.made;
    return null;
  },
};

/** The feature has a working tree of its own. */
export const worktreeStep: Step = {
  name: 'worktree',
  async run(work) {
    const { plan, order, options } = work;
    if (order.isolation === 'branch') return null;
    const path = order.worktreePath;
    // What was set up in an earlier working tree at this place counts no more.
    if ((await pathKind(path)) === 'absent') await rm(plan.paths.setup, { force: true });
    const answer = await options.git.ensureWorktree({ root: plan.root, path, branch: plan.branch });
    if (!answer.ok) return answer.problem;
    work.worktree = answer.path;
    if (answer.how !== 'kept') work.made.add(fromRoot(plan.root, answer.path));
    return null;
  },
};

/** In the worktree, `.tmops` leads to the root's, so that the relative paths in the agents' instructions hold there too. */
export const linkStep: Step = {
  name: 'link',
  async run(work) {
    const { plan, order } = work;
    if (order.isolation === 'branch') return null;
    const path = join(work.worktree, TMOPS);
    const turned = (await pathKind(path)) === 'link';
    const problem = await foreignLink(path, { worktree: work.worktree, tmops: plan.paths.tmops });
    if (problem) return problem;
    if (await pointLink(path, relative(work.worktree, plan.paths.tmops))) {
      (turned ? work.changed : work.made).add(fromRoot(plan.root, path));
    }
    return null;
  },
};

/** Something at the link's place that is not ours to replace. A link that leads nowhere is one of ours from before a move. */
async function foreignLink(
  path: string,
  place: { readonly worktree: string; readonly tmops: string },
): Promise<InitProblem | null> {
  const what = await pathKind(path);
  if (what === 'absent') return null;
  if (what !== 'link') return { kind: 'in-the-way', path, what, wanted: 'link' };
  const target = await readlink(path);
  if (resolve(place.worktree, target) === place.tmops || !(await leadsSomewhere(path))) return null;
  return { kind: 'link-out', path, target };
}

async function leadsSomewhere(link: string): Promise<boolean> {
  try {
    await stat(link);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return false;
  }
}
