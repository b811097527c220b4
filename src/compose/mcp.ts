import { serveMcp } from '../doors/mcp/serve.ts';
import { operations } from '../app/table.ts';
import { readEnvironment } from '../config/environment.ts';
import { linkFrom } from './link.ts';
import { version } from './package.ts';

/** `tmops mcp`: MCP on standard input and output until the client goes. Gives the exit code. */
export async function runMcp(): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stop.abort();
    });
  }
  const env = readEnvironment();
  // Claude Code says which project it works in; its server may be started from anywhere.
  const link = linkFrom(env['CLAUDE_PROJECT_DIR'] ?? process.cwd(), isRepeatable);
  await serveMcp({
    link: link.ask,
    name: 'tmops',
    version,
    stdin: process.stdin,
    stdout: process.stdout,
    stop: stop.signal,
    onFault: (error) => {
      process.stderr.write(`tmops mcp: ${error instanceof Error ? error.message : String(error)}\n`);
    },
  });
  link.close();
  return 0;
}

export const isRepeatable = (op: string): boolean =>
  Object.values(operations).find((operation) => operation.name === op)?.idempotent ?? false;
