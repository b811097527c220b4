import { cp, lstat, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CleanupDone, CleanupPlan } from '../../core/cleanup.ts';
import { makePrivateFolder } from '../../files/in-place.ts';
import { childEnvironment, runToEnd } from './child.ts';
import { removeCleanupMark, writeCleanupMark } from './cleanup-mark.ts';
import { archivesOf } from './cleanup-plan.ts';
import { codeOf } from '../../files/refused.ts';
import { ensureFolder, pathKind, readOrNull, writeWhole } from './disk.ts';
import { withoutLine } from './features.ts';
import { cleanupPaths, featurePaths, fromRoot, TMOPS } from './paths.ts';
import type { InTurn, ProjectOptions } from './work.ts';

interface Cleaning {
  readonly plan: CleanupPlan;
  readonly options: ProjectOptions;
  readonly inTurn: InTurn;
  script: CleanupDone['script'];
}

interface CleanupStep {
  readonly name: string;
  run(work: Cleaning): Promise<void>;
}

/**
 * Nothing is removed before it is kept, and nothing is moved in two parts. Each step brings a state about instead of
 * repeating an act, so that a call cut short anywhere is finished by the next: the mark names what it began with.
 */
export const CLEANUP_STEPS: readonly CleanupStep[] = [
  { name: 'mark', run: ({ plan }) => writeCleanupMark(plan.root, plan.feature, plan) },
  { name: 'keep', run: keep },
  { name: 'ignored', run: keepIgnored },
  { name: 'backup', run: backUp },
  { name: 'aside', run: putAside },
  { name: 'worktree', run: removeWorktree },
  { name: 'script', run: runScript },
  { name: 'archive', run: archive },
  { name: 'branch', run: settleBranch },
  { name: 'refs', run: ({ plan, options }) => options.git.moveRefs(plan.root, `refs/tmops/${plan.feature}`, plan.ref) },
  { name: 'features', run: strikeOut },
  { name: 'locks', run: removeLock },
  { name: 'unmark', run: ({ plan }) => removeCleanupMark(plan.root, plan.feature) },
];

/** Carries a plan out. Nobody may use the feature's journal meanwhile. Rejects for faults of the machine. */
export async function cleanUp(options: ProjectOptions, inTurn: InTurn, plan: CleanupPlan): Promise<CleanupDone> {
  const work: Cleaning = { plan, options, inTurn, script: null };
  for (const step of CLEANUP_STEPS) {
    await step.run(work);
    await options.step?.(step.name);
  }
  const archives = await archivesOf(plan.root, plan.feature);
  return {
    archive: archives.at(-1) ?? null,
    backup: (await pathKind(plan.backup)) === 'folder' ? plan.backup : null,
    script: work.script,
  };
}

/** What no branch holds any more afterwards: files and index of the worktree, and the branch's commit where that goes. */
async function keep({ plan, options: { git } }: Cleaning): Promise<void> {
  const { root, ref, tip, worktree } = plan;
  if (plan.deleteBranch && tip !== null) await git.holdRef(root, `${ref}/branch`, tip);
  if (!plan.keeps) return;
  const trees = await git.rewinder.look(worktree);
  await git.rewinder.keep(worktree, trees, `${ref.slice('refs/tmops/'.length)}/discarded`);
}

/** Settings and the like that git ignores are nowhere else. */
async function keepIgnored({ plan }: Cleaning): Promise<void> {
  for (const file of plan.ignoredFiles) await copy(join(plan.worktree, file), join(plan.backup, 'worktree', file));
}

/** The framework's script makes a backup of its own. */
async function backUp({ plan }: Cleaning): Promise<void> {
  const to = join(plan.backup, 'feature');
  const { home } = featurePaths(plan.root, plan.feature);
  if (plan.script !== null || (await pathKind(home)) !== 'folder' || (await pathKind(to)) === 'folder') return;
  const draft = `${to}.part`;
  await rm(draft, { recursive: true, force: true });
  await copy(home, draft);
  await rename(draft, to);
}

/** In one move: a worktree that is half removed would look like one with work in it. */
async function putAside({ plan }: Cleaning): Promise<void> {
  if (!plan.hasWorktree || (await pathKind(plan.worktree)) !== 'folder') return;
  await rename(plan.worktree, plan.aside);
}

