import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { until } from './wait.ts';

/** A terminal program that writes down every byte it receives. */
export interface RawLog {
  readonly argv: readonly string[];
  /** Everything received so far. */
  received(): Promise<string>;
  /** Resolves once it reads its terminal. */
  ready(): Promise<void>;
}

/**
 * Puts the program into `folder`. It shows `shows` (each a row), echoes what can be printed, and asks for bracketed
 * paste when `bracketed`. Its log holds the received bytes as hexadecimal digits.
 */
export async function rawLog(
  folder: string,
  name: string,
  options: { bracketed?: boolean; shows?: readonly string[] } = {},
): Promise<RawLog> {
  const program = path.join(folder, `${name}.mjs`);
  const log = path.join(folder, `${name}.log`);
  await writeFile(program, PROGRAM);
  await writeFile(log, '');
  return {
    argv: [process.execPath, program, log, JSON.stringify({ bracketed: false, shows: [], ...options })],
    received: async () => Buffer.from((await readFile(log, 'utf8')).replace('ready', ''), 'hex').toString('utf8'),
    ready: async () => {
      await until(`${name} reads its terminal`, async () => (await readFile(log, 'utf8')).startsWith('ready'));
    },
  };
}

const PROGRAM = `
import { appendFileSync } from 'node:fs';
const [log, options] = process.argv.slice(2);
const { bracketed, shows } = JSON.parse(options);
process.stdin.setRawMode(true);
if (bracketed) process.stdout.write('\\x1b[?2004h');
process.stdout.write(shows.join('\\r\\n'));
process.stdin.on('data', (bytes) => {
  appendFileSync(log, bytes.toString('hex'));
  process.stdout.write(bytes.toString('utf8').replace(/\\x1b\\[20[01]~/g, '').replace(/[\\x00-\\x1f\\x7f]/g, ''));
});
appendFileSync(log, 'ready');
`;
