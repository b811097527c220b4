import { execFile } from 'node:child_process';
import type { ExecFileException } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { childArguments, cutAtMarks, meansNoServer, withMarks } from './commands.ts';
import type { Chain, Reply } from './commands.ts';

/** How to reach one tmux server. */
export interface Server {
  readonly tmux: string;
  /** Arguments before the command: the socket, the configuration file. */
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly answerWithinMs: number;
}

/**
 * Runs a chain in a `tmux` process of its own; never starts a server. A server that is just ending refuses for a moment, as
 * it does when the last session was closed: what is `repeatable` is asked again until it has ended.
 */
export async function askByChild(
  server: Server,
  chain: Chain,
  { repeatable }: { readonly repeatable: boolean } = { repeatable: false },
): Promise<Reply> {
  for (let tries = 1; ; tries += 1) {
    const reply = await runChain(server, ['-N'], chain);
    if (!repeatable || !isEnding(reply) || tries >= TRIES) return reply;
    await pause(TRY_AGAIN_MS);
  }
}

const TRIES = 10;
const TRY_AGAIN_MS = 100;

/** Whether the server ended while it was asked. */
export const isEnding = (reply: Reply): boolean => reply.kind === 'failed' && ENDED.test(reply.why);

const ENDED = /lost server|server exited/;

/** The same for a chain that may start the server. */
export function askStartingServer(server: Server, chain: Chain): Promise<Reply> {
  return runChain(server, [], chain);
}

/** `tmux -V` without the program's name, e.g. `3.3a`. Rejects when the program cannot be run. */
export async function tmuxVersion(server: Server): Promise<string> {
  const { error, stdout } = await run(server, ['-V']);
  if (error !== null) throw new Error(`${server.tmux} cannot be run: ${error.message}`, { cause: error });
  return stdout.trim().replace(/^tmux /, '');
}

async function runChain(server: Server, flags: readonly string[], chain: Chain): Promise<Reply> {
  const mark = `tmops:${randomBytes(8).toString('hex')}`;
  const args = ['-u', ...flags, ...server.arguments, ...childArguments(withMarks(chain, mark))];
  const { error, stdout, stderr } = await run(server, args);
  if (error !== null) return failure(server, error, stderr.trim().slice(-STDERR_TAIL));
  const lines = stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n');
  return { kind: 'done', outputs: cutAtMarks(chain, lines, mark) };
}

function failure(server: Server, error: ExecFileException, told: string): Reply {
  if (error.killed === true) {
    const why = `tmux did not answer within ${server.answerWithinMs} ms`;
    return { kind: 'failed', why, mayHaveRun: true, late: true };
  }
  if (meansNoServer(told)) return { kind: 'no-server', message: told };
  const why = told === '' ? error.message : told;
  const answered = typeof error.code === 'number' && !ENDED.test(told);
  if (answered) return { kind: 'error', message: why };
  const started = typeof error.code === 'number' || error.signal !== undefined;
  return { kind: 'failed', why, mayHaveRun: started, late: false };
}

const STDERR_TAIL = 2000;

interface Finished {
  readonly error: ExecFileException | null;
  readonly stdout: string;
  readonly stderr: string;
}

// Not execa: a client hands its pipes to the server, and while that one hangs they stay open after the client was
// killed. execFile does not wait for them.
function run(server: Server, args: readonly string[]): Promise<Finished> {
  const options = {
    env: server.env,
    // Neither the client nor a server that it starts shall hold on to a folder.
    cwd: '/',
    timeout: server.answerWithinMs,
    killSignal: 'SIGKILL',
    maxBuffer: 32 * 1024 * 1024,
  } as const;
  return new Promise((resolve) => {
    const child = execFile(server.tmux, args, options, (error, stdout, stderr) => {
      resolve({ error, stdout, stderr });
    });
    child.stdin?.end();
  });
}
