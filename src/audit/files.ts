import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mustBeInPlace } from '../files/in-place.ts';

/** The file that is written to. Those before it are called after the number of their first record. */
export const CURRENT = 'audit.jsonl';
const FULL = /^audit-(\d{12})\.jsonl$/;

export const fullName = (firstSeq: number): string => `audit-${String(firstSeq).padStart(12, '0')}.jsonl`;

/** The files of the log, oldest first; none where nothing was written yet. Rejects where a link leads away from the folder. */
export async function auditFiles(folder: string): Promise<string[]> {
  await mustBeInPlace(folder);
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  });
  const full = names.filter((name) => FULL.test(name)).sort();
  return [...full, ...names.filter((name) => name === CURRENT)].map((name) => join(folder, name));
}
