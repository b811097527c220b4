import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { codeOf } from '../../files/refused.ts';

/** Options of the adapter. The environment is passed in; GIT_* in it never reaches git. */
export interface GitOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Name or path of git; default `git`. */
  readonly command?: string;
  /** Bound of one plumbing command; default 20,000 ms. */
  readonly timeoutMs?: number;
  /** Bound of one command that writes a working tree or reads all of it; default 120,000 ms. */
  readonly longTimeoutMs?: number;
  /** How long a `worktree add` that somebody else began may still be at work before it counts as cut short; default 5,000 ms. */
  readonly settleMs?: number;
}

export interface GitRan {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitCall {
  /** Added to the cleaned environment, e.g. GIT_INDEX_FILE. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly long?: boolean;
}

/** Runs `git -C <at> …args` to its end, whatever the exit code. Throws a GitError if it did not start or end by itself. */
export type RunGit = (at: string, args: readonly string[], call?: GitCall) => Promise<GitRan>;

/** git failed in a way no caller expects; told once, at the edge. */
export class GitError extends Error {
  override readonly name = 'GitError';
  readonly argv: readonly string[];
  readonly at: string;
  /** Null when it did not end by itself. */
  readonly exitCode: number | null;
  readonly stderrTail: string;
  /** `ENOENT` when there is no such command. */
  readonly code: string | null;

  constructor(facts: {
    argv: readonly string[];
    at: string;
    what: string;
    exitCode?: number;
    stderr?: string;
    code?: string;
    cause?: unknown;
  }) {
    const tail = (facts.stderr ?? '').trim().slice(-TAIL_CHARS);
    const said = tail === '' ? '' : `: ${tail}`;
    super(`git ${facts.argv.join(' ')} in ${facts.at} ${facts.what}${said}`, { cause: facts.cause });
    this.argv = facts.argv;
    this.at = facts.at;
    this.exitCode = facts.exitCode ?? null;
    this.stderrTail = tail;
    this.code = facts.code ?? null;
  }
}

const TAIL_CHARS = 2_000;
const MAX_OUTPUT = 64 * 1024 * 1024;
const TIMEOUT_MS = 20_000;
const LONG_TIMEOUT_MS = 120_000;
const KILL_AFTER_MS = 2_000;

/**
 * Settings of every call. Hooks and an fsmonitor program belong to the user's own commands, so ours do without; this
 * changes no configuration file.
 */
const SETTINGS = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor='];

/**
 * git reads the records of all worktrees and dies of one that another git is just making or removing (seen with 2.39, of 1,487
 * `worktree add` and `worktree remove`, six at once, 11 and 3 times). Nothing has been done by then, so that it is asked again.
 */
const HALF_MADE_RECORD = /^fatal: (failed to read .*commondir|Invalid path '.*\/worktrees\/[^/]+': No such file)/m;
const HALF_MADE_FOR_MS = 5_000;
const AGAIN_AFTER_MS = 50;

/** A way to run git with the cleaned environment of `options`. */
export function openRunner(options: GitOptions): RunGit {
  const once = onceRunner(options);
  return async (at, args, call) => {
    const deadline = performance.now() + HALF_MADE_FOR_MS;
    for (;;) {
      const ran = await once(at, args, call);
      const isHalfMade = ran.exitCode === 128 && HALF_MADE_RECORD.test(ran.stderr);
      if (!isHalfMade || performance.now() >= deadline) return ran;
      await pause(AGAIN_AFTER_MS);
    }
  };
}

function onceRunner(options: GitOptions): RunGit {
  const base = cleanEnvironment(options.environment);
  return async (at, args, call = {}) => {
    const timeoutMs = call.long ? (options.longTimeoutMs ?? LONG_TIMEOUT_MS) : (options.timeoutMs ?? TIMEOUT_MS);
    const child = execa(options.command ?? 'git', ['-C', at, ...SETTINGS, ...args], {
      // The folder is named by -C alone: an ENOENT then always means that the command is missing.
      cwd: '/',
      env: { ...base, ...call.env },
      extendEnv: false,
      reject: false,
      stripFinalNewline: false,
      maxBuffer: MAX_OUTPUT,
      // A group of its own, so that filters and other children of git end with it.
      detached: true,
      ...(call.input === undefined ? { stdin: 'ignore' as const } : { input: call.input }),
    });
    if (child.pid !== undefined && !(await endInTime({ pid: child.pid, ended: child }, timeoutMs))) {
      throw new GitError({ argv: args, at, what: `did not end within ${timeoutMs} ms and was killed` });
    }
    const result = await child;
    if (result.exitCode === undefined) throw unended(at, args, result);
    return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
  };
}

/** As `run`, and throws a GitError when the exit code is not 0. Gives stdout without its last line feed. */
export async function mustGit(run: RunGit, at: string, args: readonly string[], call: GitCall = {}): Promise<string> {
  const ran = await run(at, args, call);
  if (ran.exitCode !== 0) throw failed(at, args, ran);
  return ran.stdout.replace(/\n$/, '');
}

/** The GitError of a call that ended with a code nobody expects. */
export function failed(at: string, args: readonly string[], ran: GitRan): GitError {
  const what = `ended with exit code ${ran.exitCode}`;
  return new GitError({ argv: args, at, what, exitCode: ran.exitCode, stderr: ran.stderr });
}

interface Unended {
  readonly code?: string | undefined;
  readonly signal?: string | undefined;
  readonly isMaxBuffer: boolean;
  readonly stderr: string;
}

function unended(at: string, argv: readonly string[], result: Unended): GitError {
  const { code, stderr } = result;
  const facts = { argv, at, cause: result, stderr };
  if (result.isMaxBuffer) return new GitError({ ...facts, what: `printed more than ${MAX_OUTPUT} bytes` });
  if (code === undefined) return new GitError({ ...facts, what: `was ended by ${result.signal ?? 'something'}` });
  return new GitError({ ...facts, what: `could not be run (${code})`, code });
}

function cleanEnvironment(environment: GitOptions['environment']): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !name.startsWith('GIT_')) clean[name] = value;
  }
  // Messages are matched, so they must be English; reading must not take the index lock away from an agent's git.
  return { ...clean, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0' };
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
