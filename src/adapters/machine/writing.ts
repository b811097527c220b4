import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskRemedy } from '../../core/disk-remedy.ts';
import { missing, ok, type Verdict } from './check.ts';

/** A folder that could not be written to; `code` is the system's, e.g. `EACCES`. */
export interface Unwritable {
  readonly folder: string;
  readonly code: string;
}

export function judgeWriting(folders: readonly string[], refused: readonly Unwritable[]): Verdict {
  const [first] = refused;
  if (!first) return ok(folders.join(', '));
  const found = refused.map(({ folder, code }) => `${folder} (${code})`).join(', ');
  return missing(`cannot write to ${found}`, diskRemedy(first.code, first.folder));
}

/** Writes a file of its own into each folder and removes it. A folder that is not there yet stands for the one it will be made in. */
export async function tryWriting(folders: readonly string[]): Promise<readonly Unwritable[]> {
  const tried = await Promise.all(folders.map((folder) => refusalOf(folder)));
  const seen = new Map(tried.flatMap((refusal) => (refusal ? [[refusal.folder, refusal] as const] : [])));
  return [...seen.values()];
}

async function refusalOf(folder: string): Promise<Unwritable | null> {
  const file = join(folder, `.tmops-doctor-${randomUUID()}`);
  try {
    await writeFile(file, 'tmops doctor looks whether it may write here\n', { flag: 'wx', mode: 0o600 });
    await rm(file, { force: true });
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null;
    if (code === null) throw error;
    return code === 'ENOENT' && dirname(folder) !== folder ? refusalOf(dirname(folder)) : { folder, code };
  }
}
