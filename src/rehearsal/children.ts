import { spawn } from 'node:child_process';

export interface ChildEnd {
  /** Null when a signal ended it or it could not start. */
  readonly code: number | null;
  /** Standard output and error as they came, the last 256 KiB. */
  readonly output: string;
}

const MOST_OUTPUT = 256 * 1024;
const LONGEST_RUN_MS = 120_000;

/**
 * Runs a program to its end, in a process group of its own that is killed when the signal aborts or the time is up.
 * `node` means the node that runs us, wherever the path leads. Never rejects: a program that cannot start ends with
 * code null and the reason as its output.
 */
export async function runChild(argv: readonly string[], cwd: string, signal: AbortSignal): Promise<ChildEnd> {
  const [name = '', ...rest] = argv;
  const child = spawn(name === 'node' ? process.execPath : name, rest, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_RUN_MS)]);
  const kill = (): void => {
    killGroup(child.pid);
  };
  limit.addEventListener('abort', kill);
  if (limit.aborted) kill();
  let output = '';
  const take = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-MOST_OUTPUT);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise<ChildEnd>((resolve) => {
    child.once('error', (error) => {
      resolve({ code: null, output: error.message });
    });
    child.once('close', (code) => {
      resolve({ code, output });
    });
  }).finally(() => {
    limit.removeEventListener('abort', kill);
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
