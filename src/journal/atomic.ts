import { dirname } from 'node:path';
import { makePrivateFolder } from '../files/in-place.ts';
import { flushFolder, writeWhole } from '../files/write-whole.ts';
import { during } from './error.ts';

/**
 * Replaces the file by one with this text, at once and durably (see files/write-whole.ts). Mode 0600. A link, a folder or a
 * pipe at its place is neither followed nor replaced. Rejects with a JournalError and leaves the old file untouched.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  await during('write', path, () => writeWhole(path, text));
}

/** Makes the folder and those above it (0700) and flushes their names. Nothing happens to a folder that exists. */
export async function makeFolder(folder: string): Promise<void> {
  await during('make', folder, async () => {
    const first = await makePrivateFolder(folder);
    if (first === undefined) return;
    for (let made = folder; made.length >= first.length; made = dirname(made)) await flushFolder(dirname(made));
  });
}
