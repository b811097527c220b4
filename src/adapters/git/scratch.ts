import { rm } from 'node:fs/promises';
import { mustGit, type RunGit } from './run.ts';

export interface ScratchOrder {
  /** Any worktree of the repository. */
  readonly from: string;
  /** Absolute path of the new worktree; its parent exists. */
  readonly path: string;
  readonly commit: string;
}

/** Makes a worktree that is on no branch and holds the commit. */
export async function addScratch(run: RunGit, { from, path, commit }: ScratchOrder): Promise<void> {
  await mustGit(run, from, ['worktree', 'add', '--quiet', '--detach', path, commit], { long: true });
}

/** Removes such a worktree, whatever is in it and however far it was made, and git's record of it. */
export async function removeScratch(run: RunGit, { from, path }: Pick<ScratchOrder, 'from' | 'path'>): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
  // After the files: git refuses to remove one that it finds half made. Twice the force, since that one is locked. Where
  // git knows nothing of it yet there is nothing to remove.
  await run(from, ['worktree', 'remove', '--force', '--force', path], { long: true });
}

/** Folders that git ignores as a whole, relative to the working tree `path`; it does not look into them. */
export async function ignoredFolders(run: RunGit, path: string): Promise<readonly string[]> {
  const args = ['ls-files', '--others', '--ignored', '--exclude-standard', '--directory', '-z'];
  const listed = await mustGit(run, path, args, { long: true });
  return listed
    .split('\0')
    .filter((each) => each.endsWith('/'))
    .map((each) => each.slice(0, -1));
}
