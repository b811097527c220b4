import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf, during } from './error.ts';

/**
 * Replaces the file by one with this text, so that a reader sees the old text or the new one and nothing between, also
 * after a power cut: written beside it, flushed, renamed, folder flushed. Mode 0600. A link at `path` is replaced, not followed.
 * Rejects with a JournalError and leaves the old file untouched.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  await during('write', path, async () => {
    const draft = await writeDraft(path, text);
    await rename(draft, path).catch(async (error: unknown) => {
      await removeIfThere(draft);
      throw error;
    });
    await flushFolder(dirname(path));
  });
}

/** Makes the folder and those above it (0700) and flushes their names. Nothing happens to a folder that exists. */
export async function makeFolder(folder: string): Promise<void> {
  await during('make', folder, async () => {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let made = folder; made.length >= first.length; made = dirname(made)) await flushFolder(dirname(made));
  });
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

/** Writes a file that must not exist yet (mode 0600) and flushes it. */
export async function writeNew(path: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await removeIfThere(path);
    throw error;
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

async function writeDraft(path: string, text: string): Promise<string> {
  drafts += 1;
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}-${drafts}.tmp`);
  // A draft of that name can only be left over from a dead process that had our pid.
  await removeIfThere(draft);
  await writeNew(draft, text);
  return draft;
}
