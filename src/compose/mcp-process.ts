import type { OnFault } from '../doors/mcp/call.ts';
import type { Streams } from '../doors/mcp/serve.ts';
import { readEnvironment } from '../config/environment.ts';
import { introduction, type Introduction } from './introduction.ts';
import { stopOnSignals } from './stop-on-signals.ts';

/** What every `tmops mcp` has of its process, whatever it serves. */
export interface McpProcess extends Omit<Introduction, 'fault'> {
  /** The project that it serves. */
  readonly cwd: string;
  /** What is said of the client with each call. */
  readonly extras: { readonly session?: string };
  readonly streams: Streams;
  readonly onFault: OnFault;
}

/** What is wrong with the configuration goes to stderr. */
export async function mcpProcess(): Promise<McpProcess> {
  const stop = stopOnSignals();
  const env = readEnvironment();
  // Claude Code says which project it works in; its server may be started from anywhere.
  const cwd = env['CLAUDE_PROJECT_DIR'] ?? process.cwd();
  const { fault, ...introduced } = await introduction(cwd, env);
  const say = (words: string): void => void process.stderr.write(`tmops mcp: ${words}\n`);
  // What can be served is served; the client shows what stands here where its user looks for it.
  if (fault !== null) say(fault);
  return {
    ...introduced,
    cwd,
    extras: sessionIn(env),
    streams: { stdin: process.stdin, stdout: process.stdout, stop },
    onFault: (error) => {
      say(error instanceof Error ? error.message : String(error));
    },
  };
}

/** What Claude Code tells its servers of the session that they serve. */
const sessionIn = (env: Readonly<Record<string, string>>): { readonly session?: string } => {
  const session = env['CLAUDE_CODE_SESSION_ID'];
  return session === undefined ? {} : { session: session.slice(0, 100) };
};
