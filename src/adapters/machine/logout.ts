import { readFile } from 'node:fs/promises';
import { ok, warning, type Verdict } from './check.ts';
import { ask, type Asking } from './program.ts';

/** What systemd's logind does when this user logs out; null where there is no logind. */
export type LogoutFacts = {
  /** It ends whatever the login session started. */
  readonly kills: boolean;
  /** The user's own service manager stays when the last session ends. */
  readonly lingers: boolean;
  /** This process belongs to the user's service manager instead of a login session. */
  readonly inUserManager: boolean;
} | null;

export function judgeLogout(facts: LogoutFacts): Verdict {
  if (facts === null) return ok('no systemd-logind here');
  const { kills, lingers, inUserManager } = facts;
  if (inUserManager && !lingers) return warning('logging out ends tmux: lingering is off', 'loginctl enable-linger');
  // Lingering alone does not keep what belongs to the login session itself.
  if (!inUserManager && kills) {
    const fix = 'loginctl enable-linger\nand start from there: systemd-run --user --scope tmops start <feature>';
    return warning('logging out ends tmux: logind has KillUserProcesses=yes', fix);
  }
  return ok('tmux outlives it');
}

/** Asks logind about the user. */
export async function lookAtLogout(user: string, asking: Asking): Promise<LogoutFacts> {
  const names = ['KillUserProcesses', 'KillOnlyUsers', 'KillExcludeUsers'].flatMap((name) => ['-p', name]);
  const [manager, own, group] = await Promise.all([
    ask('loginctl', ['show-session', ...names], asking),
    ask('loginctl', ['show-user', user, '-p', 'Linger'], asking),
    ownGroup(),
  ]);
  if (manager.kind === 'absent' || manager.kind === 'broken') return null;
  if (manager.kind === 'silent') throw new Error(`loginctl did not answer within ${manager.withinMs} ms`);
  return {
    kills: killsProcessesOf(user, manager.text),
    // A user that logind does not know makes it fail: nobody is logged in and nothing lingers.
    lingers: own.kind === 'said' && own.text === 'Linger=yes',
    inUserManager: /\/user@\d+\.service\//.test(group),
  };
}

/** `said` holds logind's properties, one `NAME=VALUE` a line; of lists the items are parted by blanks. */
export function killsProcessesOf(user: string, said: string): boolean {
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(said)?.[1] ?? '';
  const users = (name: string): readonly string[] =>
    value(name)
      .split(' ')
      .filter((word) => word !== '');
  if (value('KillUserProcesses') !== 'yes' || users('KillExcludeUsers').includes(user)) return false;
  const only = users('KillOnlyUsers');
  return only.length === 0 || only.includes(user);
}

/** The control group of this process; empty where the system has none. */
async function ownGroup(): Promise<string> {
  try {
    return await readFile('/proc/self/cgroup', 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
