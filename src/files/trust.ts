import { statSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { codeOf, quoted } from './refused.ts';

/** Why a file that says what tmops is to do, or is code of it, cannot be relied on. */
export interface Distrust {
  /** As the end of "… is". */
  readonly why: string;
  /** The command that repairs it. */
  readonly repair: string;
}

const WRITABLE_BY_ALL = 0o002;

/**
 * Whether somebody else may have written the file: anyone may write it, or it belongs to a user who is neither ours nor
 * root. Its group may write it, since many systems give each user a group of their own. Null when it can be relied on, and
 * for a file that is not there: who reads it says so.
 */
export function distrustOf(file: string): Distrust | null {
  const seen = look(file);
  return seen === undefined ? null : distrustIn(seen, file);
}

/** Of a file that cannot be looked at, nothing can be read either. */
function look(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === '') throw error;
    return undefined;
  }
}

/** The same of a file that was looked at. `uid` is ours. */
export function distrustIn(
  seen: { readonly mode: number; readonly uid: number },
  file: string,
  uid: number = userInfo().uid,
): Distrust | null {
  const mode = (seen.mode & 0o7777).toString(8).padStart(4, '0');
  if ((seen.mode & WRITABLE_BY_ALL) !== 0)
    return { why: `writable by every user of this machine (mode ${mode})`, repair: `chmod o-w ${quoted(file)}` };
  if (seen.uid !== uid && seen.uid !== 0)
    return { why: `of another user (${seen.uid})`, repair: `sudo chown "$(id -un)" ${quoted(file)}` };
  return null;
}

/** Throws a Distrusted when somebody else may have written the file; `what` says what it is. */
export function mustBeTrusted(file: string, what: string): void {
  const distrust = distrustOf(file);
  if (distrust) throw new Distrusted(file, what, distrust);
}

/** A file that says what tmops is to do, or is code of it, may have been written by somebody else. It was not used. */
export class Distrusted extends Error {
  readonly path: string;
  readonly sentence: string;
  readonly hint: string;

  constructor(path: string, what: string, { why, repair }: Distrust) {
    super(`the ${what} ${path} is ${why}`);
    this.name = 'Distrusted';
    this.path = path;
    this.sentence = `The ${what} ${path} is ${why}, so that somebody else may have written it.`;
    this.hint = `Look at what is in it; repair it: ${repair}. Then call again.`;
  }
}
