import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { mustBeRegularOrAbsent } from './regular.ts';
import { codeOf } from './refused.ts';

/**
 * Replaces the file by one with this text, so that a reader sees the old text or the new one and nothing between, also
 * after a power cut: written beside it, flushed, renamed, folder flushed. `mode` is what it is then, whatever the umask.
 * Rejects with a FileRefused where a link, a folder or a pipe stands there, or a link leads away from its folder (see
 * in-place.ts), and with the system's error; the old file is untouched then.
 */
export async function writeWhole(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  await mustBeRegularOrAbsent(path);
  const draft = await writeDraft(path, content, mode);
  await rename(draft, path).catch(async (error: unknown) => {
    await removeIfThere(draft);
    throw error;
  });
  await flushFolder(dirname(path));
}

/** Writes a file that must not exist yet and flushes it; a link at its place counts as there. */
export async function writeNew(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await handle.writeFile(content);
    if (mode !== 0o600) await handle.chmod(mode);
    await handle.sync();
  } catch (error) {
    await removeIfThere(path);
    throw error;
  } finally {
    await handle.close();
  }
}

/** Makes the names in a folder durable: a created, renamed or removed file is only safe after this. */
export async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems refuse to flush a folder and keep its names in order by themselves.
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

let drafts = 0;

async function writeDraft(path: string, content: string | Uint8Array, mode: number): Promise<string> {
  drafts += 1;
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}-${drafts}.tmp`);
  // A draft of that name can only be left over from a dead process that had our pid.
  await removeIfThere(draft);
  await writeNew(draft, content, mode);
  return draft;
}
