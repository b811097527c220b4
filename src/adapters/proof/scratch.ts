import { randomUUID } from 'node:crypto';
import { mkdir, readdir, realpath, rm, rmdir, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Git } from '../git/open.ts';
import { codeOf } from '../../files/refused.ts';

export interface ScratchOptions {
  readonly git: Pick<Git, 'addScratch' | 'removeScratch' | 'ignoredFolders'>;
  /** Absolute; a folder of this workspace alone, in one of this user alone. Made when needed. */
  readonly folder: string;
  /** Globs of what is copied into a worktree, and how. */
  readonly copied: () => readonly string[];
  readonly copyInto: (order: {
    readonly root: string;
    readonly worktree: string;
    readonly globs: readonly string[];
  }) => Promise<unknown>;
}

export interface ScratchOrder {
  readonly worktree: string;
  readonly commit: string;
  /** Left out, relative to the worktree. */
  readonly files: readonly string[];
}

/** Trees beside the project in which something is tried out. Each is removed again; one left by a crash by the next. */
export interface Scratch {
  within<T>(order: ScratchOrder, act: (tree: string) => Promise<T>): Promise<T>;
  /** Those that nobody uses: absolute paths. */
  left(): Promise<readonly string[]>;
  /** Removes one of these, and git's record of it. `from`: any worktree of the repository. Gives whether nobody uses it. */
  removeLeft(from: string, path: string): Promise<boolean>;
}

export function openScratch(options: ScratchOptions): Scratch {
  const { git, folder } = options;
  const inUse = new Set<string>();
  const remove = async (from: string, name: string): Promise<void> => {
    for (const tree of await namesIn(join(folder, name)))
      await git.removeScratch({ from, path: join(folder, name, tree) });
    await rm(join(folder, name), { recursive: true, force: true });
  };
  return {
    left: async () => (await namesIn(folder)).filter((name) => !inUse.has(name)).map((name) => join(folder, name)),
    async removeLeft(from, path) {
      if (dirname(path) !== folder || inUse.has(basename(path))) return false;
      await remove(from, basename(path));
      await removeEmpty(folder);
      return true;
    },
    async within(order, act) {
      const { worktree, commit, files } = order;
      for (const name of await namesIn(folder)) if (!inUse.has(name)) await remove(worktree, name);
      const name = randomUUID();
      // Called as the worktree is: tools take a project's name from its folder.
      const tree = join(folder, name, basename(worktree));
      inUse.add(name);
      try {
        await mkdir(dirname(tree), { recursive: true, mode: 0o700 });
        await git.addScratch({ from: worktree, path: tree, commit });
        for (const file of files) await removeFile(tree, file);
        await furnish(options, worktree, tree);
        return await act(tree);
      } finally {
        await remove(worktree, name);
        inUse.delete(name);
        await removeEmpty(folder);
      }
    },
  };
}

/** As git does it: a folder goes with its last file. */
async function removeFile(tree: string, file: string): Promise<void> {
  await rm(join(tree, file), { force: true });
  let at = dirname(file);
  while (at !== '.' && (await removeEmpty(join(tree, at)))) at = dirname(at);
}

async function removeEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error;
    return false;
  }
}

/** Folders of installed dependencies, which git ignores: a link is as good as another installation. */
const DEPENDENCIES: ReadonlySet<string> = new Set(['node_modules', 'bower_components', '.venv', 'venv', 'vendor']);

/** What a feature's worktree has beside git's files: the dependencies, and what the configuration has copied into it. */
async function furnish({ git, copied, copyInto }: ScratchOptions, from: string, to: string): Promise<void> {
  const ignored = await git.ignoredFolders(from);
  // A link of that name is no folder to git.
  const linked = new Set([...ignored.filter((path) => DEPENDENCIES.has(basename(path))), ...DEPENDENCIES]);
  for (const path of linked) await linkFolder(join(from, path), join(to, path));
  const isLinked = (glob: string): boolean => [...linked].some((path) => glob === path || glob.startsWith(`${path}/`));
  await copyInto({ root: from, worktree: to, globs: copied().filter((glob) => !isLinked(glob)) });
}

async function linkFolder(from: string, to: string): Promise<void> {
  if (!(await isFolder(from)) || (await isFolder(to))) return;
  await rm(to, { force: true });
  await mkdir(dirname(to), { recursive: true });
  await symlink(await realpath(from), to);
}

/** Whether it is a folder, or a link to one. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) throw error;
    return false;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error;
    return [];
  }
}
