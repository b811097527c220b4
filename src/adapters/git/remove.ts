import { lstat, readdir, realpath, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../../files/refused.ts';
import { failed, mustGit, type RunGit } from './run.ts';

/**
 * Removes a file of the working tree `path` (a real path), and folders that it leaves empty, as git does. Nothing is
 * removed through a link.
 */
export async function removeFile(path: string, file: string): Promise<void> {
  if (!(await isWithin(path, file))) return;
  if ((await kindOf(join(path, file))) !== 'file') return;
  await unlink(join(path, file));
  let at = dirname(file);
  while (at !== '.' && (await removeEmpty(join(path, at)))) at = dirname(at);
}

async function isWithin(path: string, file: string): Promise<boolean> {
  try {
    return (await realpath(join(path, dirname(file)))) === join(await realpath(path), dirname(file));
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error;
    return false;
  }
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

/** What is about to happen to the files. `coming`: the object each is to hold. */
export interface Passage {
  readonly going: readonly string[];
  readonly coming: ReadonlyMap<string, { readonly object: string }>;
}

/**
 * Rejects where writing the files would destroy what no kept tree holds: files that git ignores, in the place of one that
 * comes, or in a folder there.
 */
export async function refuseLoss(run: RunGit, path: string, { going, coming }: Passage): Promise<void> {
  const leaving = new Set(going);
  const standing: string[] = [];
  for (const file of coming.keys()) {
    const what = await kindOf(join(path, file));
    if (what === 'file') standing.push(file);
    if (what !== 'folder') continue;
    const left = (await filesIn(path, file)).find((each) => !leaving.has(each));
    if (left !== undefined) throw new InTheWay(`${left} is in a folder that is in the way of a file called ${file}`);
  }
  for (const file of await ignored(run, path, standing)) {
    const object = await mustGit(run, path, ['hash-object', '--', file]);
    if (object !== coming.get(file)?.object) throw new InTheWay(`${file}, which git ignores, is in the way of another`);
  }
}

async function filesIn(path: string, folder: string): Promise<string[]> {
  const listed = await readdir(join(path, folder), { withFileTypes: true, recursive: true });
  return listed
    .filter((each) => !each.isDirectory())
    .map((each) => join(each.parentPath, each.name).slice(path.length + 1));
}

async function ignored(run: RunGit, path: string, files: readonly string[]): Promise<readonly string[]> {
  if (files.length === 0) return [];
  const args = ['check-ignore', '-z', '--stdin'];
  const ran = await run(path, args, { input: `${files.join('\0')}\0` });
  if (ran.exitCode > 1) throw failed(path, args, ran);
  return ran.stdout.split('\0').filter((file) => file !== '');
}

async function kindOf(path: string): Promise<'absent' | 'folder' | 'file'> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error;
    return 'absent';
  }
}

class InTheWay extends Error {
  constructor(what: string) {
    super(`${what}: move it away`);
  }
}
