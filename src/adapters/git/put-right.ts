import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { PutRightOrder } from '../../engine/branch-ports.ts';
import { changedFiles } from './changes.ts';
import { tipOf } from './departure.ts';
import { entriesOf, GITLINK, noneOf, writeFiles } from './put-back.ts';
import { refuseLoss } from './remove.ts';
import { mustGit, type RunGit } from './run.ts';
import { snapshot, treeOf } from './snapshot.ts';
import { isThere, unfinishedIn } from './standing.ts';
import { worktreeList } from './worktree-list.ts';
import { realPlace } from './worktrees.ts';

export type RightOrder = PutRightOrder & { readonly gitDir: string };

/**
 * Ends what is unfinished in the working tree, checks its branch out at `tip` and gives it the files of `files`. Each is
 * only brought to where it should be, so that it can be done again after a crash anywhere. Gives the ref of what was
 * changed since it was kept; null where nothing was.
 */
export async function putRight(run: RunGit, path: string, order: RightOrder): Promise<string | null> {
  const { branch, kept } = order;
  const tip = order.tip ?? (await tipOf(run, path, branch));
  if (tip === null) throw new Error(`there is no branch ${branch}, and it is not known where it was`);
  const wanted = await mustGit(run, path, ['rev-parse', `${order.files ?? tip}^{tree}`]);
  const present = await treeOf(run, path);
  await refuse(run, path, { ...order, present, wanted });
  const late = await keepLate(run, path, { present, wanted, ref: kept.ref });
  await endUnfinished(run, path, order.gitDir);
  await takeBranch(run, path, branch, tip);
  await mustGit(run, path, ['reset', '--quiet', '--hard', tip], { long: true });
  await giveFiles(run, path, wanted);
  return late;
}

/** Whatever would stop it in the middle, or destroy what is not kept, stops it before anything is touched. */
async function refuse(
  run: RunGit,
  path: string,
  order: RightOrder & { readonly present: string; readonly wanted: string },
): Promise<void> {
  const { branch, gitDir, present, wanted } = order;
  const real = await realPlace(path);
  const elsewhere = (await worktreeList(run, path)).find((each) => each.branch === branch && each.path !== real);
  if (elsewhere) throw new Error(`${branch} is checked out at ${elsewhere.path}: switch to another branch there`);
  const changes = await changedFiles(run, path, { from: present, to: wanted });
  const paths = changes.map((change) => change.path);
  const coming = await entriesOf(run, path, wanted, new Set(paths));
  await refuseLoss(run, path, { going: paths.filter((file) => !coming.has(file)), coming });
  await awaitIndex(join(gitDir, 'index.lock'));
}

const LOCKED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 100;

/** Whose it is cannot be told, so that it is not taken away. */
async function awaitIndex(lock: string): Promise<void> {
  const until = performance.now() + LOCKED_WITHIN_MS;
  while (await isThere(lock)) {
    if (performance.now() >= until)
      throw new Error(`another git holds the index: end it, or where none is at work: rm '${lock}'`);
    await pause(LOOK_EVERY_MS);
  }
}

/** After a crash in the middle what is there is neither; it is kept once more, which does no harm. */
async function keepLate(
  run: RunGit,
  path: string,
  { present, wanted, ref }: { readonly present: string; readonly wanted: string; readonly ref: string },
): Promise<string | null> {
  const before = await mustGit(run, path, ['rev-parse', `${ref}-files^{tree}`]);
  if (present === before || present === wanted) return null;
  return (await snapshot(run, path, `${ref}-late-${present.slice(0, 12)}`)).ref;
}

const QUIT: Readonly<Record<string, readonly string[]>> = {
  merge: ['merge', '--quit'],
  rebase: ['rebase', '--quit'],
  'cherry-pick': ['cherry-pick', '--quit'],
  revert: ['revert', '--quit'],
  bisection: ['bisect', 'reset', 'HEAD'],
};
/** One may stand within another. */
const MOST_OPERATIONS = 10;

/** Each is forgotten as it stands; files, index and HEAD are put right afterwards. */
async function endUnfinished(run: RunGit, path: string, gitDir: string): Promise<void> {
  for (let tries = 0; tries < MOST_OPERATIONS; tries += 1) {
    const what = await unfinishedIn(gitDir);
    if (what === null) return;
    // `git am` leaves its state in the place of a rebase.
    const isMail = await isThere(join(gitDir, 'rebase-apply', 'applying'));
    await mustGit(run, path, isMail ? ['am', '--quit'] : (QUIT[what] ?? []), { long: true });
  }
  throw new Error(`what is unfinished in ${path} could not be ended: git -C '${path}' status`);
}

async function takeBranch(run: RunGit, path: string, branch: string, tip: string): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const on = await run(path, ['symbolic-ref', '--quiet', 'HEAD']);
  if (on.stdout.trim() !== ref)
    await mustGit(run, path, ['symbolic-ref', '-m', 'tmops: back to the branch', 'HEAD', ref]);
  const now = await tipOf(run, path, branch);
  // Refused should somebody have moved it in this very moment; it is then asked for again.
  if (now !== tip)
    await mustGit(run, path, ['update-ref', '-m', 'tmops: back to the known commit', ref, tip, now ?? noneOf(tip)]);
}

async function giveFiles(run: RunGit, path: string, wanted: string): Promise<void> {
  const changes = await changedFiles(run, path, { from: await treeOf(run, path), to: wanted });
  const paths = changes.map((change) => change.path);
  if (paths.length === 0) return;
  const entries = await entriesOf(run, path, wanted, new Set(paths));
  // A repository within the project is its own.
  const inner = new Set([...entries].filter(([, { mode }]) => mode === GITLINK).map(([file]) => file));
  await writeFiles(
    run,
    path,
    paths.filter((file) => !inner.has(file)),
    new Map([...entries].filter(([file]) => !inner.has(file))),
  );
}
