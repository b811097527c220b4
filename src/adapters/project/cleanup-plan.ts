import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  isArchiveOf,
  stampOf,
  type CleanupMark,
  type CleanupOrder,
  type CleanupPlan,
  type CleanupPlanned,
  type CleanupProblem,
} from '../../core/cleanup.ts';
import { readCleanupMark } from './cleanup-mark.ts';
import { pathKind, readOrNull } from './disk.ts';
import { hasLine } from './features.ts';
import { cleanupPaths, featurePaths } from './paths.ts';
import { scriptIn } from './plan.ts';
import type { CleanupGit } from './work.ts';

const SCRIPT = 'cleanup_safe.sh';

/** Looks at what is left of a feature and decides; changes nothing. */
export async function planCleanup(git: CleanupGit, order: CleanupOrder): Promise<CleanupPlanned> {
  const root = await realpath(order.workspaceRoot);
  const { feature } = order;
  const paths = featurePaths(root, feature);
  for (const path of [paths.tmops, paths.home]) {
    const what = await pathKind(path);
    if (what !== 'absent' && what !== 'folder') return refuse({ kind: 'in-the-way', path, what, wanted: 'folder' });
  }
  const before = await readCleanupMark(root, feature);
  // The branch may have gone on since a call that was cut short, or be deleted by it.
  const mark = before
    ? { ...before, tip: (await git.tipOf(root, before.branch)) ?? before.tip }
    : await freshMark(git, order, root);
  const hasFolder = (await pathKind(paths.home)) === 'folder';
  const isListed = hasLine((await readOrNull(paths.features))?.toString('latin1') ?? '', feature);
  const tree = await lookAtTree(git, root, mark, order);
  if ('problem' in tree) return refuse(tree.problem);
  if (!before && !hasFolder && !isListed && !tree.hasWorktree)
    return { ok: 'nothing', archives: await archivesOf(root, feature) };
  const deleteBranch = mark.deleteBranch || order.deleteBranch;
  const branch = deleteBranch ? await lookAtBranch(git, root, mark, order) : { unmerged: [] };
  if ('problem' in branch) return refuse(branch.problem);
  const places = cleanupPaths(root, feature, mark.stamp);
  const script = await scriptIn(order.toolsDir, root, SCRIPT);
  const plan: CleanupPlan = {
    ...mark,
    deleteBranch,
    ...{ root, feature, resumed: before !== null, hasFolder, isListed, ...tree, ...branch },
    aside: join(dirname(mark.worktree), `.${basename(mark.worktree)}.${mark.stamp}`),
    script: script.kind === 'script' ? script.file : null,
    ref: `refs/tmops/_archive/${mark.stamp}-${feature}`,
    ...{ backup: places.backup, archive: places.archive },
  };
  return { ok: true, plan };
}

const refuse = (problem: CleanupProblem): CleanupPlanned => ({ ok: false, problem });

async function freshMark(git: CleanupGit, order: CleanupOrder, root: string): Promise<CleanupMark> {
  const { branch, deleteBranch, nowIso } = order;
  return {
    stamp: stampOf(nowIso),
    ...{ branch, deleteBranch },
    worktree: await git.realPlace(order.worktree),
    tip: await git.tipOf(root, branch),
  };
}

type Tree = Pick<CleanupPlan, 'hasWorktree' | 'dirty' | 'dirtyCount' | 'keeps' | 'ignoredFiles' | 'ignoredFolders'>;

const NO_TREE: Tree = {
  ...{ hasWorktree: false, dirty: [], dirtyCount: 0, keeps: false, ignoredFiles: [], ignoredFolders: [] },
};

/** What would go with the worktree, and what forbids that it goes. */
async function lookAtTree(
  git: CleanupGit,
  root: string,
  { worktree: path, branch }: CleanupMark,
  { discard }: CleanupOrder,
): Promise<Tree | { readonly problem: CleanupProblem }> {
  const [main, ...linked] = await git.worktrees(root);
  if (main?.path === path) return lookAtRoot(git, root, branch);
  const entry = linked.find((each) => each.path === path);
  if (!entry) return NO_TREE;
  if (entry.locked !== null && entry.locked !== HALF_MADE)
    return { problem: { kind: 'worktree-locked', path, reason: entry.locked } };
  // Put away by an earlier call, or by hand: only git's record is left.
  if ((await pathKind(path)) === 'absent') return { ...NO_TREE, hasWorktree: true };
  const link = join(path, '.git');
  const what = await pathKind(link);
  if (what !== 'file') return { problem: { kind: 'in-the-way', path: link, what, wanted: 'file' } };
  const seen = await git.leaving(path);
  if (seen.underWay !== null) return { problem: { kind: 'under-way', path, what: seen.underWay } };
  if (seen.hasSubmodules) return { problem: { kind: 'submodules', path } };
  const { dirty } = seen;
  if (!discard && dirty.count > 0) return { problem: { kind: 'dirty', path, ...dirty } };
  const { ignoredFiles, ignoredFolders } = seen;
  return {
    ...{ hasWorktree: true, dirty: dirty.files, dirtyCount: dirty.count, ignoredFiles, ignoredFolders },
    keeps: dirty.count > 0 || !seen.isHeld,
  };
}

/** git gives this as the reason while `worktree add` works; a crash leaves it. */
const HALF_MADE = 'initializing';

/** A feature that is worked on in the root leaves its files there; what is not committed could be anybody's. */
async function lookAtRoot(
  git: CleanupGit,
  root: string,
  branch: string,
): Promise<Tree | { readonly problem: CleanupProblem }> {
  const seen = await git.leaving(root);
  if (seen.branch !== branch || seen.dirty.count === 0) return NO_TREE;
  return { problem: { kind: 'dirty', path: root, ...seen.dirty } };
}

async function lookAtBranch(
  git: CleanupGit,
  root: string,
  { branch, worktree }: CleanupMark,
  { discard }: CleanupOrder,
): Promise<Pick<CleanupPlan, 'unmerged'> | { readonly problem: CleanupProblem }> {
  const elsewhere = (await git.worktrees(root)).find((each) => each.branch === branch);
  if (elsewhere && (elsewhere.path !== worktree || elsewhere.path === root))
    return { problem: { kind: 'branch-in-use', branch, at: elsewhere.path } };
  if ((await git.tipOf(root, branch)) === null) return { unmerged: [] };
  const commits = await git.unmerged(root, branch);
  if (discard || commits.length === 0) return { unmerged: commits };
  return { problem: { kind: 'not-merged', branch, count: commits.length, commits: commits.slice(0, SHOWN_COMMITS) } };
}

const SHOWN_COMMITS = 20;

/** Folders of `.tmops/.archive` that hold this feature, oldest first. */
export async function archivesOf(root: string, feature: string): Promise<readonly string[]> {
  const folder = join(featurePaths(root, feature).tmops, '.archive');
  if ((await pathKind(folder)) !== 'folder') return [];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && isArchiveOf(feature, entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
}
