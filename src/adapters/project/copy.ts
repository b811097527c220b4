import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { CopyReport, CopySkip } from '../../core/init.ts';
import { pathKind } from './disk.ts';
import { expand, segmentsOf } from './glob.ts';
import type { Step } from './work.ts';

const MAX_MATCHES = 10_000;
const MAX_FILES = 200_000;

/** Carries over what git does not: `.env`, node_modules. Nothing that is in the worktree already is replaced. */
export const copyStep: Step = {
  name: 'copy',
  async run(work) {
    const { plan, order } = work;
    if (order.isolation === 'worktree') {
      work.copy = await copyInto({ root: plan.root, worktree: work.worktree, globs: order.copy });
    }
    return null;
  },
};

/** Copies what the globs match in `root` to the same paths in `worktree`. Links are copied as links, if they stay inside. */
export async function copyInto(order: {
  readonly root: string;
  readonly worktree: string;
  readonly globs: readonly string[];
}): Promise<CopyReport> {
  const copying: Copying = { ...order, copied: [], skipped: [], files: 0 };
  for (const glob of order.globs) {
    const segments = segmentsOf(glob);
    const matches = segments && (await expand(order.root, segments, MAX_MATCHES));
    if (matches === null) copying.skipped.push({ path: glob, why: 'bad-pattern' });
    else if (matches.length === 0) copying.skipped.push({ path: glob, why: 'no-match' });
    for (const path of matches ?? []) {
      const before = copying.files;
      await copyOne(copying, path);
      if (copying.files > before) copying.copied.push(path);
    }
  }
  const { copied, files, skipped } = copying;
  return { copied, files, skipped };
}

interface Copying {
  readonly root: string;
  readonly worktree: string;
  readonly copied: string[];
  readonly skipped: { path: string; why: CopySkip }[];
  files: number;
}

async function copyOne(copying: Copying, path: string): Promise<void> {
  const from = join(copying.root, path);
  // A worktree inside the root is no part of what it gets.
  if (from === copying.worktree) return;
  const what = await pathKind(from);
  if (what === 'folder') return copyFolder(copying, path);
  const why = await hindrance(copying, path, what);
  if (why !== null) {
    copying.skipped.push({ path, why });
    return;
  }
  await place(copying, path, what === 'link' ? await readlink(from) : null);
  copying.files += 1;
}

async function copyFolder(copying: Copying, path: string): Promise<void> {
  const names = await readdir(join(copying.root, path));
  for (const name of names.sort()) {
    if (name !== '.git' && !name.endsWith(PART)) await copyOne(copying, join(path, name));
  }
}

async function hindrance(copying: Copying, path: string, what: string): Promise<CopySkip | null> {
  if (copying.files >= MAX_FILES) return 'over-the-limit';
  if (what !== 'file' && what !== 'link') return 'not-a-file';
  if (what === 'link' && !(await staysInside(copying.root, path))) return 'link-out';
  if (!(await realFolders(copying.worktree, dirname(path)))) return 'link-out';
  return (await pathKind(join(copying.worktree, path))) === 'absent' ? null : 'already-there';
}

/** A relative link whose end lies in the root means the same in the worktree. */
async function staysInside(root: string, path: string): Promise<boolean> {
  const target = await readlink(join(root, path));
  if (isAbsolute(target)) return false;
  return !relative(root, resolve(root, dirname(path), target)).startsWith('..');
}

/** No folder on the way is a link or a file in the worktree. */
async function realFolders(worktree: string, folder: string): Promise<boolean> {
  if (folder === '.') return true;
  const what = await pathKind(join(worktree, folder));
  return (what === 'folder' || what === 'absent') && realFolders(worktree, dirname(folder));
}

/** Ending of a copy under way; one left by a crash is overwritten by the next. */
const PART = '.tmops-part';

async function place(copying: Copying, path: string, link: string | null): Promise<void> {
  const to = join(copying.worktree, path);
  const part = `${to}${PART}`;
  const folder = await stat(join(copying.root, dirname(path)));
  await mkdir(dirname(to), { recursive: true, mode: folder.mode & 0o777 });
  await rm(part, { force: true });
  if (link === null)
    await copyFile(join(copying.root, path), part, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  else await symlink(link, part);
  await rename(part, to);
}
