import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { INLINE_PASTE } from './composer.ts';
import type { Cue } from './play.ts';

const LARGEST_NAMED_FILE = 256 * 1024;
const MOST_NAMED_FILES = 8;

/**
 * The prompt as hooks and the conversation get it. Long text is marked as pasted, as Claude Code does it, so that
 * whoever compares a prompt by equality finds out here.
 */
export function delivered(text: string, pasted: boolean, id: string): string {
  const long = text.length > INLINE_PASTE.characters || (pasted && text.split('\n').length > INLINE_PASTE.lines);
  return long ? `\n\n<pasted_content id="${id}">\n${text}\n</pasted_content id="${id}">\n` : text;
}

/** The files a prompt names: `Read <path> and …` and `@path`. */
export function namedFiles(text: string): string[] {
  const names = [
    ...Array.from(text.matchAll(/\bRead (\S+) and /g), (match) => match[1] ?? ''),
    ...Array.from(text.matchAll(/(?:^|\s)@(\S+)/g), (match) => match[1] ?? ''),
  ];
  return names.slice(0, MOST_NAMED_FILES);
}

/** What the prompt is matched on. A file that cannot be read counts as empty. */
export function cueOf(text: string, cwd: string): Cue {
  return { line: text, fileTexts: namedFiles(text).map((name) => readBounded(resolve(cwd, name))) };
}

function readBounded(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(LARGEST_NAMED_FILE);
      return bytes.toString('utf8', 0, readSync(file, bytes));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}
