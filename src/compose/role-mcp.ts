import { serveOver } from '../doors/mcp/serve.ts';
import { roleServer } from '../doors/mcp/role-server.ts';
import { AUTO_ROLE } from '../core/role-tool-names.ts';
import { readEnvironment } from '../config/environment.ts';
import { introduction } from './introduction.ts';
import { linkFrom } from './link.ts';

/**
 * `tmops mcp --role`: the tools of one role of a feature, or of all in turn (`auto`), on standard input and output until the
 * client goes. Whose call it is the supervisor knows by the pane it comes from. Gives the exit code.
 */
export async function runRoleMcp(role: string, feature: string): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stop.abort();
    });
  }
  const env = readEnvironment();
  const cwd = env['CLAUDE_PROJECT_DIR'] ?? process.cwd();
  const { name, version, choice, fault } = await introduction(cwd, env);
  // What can be served is served; the client shows what stands here where its user looks for it.
  if (fault !== null) process.stderr.write(`tmops mcp: ${fault}\n`);
  // An agent in its pane works with its tools whatever clients may do; who plays all roles is a client.
  const readOnly = role === AUTO_ROLE && choice.readOnly === true;
  const link = linkFrom(cwd, feature);
  const session = env['CLAUDE_CODE_SESSION_ID'];
  await serveOver({ stdin: process.stdin, stdout: process.stdout, stop: stop.signal }, (signal) =>
    roleServer({
      ...{ link: link.ask, name, version, feature, role, signal },
      extras: { ...(readOnly && { readOnly }), ...(session !== undefined && { session: session.slice(0, 100) }) },
      onFault: (error) => {
        process.stderr.write(`tmops mcp: ${error instanceof Error ? error.message : String(error)}\n`);
      },
    }),
  );
  link.close();
  return 0;
}
