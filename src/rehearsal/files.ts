import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

let counter = 0;

/** Writes a whole file under another name and renames it, making its folder first. Readers see all of it or none. */
export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  counter += 1;
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.${counter}`);
  const file = openSync(draft, 'wx');
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

/** Writes a file in `parts` pieces under its own name, calling `pause` between two, as an editor or a slow tool does. */
export async function writeSlowly(
  path: string,
  text: string,
  parts: number,
  pause: () => Promise<void>,
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'w');
  const size = Math.ceil(text.length / parts);
  try {
    for (let from = 0; from < text.length; from += size) {
      if (from > 0) await pause();
      writeSync(file, text.slice(from, from + size));
      fsyncSync(file);
    }
  } finally {
    closeSync(file);
  }
}
