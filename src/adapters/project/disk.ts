import { lstat, mkdir, open, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { InitProblem, PathKind } from '../../core/init.ts';
import { codeOf } from '../../files/refused.ts';
import { mustBeRegularOrAbsent, readRegular } from '../../files/regular.ts';

export type InTheWay = Extract<InitProblem, { kind: 'in-the-way' }>;

/** Modes of what tmops makes: a specification may hold what other users of the machine should not read. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** What stands at a path; a link is a link, wherever it leads. */
export async function pathKind(path: string): Promise<PathKind> {
  try {
    const seen = await lstat(path);
    if (seen.isSymbolicLink()) return 'link';
    if (seen.isDirectory()) return 'folder';
    return seen.isFile() ? 'file' : 'other';
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    return 'absent';
  }
}

/** Makes the folder `base`/`relative` and those above it up to `base`, each of which must be a real folder. */
export async function ensureFolder(base: string, relative: string): Promise<InTheWay | null> {
  let path = base;
  for (const name of relative.split('/')) {
    path = join(path, name);
    const what = await pathKind(path);
    if (what === 'absent') await makeOne(path);
    else if (what !== 'folder') return { kind: 'in-the-way', path, what, wanted: 'folder' };
  }
  return null;
}

/** Two features that are initialised at once make the folders they share at the same moment: either may be first. */
async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: FOLDER_MODE });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || (await pathKind(path)) !== 'folder') throw error;
  }
}

/** The bytes of a regular file, or null when nothing is there. Rejects with a FileRefused for a link or anything else. */
export async function readOrNull(path: string): Promise<Buffer | null> {
  try {
    return await readRegular(path);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    return null;
  }
}

/**
 * Puts the whole file in place at once: a reader sees the old bytes or the new ones. A file that is there lends its mode;
 * a link is neither written through nor replaced, but refused.
 */
export async function writeWhole(path: string, bytes: Buffer | string): Promise<void> {
  await mustBeRegularOrAbsent(path);
  const mode = (await modeOf(path)) ?? FILE_MODE;
  const draft = draftOf(path);
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', FILE_MODE);
  try {
    await file.writeFile(bytes);
    if (mode !== FILE_MODE) await file.chmod(mode);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

/** Makes an empty file unless something is there. */
export async function touch(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', FILE_MODE);
    await file.close();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** Makes or turns a link, atomically. Gives whether anything changed. Something else at that path is left to the caller. */
export async function pointLink(path: string, target: string): Promise<boolean> {
  if ((await pathKind(path)) === 'link' && (await readlink(path)) === target) return false;
  const draft = draftOf(path);
  await rm(draft, { force: true });
  await symlink(target, draft);
  await rename(draft, path);
  return true;
}

async function modeOf(path: string): Promise<number | null> {
  if ((await pathKind(path)) !== 'file') return null;
  return (await lstat(path)).mode & 0o777;
}

/** One name for each path, so that a crash leaves at most one draft and the next write clears it. */
function draftOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.draft`);
}
