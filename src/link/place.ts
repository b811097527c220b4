import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Failure } from './protocol.ts';

/** A unix socket's path fits 108 bytes on Linux and 104 on macOS, its ending NUL included (unix(7)). */
const MAX_PATH_BYTES = 100;

export interface PlaceChoice {
  /** `XDG_RUNTIME_DIR`; left out or not there, `tmpDir` is taken. */
  readonly runtimeDir?: string;
  readonly tmpDir: string;
  /** Numeric id of the user whose folder it has to be. */
  readonly uid: number;
}

export type Place =
  | { readonly ok: true; readonly folder: string; readonly socketPath: string }
  | { readonly ok: false; readonly failure: Failure };

/**
 * Where the supervisor of a workspace listens: `<runtimeDir or tmpDir>/tmops-<uid>/<16 hex digits of its real path>.sock`.
 * Makes the folder (0700) when it is missing. Throws what the system says when `workspaceRoot` cannot be resolved.
 */
export function socketPlace(workspaceRoot: string, choice: PlaceChoice): Place {
  const name = hashOf(realpathSync(workspaceRoot));
  const bases = [choice.runtimeDir, choice.tmpDir].filter((base) => base !== undefined && isThere(base));
  const paths = bases.map((base) => join(base ?? '', `tmops-${choice.uid}`, `${name}.sock`));
  const socketPath = paths.find((path) => Buffer.byteLength(path) < MAX_PATH_BYTES);
  if (socketPath === undefined) return { ok: false, failure: noPlace(paths, choice) };
  const folder = join(socketPath, '..');
  const failure = privateFolder(folder, choice.uid);
  return failure ? { ok: false, failure } : { ok: true, folder, socketPath };
}

/** What names a workspace among the sockets: 16 hex digits of its real path. */
export const hashOf = (realRoot: string): string => createHash('sha256').update(realRoot).digest('hex').slice(0, 16);

/**
 * Makes `folder` with mode 0700 when it is missing and looks whether it is a folder of `uid` alone: no link, no other
 * owner, nothing for group and others. Null when all is well.
 */
export function privateFolder(folder: string, uid: number): Failure | null {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    if (found.isSymbolicLink()) return notPrivate(folder, 'is a symbolic link');
    if (found.uid !== uid) return notPrivate(folder, `belongs to user ${found.uid}, not to ${uid}`);
    const mode = found.mode & 0o777;
    if ((mode & 0o077) !== 0) return notPrivate(folder, `is open to others (mode ${mode.toString(8)})`);
    return null;
  } catch (error) {
    return notPrivate(folder, `cannot be used (${error instanceof Error ? error.message : String(error)})`);
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function notPrivate(folder: string, why: string): Failure {
  return {
    code: 'supervisor-place',
    sentence: `The folder for the supervisor's socket, ${folder}, ${why}.`,
    hint: `Look at it with: ls -ld ${folder} — it has to be a folder of yours with mode 700; remove it and it is made anew.`,
  };
}

function noPlace(paths: readonly string[], choice: PlaceChoice): Failure {
  const tried = paths.length > 0 ? paths.join(' and ') : `${choice.tmpDir}, which is not there`;
  return {
    code: 'supervisor-place',
    sentence: `There is no place for the supervisor's socket: tried ${tried} (its path has to stay below ${MAX_PATH_BYTES} bytes).`,
    hint: 'Set TMPDIR to a short path such as /tmp and call again.',
  };
}
