import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { ProblemView } from '../app/views.ts';
import type { Key } from '../doors/mcp/http-gate.ts';
import { digestOf } from '../doors/mcp/http-gate.ts';
import { codeOf, quoted } from '../files/refused.ts';
import { readTextOrNull } from '../files/regular.ts';
import { writeNew } from '../files/write-whole.ts';

/** Nobody has more clients, and no token is longer. */
const MAX_FILE_BYTES = 64 * 1024;
/** A shorter one can be guessed. */
const SHORTEST = 16;
const LINE = /^(?:([a-z0-9][a-z0-9-]{0,30})[ \t]+)?([\x21-\x7e]+)$/;
const OPEN_TO_OTHERS = 0o077;

export type Keys =
  | { readonly ok: true; readonly keys: readonly Key[]; readonly tokens: readonly string[] }
  | { readonly ok: false; readonly problem: ProblemView };

/**
 * The tokens of a file, one a line: `TOKEN`, or `NAME TOKEN`; empty lines and those that begin with # are left out. `isOurs`:
 * the file is made with a random token (256 bits, 0600) where it is not there. A file that others can read is refused.
 */
export async function keysIn(file: string, isOurs: boolean): Promise<Keys> {
  if (isOurs) await makeToken(file);
  let text: string | null;
  try {
    text = await readTextOrNull(file, MAX_FILE_BYTES);
    if (text === null) return faulty(file, 'is not there', `Write a token into it, and: chmod 600 ${quoted(file)}`);
    const { mode } = await stat(file);
    if ((mode & OPEN_TO_OTHERS) !== 0)
      return faulty(file, `is open to others (mode ${(mode & 0o777).toString(8)})`, `chmod 600 ${quoted(file)}`);
  } catch (error) {
    if (codeOf(error) === '') throw error;
    return faulty(file, `cannot be read (${codeOf(error)})`, `ls -ld ${quoted(file)}`);
  }
  const lines = text.split('\n').map((line) => line.trim());
  return keysOf(
    file,
    lines.flatMap((line, index) => (line === '' || line.startsWith('#') ? [] : [{ line, number: index + 1 }])),
  );
}

function keysOf(file: string, lines: readonly { readonly line: string; readonly number: number }[]): Keys {
  const hint = `One token a line, of at least ${SHORTEST} characters, or the name of its client (a-z, 0-9, -), a blank and the token; e.g. openssl rand -hex 32`;
  const keys: Key[] = [];
  const tokens: string[] = [];
  for (const { line, number } of lines) {
    const [, name = null, token = ''] = LINE.exec(line) ?? [];
    // The line is not repeated: it may be a token all the same.
    if (token.length < SHORTEST) return faulty(file, `has no token of ${SHORTEST} characters in line ${number}`, hint);
    if (tokens.includes(token)) return faulty(file, `has the token of line ${number} twice`, hint);
    keys.push({ name, digest: digestOf(token) });
    tokens.push(token);
  }
  return keys.length === 0 ? faulty(file, 'holds no token', hint) : { ok: true, keys, tokens };
}

async function makeToken(file: string): Promise<void> {
  if ((await readTextOrNull(file, MAX_FILE_BYTES).catch(refusedLater)) !== null) return;
  await writeNew(file, `${randomBytes(32).toString('base64url')}\n`);
}

/** What stands there and cannot be read is told when it is read for its token. */
function refusedLater(error: unknown): string {
  if (codeOf(error) === '') throw error;
  return '';
}

const faulty = (file: string, why: string, hint: string): Keys => ({
  ok: false,
  problem: { code: 'http-token-file', sentence: `The file of the tokens, ${file}, ${why}.`, hint },
});
