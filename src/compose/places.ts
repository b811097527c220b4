import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { mustBeRegularOrAbsent } from '../files/regular.ts';
import { hashOf, socketPlace, type Place } from '../link/place.ts';

/** What the supervisor of a workspace keeps on disk, and where it listens. */
export interface SupervisorPlace {
  readonly dir: string;
  readonly lockFile: string;
  readonly pidFile: string;
  /** argv that starts the supervisor, one argument a line; an agent's hook uses it through `wake`. */
  readonly commandFile: string;
  /** The variables it needs, `NAME=VALUE` a line. */
  readonly variablesFile: string;
  readonly wakeFile: string;
  readonly guardLog: string;
  /** The token that clients of MCP over HTTP need, unless the configuration names a file of the user's. */
  readonly httpTokenFile: string;
  /** The port that was free the last time. */
  readonly httpPortFile: string;
}

export function supervisorPlace(root: string): SupervisorPlace {
  const dir = join(root, '.tmops', '.supervisor');
  return {
    dir,
    lockFile: join(dir, 'lock'),
    pidFile: join(dir, 'pid'),
    commandFile: join(dir, 'command'),
    variablesFile: join(dir, 'variables'),
    wakeFile: join(dir, 'wake'),
    guardLog: join(dir, 'guard.log'),
    httpTokenFile: join(dir, 'http-token'),
    httpPortFile: join(dir, 'http-port'),
  };
}

/**
 * Rejects with a FileRefused where something else than a file stands in the place of one that the supervisor keeps, or a
 * link leads away from `.tmops` or its folders.
 */
export async function checkSupervisorPlace(root: string): Promise<void> {
  const { lockFile, pidFile, commandFile, wakeFile, guardLog } = supervisorPlace(root);
  for (const file of [lockFile, pidFile, commandFile, wakeFile, guardLog, logFile(root)])
    await mustBeRegularOrAbsent(file);
}

export const logFile = (root: string): string => join(root, '.tmops', '.logs', 'tmops.log');

/**
 * Under /tmp as tmux' own sockets are, whatever the caller's environment says: two callers of one user must meet, and a
 * runtime folder goes with the last login while agents stay.
 */
export const socketOfWorkspace = (root: string): Place => socketPlace(root, { tmpDir: '/tmp', uid: userInfo().uid });

/** The same for a workspace whose folder may be gone, by its real path; `folder` is that of all sockets. */
export const socketFor = (root: string, folder: string): string => join(folder, `${hashOf(root)}.sock`);

/**
 * Names a workspace on a tmux server: its folder's name for people, and a part of a hash of its path, so that two
 * checkouts never own each other's sessions.
 */
export const workspaceIdOf = (root: string): string =>
  `${basename(root)
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, 40)}-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;
