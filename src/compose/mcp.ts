import { serveMcp } from '../doors/mcp/serve.ts';
import { readEnvironment } from '../config/environment.ts';
import type { LinkPorts } from '../link/port.ts';
import { introduction } from './introduction.ts';

/** The feature that the words after `mcp` bind the client to (`--feature auth-api`); null: others stand there. */
export function boundTo(words: readonly string[]): { readonly only?: string } | null {
  if (words.length === 0) return {};
  const [, only] = /^--feature[= ]([a-z0-9-]{3,20})$/.exec(words.join(' ')) ?? [];
  return only === undefined ? null : { only };
}

/** `tmops mcp`: MCP on standard input and output until the client goes. Gives the exit code. */
export async function runMcp({ only }: { readonly only?: string } = {}): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stop.abort();
    });
  }
  const env = readEnvironment();
  // Claude Code says which project it works in; its server may be started from anywhere.
  const cwd = env['CLAUDE_PROJECT_DIR'] ?? process.cwd();
  // The way to the supervisor is loaded with the first call: a client waits for the list of tools before that.
  const link = onDemand(() => import('./link.ts').then(({ linkFrom }) => linkFrom(cwd, only)));
  await serveMcp({
    link: link.ask,
    listen: link.listen,
    ...(await introduction(cwd, env)),
    stdin: process.stdin,
    stdout: process.stdout,
    stop: stop.signal,
    onFault: (error) => {
      process.stderr.write(`tmops mcp: ${error instanceof Error ? error.message : String(error)}\n`);
    },
  });
  await link.close();
  return 0;
}

/** Loads the link with the first call; the calls after it go to it without waiting. */
function onDemand(load: () => Promise<LinkPorts>): Omit<LinkPorts, 'call' | 'close'> & { close(): Promise<void> } {
  let loading: Promise<LinkPorts> | undefined;
  let ready: LinkPorts | undefined;
  const loaded = async (): Promise<LinkPorts> => (ready = await (loading ??= load()));
  return {
    ask: async (...call) => (ready ?? (await loaded())).ask(...call),
    listen: async (...call) => (ready ?? (await loaded())).listen(...call),
    async close() {
      (await loading)?.close();
    },
  };
}
