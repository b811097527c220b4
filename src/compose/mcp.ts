import { listedTools } from '../doors/mcp/listed.ts';
import { serveMcp } from '../doors/mcp/serve.ts';
import { chosenTools } from '../core/toolset.ts';
import type { ToolChoice } from '../core/toolset.ts';
import type { LinkPorts } from '../link/port.ts';
import { mcpProcess } from './mcp-process.ts';

/** Which tools are served, and the one feature that the client reaches (`only`; absent: all of the workspace). */
export type McpFlags = Partial<ToolChoice> & { readonly only?: string };

/**
 * `tmops mcp`: MCP on standard input and output until the client goes. What `flags` leave open, the configuration says.
 * Gives the exit code: 2 where the tools that were chosen cannot be served.
 */
export async function runMcp({ only, ...flags }: McpFlags = {}): Promise<number> {
  const { cwd, name, version, choice, extras, streams, onFault } = await mcpProcess();
  // Where the configuration says that it only reads, no flag takes that back.
  const readOnly = choice.readOnly === true || flags.readOnly === true;
  const chosen = chosenTools(await listedTools(), { ...choice, ...flags, readOnly });
  if (!chosen.ok) {
    process.stderr.write(`tmops mcp: ${chosen.why}\n`);
    return 2;
  }
  // The way to the supervisor is loaded with the first call: a client waits for the list of tools before that.
  const link = onDemand(() => import('./link.ts').then(({ linkFrom }) => linkFrom(cwd, only)));
  await serveMcp({
    link: link.ask,
    listen: link.listen,
    name,
    version,
    listPrompts: () => import('./prompt-list.ts').then(({ promptsFor }) => promptsFor(cwd)),
    tools: chosen.tools,
    extras: { ...(readOnly && { readOnly }), ...extras },
    ...streams,
    onFault,
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
