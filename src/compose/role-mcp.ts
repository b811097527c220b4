import { serveOver } from '../doors/mcp/serve.ts';
import { roleServer } from '../doors/mcp/role-server.ts';
import { AUTO_ROLE } from '../core/role-tool-names.ts';
import { linkFrom } from './link.ts';
import { mcpProcess } from './mcp-process.ts';

/**
 * `tmops mcp --role`: the tools of one role of a feature, or of all in turn (`auto`), on standard input and output until the
 * client goes. Whose call it is the supervisor knows by the pane it comes from. Gives the exit code.
 */
export async function runRoleMcp(role: string, feature: string): Promise<number> {
  const { cwd, name, version, choice, extras, streams, onFault } = await mcpProcess();
  // An agent in its pane works with its tools whatever clients may do; who plays all roles is a client.
  const readOnly = role === AUTO_ROLE && choice.readOnly === true;
  const link = linkFrom(cwd, feature);
  await serveOver(streams, (signal) =>
    roleServer({
      ...{ link: link.ask, name, version, feature, role, signal, onFault },
      extras: { ...(readOnly && { readOnly }), ...extras },
    }),
  );
  link.close();
  return 0;
}
