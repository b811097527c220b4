import { checkArguments } from '../../app/arguments.ts';
import { operations } from '../../app/table.ts';
import type { ProblemView } from '../../app/views.ts';
import type { LinkPort } from '../../link/port.ts';
import type { NotOffered, ReachOptions, Remote, RemoteAnswer } from './remote.ts';
import { toolNamed, tools } from './tools.ts';

/**
 * The supervisor of the workspace as if it were a server: each operation of the table as a tool, asked over its socket. All
 * tools are there, whatever toolsets a server would offer, and nothing but tools.
 */
export function socketRemote(options: ReachOptions & { readonly link: LinkPort; readonly version: string }): Remote {
  const { link, version, stop } = options;
  const ask = async (op: string, input: unknown): Promise<RemoteAnswer> => {
    const reply = await link(op, input, { door: 'socket' }, stop);
    if (!reply.ok) return { ok: false, failure: reply.failure };
    return { ok: true, result: { content: [], structuredContent: reply.output } };
  };
  return {
    server: `supervisor of tmops ${version}`,
    offers: ['tools'],
    async request(method, params) {
      if (method === 'tools/list') return { ok: true, result: { tools: tools() } };
      if (method === 'tools/call') return call(params, ask);
      // It has no word for that; what only reads shows as well that somebody answers.
      if (method === 'ping') return ask(operations.list.name, {});
      return refused(NOT_OFFERED, `The socket of the supervisor does not know ${method}.`, 'It has tools only.');
    },
    close: () => Promise.resolve(null),
  };
}

const NOT_OFFERED: NotOffered = 'not-offered';

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
