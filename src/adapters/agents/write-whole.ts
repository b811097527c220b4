import { chmod, rename, writeFile } from 'node:fs/promises';

/** Writes a file so that a reader sees the old text or the whole new one. `mode` is its permission bits. */
export async function writeWhole(file: string, text: string, mode = 0o600): Promise<void> {
  const half = `${file}.${process.pid}.tmp`;
  await writeFile(half, text, { mode });
  // The mode given to writeFile is narrowed by the umask and ignored for a file that is left over.
  await chmod(half, mode);
  await rename(half, file);
}
