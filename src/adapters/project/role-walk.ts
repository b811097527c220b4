import { constants, existsSync, type Stats } from 'node:fs';
import { lstat, open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../files/refused.ts';
import { missing, namesOf, notRegular, outside, refuseOurs, within } from './role-path.ts';
import { changed, RoleRefused } from './role-refused.ts';

/**
 * How a path is followed. Each name is looked at alone, in a folder that is held open; a folder is opened as a folder or not
 * at all, so that a link that takes its place meanwhile is not followed. Links are read and followed here, as long as
 * they stay in the worktree.
 *
 * On Linux names are looked up through `/proc/self/fd/<n>/`, that is in the very folder that is held, wherever it is moved
 * and whatever takes its name. Elsewhere Node has no way to do so: they are looked up by the real path of the folder, and
 * `mustStand` compares before anything is put in place. What remains there: who swaps a folder for a link between that look
 * and the system call after it, and back, is not seen. On Linux what remains is that a folder of the worktree may be moved
 * out of it between that look and the rename, and takes with it the file that is just put there.
 */
const BY_HANDLE = existsSync('/proc/self/fd');

export interface Folder {
  readonly handle: FileHandle;
  /** What names are looked up in. */
  readonly at: string;
}

/** Where a file is, or would be. */
export interface Place {
  /** The lowest folder that is there. */
  readonly folder: Folder;
  /** Its names from the worktree down; no link is among them. */
  readonly above: readonly string[];
  /** Folders between it and the file that are not there. */
  readonly absent: readonly string[];
  readonly name: string;
  /** What stands there; null where nothing does. Never a link. */
  readonly seen: Stats | null;
  /** Names from the worktree down, as the path was given, without `.` and `..`. */
  readonly asked: readonly string[];
  /** The real path of the worktree. */
  readonly root: string;
}

export interface PathOrder {
  /** The worktree as it is called, which may be by a link, and by its real path. */
  readonly roots: { readonly given: string; readonly real: string };
  readonly path: string;
  readonly lastLink: 'followed' | 'refused';
}

/** Finds the place of a path and gives it to `act`; what it holds open is closed afterwards. Throws a RoleRefused. */
export async function atPlace<T>(order: PathOrder, act: (place: Place) => Promise<T>): Promise<T> {
  const root = order.roots.real;
  const roots = [...new Set([root, order.roots.given])];
  const asked = namesOf(order.path, roots);
  const walk: Walk = { roots, root, folders: [await openFolder(root, root)], above: [] };
  try {
    return await act({ ...(await followed(walk, asked, order.lastLink)), asked, root });
  } finally {
    for (const { handle } of walk.folders) await handle.close();
  }
}

interface Walk {
  readonly root: string;
  readonly roots: readonly string[];
  /** The root and those below it; one more than there are names in `above`. */
  readonly folders: Folder[];
  readonly above: string[];
}

/** As many links in a row as Linux follows. */
const MOST_LINKS = 40;
const MOST_STEPS = 2_000;

type Found = Omit<Place, 'asked' | 'root'>;

async function followed(walk: Walk, asked: readonly string[], lastLink: 'followed' | 'refused'): Promise<Found> {
  const path = asked.join('/');
  let rest: readonly string[] = asked;
  let links = 0;
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const [name, ...after] = rest;
    // A link that leads to a folder, where a file was meant.
    if (name === undefined) throw notRegular(path, 'a folder');
    rest = after;
    if (name === '..') {
      await goUp(walk, path);
      continue;
    }
    const folder = folderOf(walk);
    refuseOurs([...walk.above, name]);
    const seen = await lookAt(folder, name);
    if (seen?.isSymbolicLink()) {
      if (rest.length === 0 && lastLink === 'refused') throw notRegular(path, 'a link');
      links += 1;
      if (links > MOST_LINKS) throw notRegular(path, 'a link that leads to itself');
      rest = [...(await targetOf(walk, folder, name, path)), ...rest];
    } else if (rest.length === 0) return { folder, above: [...walk.above], absent: [], name, seen };
    else if (seen === null) {
      if (rest.includes('..')) throw missing(path);
      return { folder, above: [...walk.above], absent: [name, ...rest.slice(0, -1)], name: rest.at(-1) ?? '', seen };
    } else if (seen.isDirectory()) await goDown(walk, folder, name);
    else throw notRegular([...walk.above, name].join('/'), 'no folder');
  }
  throw notRegular(path, 'a link that leads to too many places');
}

function folderOf({ folders }: Walk): Folder {
  const last = folders.at(-1);
  if (last === undefined) throw new Error('Internal error: the worktree itself is not open');
  return last;
}

async function goUp(walk: Walk, path: string): Promise<void> {
  if (walk.above.pop() === undefined) throw outside(path);
  await walk.folders.pop()?.handle.close();
}

async function goDown(walk: Walk, folder: Folder, name: string): Promise<void> {
  walk.folders.push(await openFolder(join(folder.at, name), join(walk.root, ...walk.above, name)));
  walk.above.push(name);
}

/** The names that the link stands for. Where it leads from the top on, the walk begins there again. */
async function targetOf(walk: Walk, folder: Folder, name: string, path: string): Promise<readonly string[]> {
  const target = await readlink(join(folder.at, name)).catch((error: unknown) => {
    // No link any more.
    throw codeOf(error) === 'EINVAL' ? changed(path) : error;
  });
  const inside = target.startsWith('/') ? within(target, walk.roots) : target;
  if (inside === null)
    throw new RoleRefused(
      'file-outside',
      `A link on the way to ${path} leads out of the worktree.`,
      'Only files of the worktree can be read and written here.',
    );
  if (target.startsWith('/')) while (walk.above.length > 0) await goUp(walk, path);
  return inside.split('/').filter((each) => each !== '' && each !== '.');
}

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** `real` is its path where no link leads away. */
export async function openFolder(at: string, real: string): Promise<Folder> {
  const handle = await open(at, FOLDER);
  return { handle, at: BY_HANDLE ? `/proc/self/fd/${handle.fd}` : real };
}

/** Null where nothing stands. */
export async function lookAt({ at }: Folder, name: string): Promise<Stats | null> {
  try {
    return await lstat(join(at, name));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return null;
  }
}

/**
 * The names of an open folder from the worktree down, as the system spells them (some take `SRC` for `src`). Throws where the
 * folder is not any more in the worktree, or another one has its path.
 */
export async function mustStand(folder: Folder, root: string, path: string): Promise<readonly string[]> {
  const real = await realpath(folder.at);
  const [held, there] = [await folder.handle.stat(), await lstat(real)];
  const inside = within(real, [root]);
  if (inside === null || held.dev !== there.dev || held.ino !== there.ino) throw changed(path);
  return inside.split('/').filter((name) => name !== '');
}
