import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BranchKeeper, BranchMark } from '../../engine/branch-ports.ts';
import { branchStand } from './branch-stand.ts';
import { codeOf } from '../../files/refused.ts';
import { putRight } from './put-right.ts';
import { mustGit, type RunGit } from './run.ts';
import { setAside } from './set-aside.ts';
import { holdTree, writeTree } from './snapshot.ts';

const ROOT = 'refs/tmops/';

/** Looks after branches; where git keeps its files of a worktree is asked for once. */
export function openBranchKeeper(run: RunGit): BranchKeeper {
  const places = new Map<string, Promise<Places>>();
  const placesOf = (worktree: string): Promise<Places> => {
    const known = places.get(worktree);
    if (known) return known;
    const asked = askPlaces(run, worktree);
    places.set(worktree, asked);
    // Where it could not be told now it may be later.
    asked.catch(() => places.delete(worktree));
    return asked;
  };
  return {
    mark: async (worktree, branch) => mark(await placesOf(worktree), branch),
    stand: async (worktree, order) => branchStand(run, worktree, { ...order, gitDir: (await placesOf(worktree)).own }),
    keep: (worktree, { name, tip }) => keep(run, worktree, ROOT + name, tip),
    async hold(worktree, name, commit) {
      await mustGit(run, worktree, ['update-ref', ROOT + name, commit]);
    },
    setAside: (worktree, { branch, name }) => setAside(run, worktree, { branch, ref: ROOT + name }),
    putRight: async (worktree, order) => putRight(run, worktree, { ...order, gitDir: (await placesOf(worktree)).own }),
  };
}

/** The folder of the worktree's own state, and that of the repository's refs. */
interface Places {
  readonly own: string;
  readonly common: string;
}

async function askPlaces(run: RunGit, worktree: string): Promise<Places> {
  const answer = await mustGit(run, worktree, ['rev-parse', '--git-dir', '--git-common-dir']);
  const [own = '', common = ''] = answer.split('\n');
  return { own: resolve(worktree, own), common: resolve(worktree, common) };
}

/**
 * What git changes it writes beside and renames into place, so that the time of the folder tells of all of it. Synchronous,
 * since each run is marked every few seconds, and in threads this was a sixth of what idle runs cost.
 */
function mark({ own, common }: Places, branch: string): BranchMark {
  const loose = timeOf(join(common, 'refs', 'heads', branch));
  return { branch: `${loose} ${timeOf(join(common, 'packed-refs'))}`, tree: timeOf(own) };
}

function timeOf(path: string): string {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? '-' : `${found.ino}:${found.size}:${found.mtimeMs}`;
  } catch (error) {
    if (codeOf(error) !== 'ENOTDIR') throw error;
    return '-';
  }
}

/** The same files on the same commit are kept under the same one: a look that finds nothing new leaves nothing new. */
async function keep(run: RunGit, worktree: string, ref: string, tip: string): Promise<string | null> {
  const ran = await run(worktree, ['rev-parse', ref, `${ref}^1`, `${ref}^{tree}`]);
  const [commit, parent, tree] = ran.exitCode === 0 ? ran.stdout.trim().split('\n') : [];
  const now = await writeTree(run, worktree);
  if (commit !== undefined && now.tree === tree && now.parent === parent) return parent === tip ? commit : null;
  const made = await holdTree(run, worktree, { ...now, ref });
  // Somebody may have committed in between: then it is not known whose the files are.
  return made.parent === tip ? made.commit : null;
}
