import { setTimeout as sleep } from 'node:timers/promises';
import { connectLink } from './client.ts';
import type { Link, LinkFault } from './client.ts';
import type { Failure } from './protocol.ts';

const POLL_MS = 10;

export interface DialOptions {
  readonly socketPath: string;
  /** Version of this tmops. */
  readonly version: string;
  /** Starts a supervisor, detached; resolves once its process exists, rejects when it could not be made (with a `hint` where it knows one). Called once at most. */
  readonly start: () => Promise<void>;
  /** How long a started supervisor may take to answer, in milliseconds. */
  readonly withinMs: number;
  /** Where that supervisor writes its log: named when it does not answer. */
  readonly logFile: string;
}

export type Dialled = { readonly ok: true; readonly link: Link } | { readonly ok: false; readonly failure: Failure };

/** Connects to the supervisor of a workspace, starting one when none answers. */
export async function dial(options: DialOptions): Promise<Dialled> {
  const deadline = performance.now() + options.withinMs;
  let started = false;
  for (;;) {
    const connected = await connectLink(options.socketPath, options.version);
    if (connected.ok) return connected;
    if (connected.fault.kind === 'incompatible') return { ok: false, failure: incompatible(connected.fault, options) };
    if (!started) {
      const failure = await begin(options);
      if (failure) return { ok: false, failure };
      started = true;
    } else if (performance.now() >= deadline) {
      return { ok: false, failure: unanswered(connected.fault, options) };
    }
    await sleep(POLL_MS);
  }
}

async function begin(options: DialOptions): Promise<Failure | null> {
  try {
    await options.start();
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      code: 'supervisor-not-started',
      sentence: `The supervisor could not be started: ${why}.`,
      hint:
        error instanceof Error && 'hint' in error
          ? String(error.hint)
          : `Its log, if it came so far: ${options.logFile}. tmops doctor says what is missing on this machine.`,
    };
  }
}

function unanswered(fault: Exclude<LinkFault, { kind: 'incompatible' }>, options: DialOptions): Failure {
  const why = fault.kind === 'absent' ? 'there is no socket' : fault.why;
  return {
    code: 'supervisor-late',
    sentence: `The supervisor was started but did not answer on ${options.socketPath} within ${options.withinMs} ms (${why}).`,
    hint: `Its log says why: ${options.logFile}`,
  };
}

function incompatible(fault: Extract<LinkFault, { kind: 'incompatible' }>, options: DialOptions): Failure {
  const theirs = `${fault.theirs}${fault.pid === null ? '' : `, process ${fault.pid}`}`;
  return {
    code: 'supervisor-incompatible',
    sentence: `This is tmops ${options.version}, but ${theirs} serves this workspace.`,
    hint:
      fault.pid === null
        ? `Find out what listens on ${options.socketPath}, end it and call again.`
        : `End it with: kill ${fault.pid} — the agents in tmux go on — and call again; this release then takes over.`,
  };
}
