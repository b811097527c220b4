import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestRun } from '../../engine/ports.ts';
import { codeOf } from '../../files/refused.ts';
import { endMarked, MARK } from './marked.ts';
import { openTail } from './tail.ts';

export interface RunOrder {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly withinMs: number;
  /** Unlike that of any other run. */
  readonly mark: string;
  readonly onOutput?: ((text: string) => void) | undefined;
}

/** How long tests that are told to end may tidy up. */
const KILL_AFTER_MS = 2_000;
/** How long the last output is waited for after their end: what they left running may hold the pipe. */
const DRAIN_MS = 300;
/** What a shell, and npm after it, ends with when there is no such command, or it may not be run. */
const NO_COMMAND = 127;
const NOT_EXECUTABLE = 126;

/** A timer of node takes no more. */
const LONGEST_MS = 2 ** 31 - 1;

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** Runs the tests to their end. Nothing they started is left when this resolves. Rejects only for faults of the machine. */
export async function runTests(order: RunOrder, signal: AbortSignal): Promise<TestRun> {
  const began = performance.now();
  const tail = openTail();
  const told = (kind: TestRun['kind'], why: string): TestRun => ({
    kind,
    why,
    tail: tail.text(),
    tookMs: Math.round(performance.now() - began),
  });
  const isCalledOff = (): boolean => signal.aborted;
  if (isCalledOff()) return told('not-run', CALLED_OFF);
  const child = start(order);
  const ended = endOf(child);
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      tail.add(text);
      order.onOutput?.(text);
    });
  const within = await bounded(ended, order.withinMs, signal);
  if (child.pid !== undefined) await endAll(child, child.pid, order.mark, { isOver: within !== null, ended });
  if (within === null) {
    return told('not-run', isCalledOff() ? CALLED_OFF : `they did not end within ${order.withinMs / 1000} s`);
  }
  if ('failure' in within) return told('not-run', `${order.argv[0] ?? ''} could not be started (${within.failure})`);
  if (within.code === null) return told('failed', `ended by ${within.signal ?? 'a signal'}`);
  if (within.code === 0) return told('passed', '');
  if (within.code === NO_COMMAND) return told('not-run', 'a command was not found (exit code 127)');
  if (within.code === NOT_EXECUTABLE) return told('not-run', 'a command could not be run (exit code 126)');
  return told('failed', `exit code ${within.code}`);
}

const CALLED_OFF = 'they were called off';

function start({ argv, cwd, env, mark }: RunOrder): Child {
  const [command = '', ...args] = argv;
  return spawn(command, args, {
    cwd,
    env: { ...env, [MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what it started ends with it.
    detached: true,
  });
}

type Ended = { readonly code: number | null; readonly signal: string | null } | { readonly failure: string };

/** One that could not be started has no exit. */
function endOf(child: Child): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
    child.once('error', (error) => {
      resolve({ failure: codeOf(error) || error.message });
    });
  });
}

/** Null when the time was up or it was called off. */
async function bounded(ended: Promise<Ended>, withinMs: number, signal: AbortSignal): Promise<Ended | null> {
  const timer = new AbortController();
  const lapse = pause(Math.min(withinMs, LONGEST_MS), null, { signal: AbortSignal.any([timer.signal, signal]) }).catch(
    (error: unknown) => {
      if (codeOf(error) !== 'ABORT_ERR') throw error;
      return null;
    },
  );
  const first = await Promise.race([ended, lapse]);
  timer.abort();
  return first;
}

/** Ends the group, politely and then not, and whoever left it. Takes in what was printed last. */
async function endAll(
  child: Child,
  pid: number,
  mark: string,
  { isOver, ended }: { readonly isOver: boolean; readonly ended: Promise<unknown> },
): Promise<void> {
  if (!isOver) {
    signalGroup(pid, 'SIGTERM');
    await Promise.race([ended, pause(KILL_AFTER_MS, undefined, { ref: false })]);
  }
  signalGroup(pid, 'SIGKILL');
  await endMarked(mark);
  await ended;
  const open = [child.stdout, child.stderr].filter((stream) => !stream.closed);
  const drained = Promise.all(open.map((stream) => once(stream, 'close')));
  await Promise.race([drained, pause(DRAIN_MS, undefined, { ref: false })]);
  child.stdout.destroy();
  child.stderr.destroy();
}

function signalGroup(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, name);
  } catch (error) {
    // Gone already; macOS says EPERM of a group that only holds zombies.
    const code = codeOf(error);
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
