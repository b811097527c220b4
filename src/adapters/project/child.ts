import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import type { ChildEnd } from '../../core/init.ts';
import { codeOf } from '../../files/refused.ts';

export interface ChildOrder {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

const TAIL_CHARS = 4_000;
const KILL_AFTER_MS = 2_000;
/** How long the last output is waited for after a child's end. */
const DRAIN_MS = 300;

/** Runs a command to its end, at most `timeoutMs` long, then ends it with its children. Never rejects for how it ended. */
export async function runToEnd(order: ChildOrder): Promise<ChildEnd> {
  const [command = '', ...args] = order.argv;
  const child = execa(command, args, {
    cwd: order.cwd,
    env: order.env,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    buffer: false,
    reject: false,
    // A group of its own, so that what it started ends with it.
    detached: true,
  });
  let tail = '';
  child.all.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-TAIL_CHARS);
  });
  if (child.pid === undefined) {
    const { shortMessage } = await child;
    return { kind: 'not-started', why: shortMessage ?? `no such command: ${command}` };
  }
  const ended = exitOf(child);
  const inTime = await endInTime({ pid: child.pid, ended }, order.timeoutMs);
  // Something the child left running may hold the pipe, so its end is not waited for long.
  if (inTime) await Promise.race([child, pause(DRAIN_MS, undefined, { ref: false })]);
  child.all.destroy();
  if (!inTime) return { kind: 'timed-out', afterMs: order.timeoutMs, tail };
  const { code, signal } = await ended;
  return signal === null ? { kind: 'exited', exitCode: code ?? 0, tail } : { kind: 'killed', signal, tail };
}

/** The caller's environment without what would turn git or bash aside. */
export function childEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !TURNS_ASIDE.test(name)) clean[name] = value;
  }
  return clean;
}

/** GIT_DIR and its like; the framework's own root override; what bash reads or defines before a script, and where `cd` looks. */
const TURNS_ASIDE = /^(GIT_.*|BASH_FUNC_.*|TMOPS_PROJECT_ROOT|BASH_ENV|ENV|CDPATH|SHELLOPTS|BASHOPTS)$/;

async function exitOf(child: NodeJS.EventEmitter): Promise<{ code: number | null; signal: string | null }> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return { code, signal };
}

/** Waits for the end, or ends the whole process group after `timeoutMs`, politely and then not; false in that case. */
async function endInTime(
  child: { readonly pid: number; readonly ended: Promise<unknown> },
  timeoutMs: number,
): Promise<boolean> {
  const { pid, ended } = child;
  const timer = new AbortController();
  const inTime = await Promise.race([ended.then(() => true), lapse(timeoutMs, timer.signal)]);
  timer.abort();
  if (inTime) return true;
  signalGroup(pid, 'SIGTERM');
  await Promise.race([ended, pause(KILL_AFTER_MS, undefined, { ref: false })]);
  signalGroup(pid, 'SIGKILL');
  return false;
}

async function lapse(ms: number, signal: AbortSignal): Promise<false> {
  try {
    await pause(ms, undefined, { signal });
  } catch (error) {
    if (codeOf(error) !== 'ABORT_ERR') throw error;
  }
  return false;
}

function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Gone already; macOS says EPERM of a group that only holds zombies.
    const code = codeOf(error);
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
