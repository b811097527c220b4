import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { HELLO } from './mcp-hello.ts';

/** A stdio MCP server as the speed tests use it; the client side costs the same for every server. */
export interface SpeedServer {
  readonly child: ChildProcessWithoutNullStreams;
  /** From before the process was made until the answer to tools/list was whole, in ms. */
  readonly startMs: number;
  /** One tools/call, in ms. Rejects when the result is an error. */
  call(name: string, args: Record<string, unknown>): Promise<number>;
  stop(): Promise<void>;
}

export async function startServer(argv: readonly string[], env: Record<string, string> = {}): Promise<SpeedServer> {
  const began = performance.now();
  const child = spawn(process.execPath, argv, { env, stdio: 'pipe' });
  const answers = answersOf(child);
  const list = answers(2);
  child.stdin.write(HELLO);
  await list;
  const startMs = performance.now() - began;
  let id = 2;
  return {
    child,
    startMs,
    call: async (name, args) => {
      id += 1;
      const from = performance.now();
      const answer = answers(id);
      child.stdin.write(
        `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } })}\n`,
      );
      const line = await answer;
      const ms = performance.now() - from;
      if (line.includes('"isError":true') || line.includes('"error":')) throw new Error(`The call failed: ${line}`);
      return ms;
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => {
          resolve();
        });
        child.kill('SIGKILL');
      }),
  };
}

/** Waits for the answer with an id. Lines are matched by text, so that parsing does not count. */
function answersOf(child: ChildProcessWithoutNullStreams): (id: number) => Promise<string> {
  let rest = '';
  let awaited: { id: number; resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    rest += chunk;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      if (awaited && line.includes(`"id":${awaited.id}`)) awaited.resolve(line);
    }
  });
  child.on('exit', (code) => awaited?.reject(new Error(`The server ended with code ${String(code)}`)));
  return (id) =>
    new Promise((resolve, reject) => {
      awaited = { id, resolve, reject };
    });
}

/** The value below which `part` (0 to 1) of the samples lie. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
