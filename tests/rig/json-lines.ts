import { readFile } from 'node:fs/promises';

/** The whole lines of text in JSON; what follows the last line feed is being written. */
export const parseLines = <T>(text: string): T[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);

/** Those of a file that somebody may be writing; none where it is not there. */
export const linesOf = async <T>(file: string): Promise<T[]> =>
  parseLines<T>(await readFile(file, 'utf8').catch(() => ''));