async function removeWorktree({ plan, options }: Cleaning): Promise<void> {
  const { worktree, aside, root } = plan;
  if (worktree === root) return;
  await options.git.forgetWorktree(root, worktree);
  // The link first: what it leads to is the workspace's.
  const link = join(aside, TMOPS);
  if ((await pathKind(link)) === 'link') await unlink(link);
  await rm(aside, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
    const code = codeOf(error);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    // Caches that a tool made read-only.
    throw new Blocked(
      `What is left of the worktree, ${aside}, cannot be removed (${code}).`,
      `chmod -R u+w '${aside}'`,
    );
  });
  await removeEmpty(dirname(worktree));
}

const TIMEOUT_MS = 60_000;

/** The framework's own cleanup, where the project has it. What it leaves undone, the steps after it do. */
async function runScript(work: Cleaning): Promise<void> {
  const { plan, options } = work;
  if (plan.script === null || (await pathKind(featurePaths(plan.root, plan.feature).home)) !== 'folder') return;
  const argv = ['bash', plan.script, plan.feature, 'safe'];
  const end = await runToEnd({
    ...{ argv, cwd: plan.root, env: childEnvironment(options.environment) },
    timeoutMs: options.scriptTimeoutMs ?? TIMEOUT_MS,
  });
  const said = 'tail' in end ? end.tail.trim().split('\n').at(-1) : end.why;
  const failed = end.kind !== 'exited' || end.exitCode !== 0;
  work.script = {
    argv,
    failure: failed ? `${end.kind === 'exited' ? `exit code ${end.exitCode}` : end.kind}: ${said ?? ''}` : null,
  };
}

async function archive({ plan }: Cleaning): Promise<void> {
  const { home } = featurePaths(plan.root, plan.feature);
  if ((await pathKind(home)) !== 'folder') return;
  await mustFolder(plan.root, dirname(plan.archive));
  await rename(home, plan.archive);
}

/** The framework's script deletes the branch. It stays unless it is to go. */
async function settleBranch({ plan, options: { git } }: Cleaning): Promise<void> {
  const { root, branch, tip } = plan;
  if (tip === null) return;
  await (plan.deleteBranch ? git.deleteBranch(root, branch) : git.restoreBranch(root, branch, tip));
}

function strikeOut({ plan, inTurn }: Cleaning): Promise<void> {
  return inTurn(`features ${plan.root}`, async () => {
    const { features } = featurePaths(plan.root, plan.feature);
    const before = (await readOrNull(features))?.toString('latin1') ?? '';
    const after = withoutLine(before, plan.feature);
    if (after !== before) await writeWhole(features, Buffer.from(after, 'latin1'));
  });
}

/** That of the framework's run manager, which leaves it after every call. */
async function removeLock({ plan }: Cleaning): Promise<void> {
  const { lock } = cleanupPaths(plan.root, plan.feature, plan.stamp);
  if ((await pathKind(lock)) === 'file') await rm(lock, { force: true });
}

async function mustFolder(root: string, folder: string): Promise<void> {
  const problem = await ensureFolder(root, fromRoot(root, folder));
  if (problem) throw new Blocked(`${problem.path} is a ${problem.what}, where a folder belongs.`, 'Move it away');
}

/** Files, folders and links as they are; sockets and pipes hold nothing. */
async function copy(from: string, to: string): Promise<void> {
  await makePrivateFolder(dirname(to));
  await cp(from, to, {
    ...{ recursive: true, verbatimSymlinks: true, preserveTimestamps: true },
    filter: async (path) => {
      const seen = await lstat(path);
      return seen.isFile() || seen.isDirectory() || seen.isSymbolicLink();
    },
  });
}

async function removeEmpty(folder: string): Promise<void> {
  try {
    if ((await readdir(folder)).length === 0 && basename(folder).endsWith(TMOPS)) await rmdir(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'ENOTDIR'].includes(codeOf(error))) throw error;
  }
}

class Blocked extends Error {
  readonly sentence: string;
  readonly hint: string;
  constructor(sentence: string, repair: string) {
    super(sentence);
    this.sentence = sentence;
    this.hint = `${repair}, and ask again; what was done so far stays done.`;
  }
}
