import { readdir } from 'node:fs/promises';
import { codeOf } from './refused.ts';

/** The names of the folders in a folder, and of no links to any; none where it is not there. */
export async function foldersIn(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    return [];
  }
}
