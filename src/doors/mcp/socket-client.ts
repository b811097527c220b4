import { checkArguments } from '../../app/arguments.ts';
import { operations } from '../../app/table.ts';
import type { ProblemView } from '../../app/views.ts';
import type { LinkPort, TextPort } from '../../link/port.ts';
import type { Reached, ReachOptions, Remote, RemoteAnswer } from './remote.ts';
import type { TmopsOptions } from './tmops-server.ts';
import { toolNamed, tools } from './tools.ts';

export interface SocketOptions extends ReachOptions, Pick<TmopsOptions, 'listPrompts'> {
  readonly link: LinkPort;
  readonly ask: TextPort;
  /** As `ask`, where a supervisor runs already. */
  readonly listen: TextPort;
  readonly version: string;
}

/**
 * The supervisor of the workspace as if it were a server: each operation of the table as a tool, asked over its socket, whatever
 * toolsets a server would offer. Resources and prompts are made of what it says by the same server that clients of MCP get.
 */
export function socketRemote(options: SocketOptions): Remote {
  const { link, version, stop } = options;
  let inner: Promise<Reached> | undefined;
  const over = new AbortController();
  const ask = async (op: string, input: unknown): Promise<RemoteAnswer> => {
    const reply = await link(op, input, { door: 'socket' }, stop);
    if (!reply.ok) return { ok: false, failure: reply.failure };
    return { ok: true, result: { content: [], structuredContent: reply.output } };
  };
  return {
    server: `supervisor of tmops ${version}`,
    offers: ['tools', 'resources', 'prompts'],
    async request(method, params) {
      if (method === 'tools/list') return { ok: true, result: { tools: tools() } };
      if (method === 'tools/call') return call(params, ask);
      // It has no word for that; what only reads shows as well that somebody answers.
      if (method === 'ping') return ask(operations.list.name, {});
      const reached = await (inner ??= innerServer(options, AbortSignal.any([stop, over.signal])));
      return reached.ok ? reached.remote.request(method, params) : reached;
    },
    async close() {
      const reached = await inner;
      // It follows what changes, for as long as somebody may want to hear of it.
      over.abort();
      return reached?.ok === true ? reached.remote.close() : null;
    },
  };
}

/** The server of `tmops mcp` in this very process. */
async function innerServer(options: SocketOptions, signal: AbortSignal): Promise<Reached> {
  const [{ InMemoryTransport }, { tmopsServer }, { reachServer }] = await Promise.all([
    import('@modelcontextprotocol/sdk/inMemory.js'),
    import('./tmops-server.ts'),
    import('./client.ts'),
  ]);
  const { ask, listen, listPrompts, version } = options;
  const [near, far] = InMemoryTransport.createLinkedPair();
  const server = tmopsServer({
    ...{ link: ask, listen, name: 'tmops', version, tools: tools(), signal },
    ...(listPrompts && { listPrompts }),
    // Whoever asks is told that it failed.
    onFault: () => undefined,
  });
  await server.connect(far);
  return reachServer({ kind: 'inner', name: 'The supervisor', transport: near }, options);
}

async function call(
  { name, arguments: args = {} }: Readonly<Record<string, unknown>>,
  ask: (op: string, input: unknown) => Promise<RemoteAnswer>,
): Promise<RemoteAnswer> {
  const operation = toolNamed(String(name))?.operation;
  if (!operation)
    return refused(
      'unknown-tool',
      `There is no tool ${JSON.stringify(name)}.`,
      'tmops client tools --socket lists them.',
    );
  const checked = checkArguments(operation, args, { operation: operation.tool, argument: (key) => key });
  return checked.ok ? ask(operation.name, checked.input) : { ok: false, failure: checked.failure };
}

const refused = (code: string, sentence: string, hint: string): { ok: false; failure: ProblemView } => ({
  ok: false,
  failure: { code, sentence, hint },
});
