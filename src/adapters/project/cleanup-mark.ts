import { readdir, rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { CleanupMark } from '../../core/cleanup.ts';
import { ensureFolder, pathKind, readOrNull, writeWhole } from './disk.ts';
import { cleanupPaths, FEATURE_NAME, fromRoot, TMOPS } from './paths.ts';

/** What a cleanup that was cut short had begun; null when there was none or its mark cannot be read. */
export async function readCleanupMark(root: string, feature: string): Promise<CleanupMark | null> {
  const bytes = await readOrNull(markFile(root, feature));
  if (bytes === null) return null;
  return markIn(parsed(bytes.toString('utf8')));
}

function markIn(seen: unknown): CleanupMark | null {
  if (typeof seen !== 'object' || seen === null) return null;
  if (!('stamp' in seen && 'branch' in seen && 'worktree' in seen && 'tip' in seen && 'deleteBranch' in seen))
    return null;
  const { stamp, branch, worktree, tip, deleteBranch } = seen;
  if (typeof stamp !== 'string' || !/^[0-9TZ]{8,30}$/.test(stamp)) return null;
  if (typeof branch !== 'string' || branch === '' || typeof worktree !== 'string' || !isAbsolute(worktree)) return null;
  if ((tip !== null && typeof tip !== 'string') || typeof deleteBranch !== 'boolean') return null;
  return { stamp, branch, worktree, tip, deleteBranch };
}

export async function writeCleanupMark(root: string, feature: string, mark: CleanupMark): Promise<void> {
  const folder = fromRoot(root, cleanupPaths(root, feature, mark.stamp).marks);
  const problem = await ensureFolder(root, folder);
  if (problem) throw new Error(`${problem.path} is a ${problem.what}, where a folder belongs`);
  const { stamp, branch, worktree, tip, deleteBranch } = mark;
  await writeWhole(markFile(root, feature), `${JSON.stringify({ stamp, branch, worktree, tip, deleteBranch })}\n`);
}

export async function removeCleanupMark(root: string, feature: string): Promise<void> {
  await rm(markFile(root, feature), { force: true });
}

/** Features that have such a mark. */
export async function cleanupMarks(root: string): Promise<readonly string[]> {
  const folder = join(root, TMOPS, '.cleanup');
  if ((await pathKind(folder)) !== 'folder') return [];
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return names.map((name) => name.slice(0, -'.json'.length)).filter((name) => FEATURE_NAME.test(name));
}

/** Outside of the feature's folder, which is moved in the middle of it. */
const markFile = (root: string, feature: string): string => `${root}/${TMOPS}/.cleanup/${feature}.json`;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}
