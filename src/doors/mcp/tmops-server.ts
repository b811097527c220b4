import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import type { CallExtras, TextPort } from '../../link/port.ts';
import type { AnswerCall } from './call.ts';
import { addCompletion } from './completion.ts';
import { instructions } from './instructions.ts';
import { addPrompts, type PromptDoor } from './prompts.ts';
import { addResources, type ServedResources } from './resources.ts';
import { mcpServer } from './server.ts';
import type { Listener, McpServer, ServerOptions } from './server.ts';

export interface TmopsOptions extends Pick<ServerOptions, 'name' | 'version' | 'onFault'> {
  /** The tools that are listed and taken (see toolset.ts). */
  readonly tools: readonly Tool[];
  readonly link: TextPort;
  /** The same of a supervisor that runs already, for what must not start one. */
  readonly listen: TextPort;
  /** What is said of this client with each call, beside what it says of itself. */
  readonly extras?: Omit<CallExtras, 'door' | 'client' | 'toolUseId'>;
  /** The prompts that are offered; absent: the server has none. */
  readonly listPrompts?: PromptDoor['list'];
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** What tmops serves a client: the operations as tools, and features and prompts as the supervisor tells them. */
export function tmopsServer(options: TmopsOptions): McpServer {
  const { name, version, tools, onFault, link, listPrompts } = options;
  const prompts = listPrompts && { list: listPrompts, link, onFault };
  let resources: ServedResources | undefined;
  return mcpServer({
    ...{ name, version, instructions, tools, onFault },
    offer: {
      add(server) {
        resources = addResources(server, options);
        if (prompts) addPrompts(server, prompts);
        addCompletion(server, { prompts, completeResource: resources.complete });
      },
      loadCalls: (client) => loadCalls(options, client, () => resources?.reached()),
    },
  });
}

/**
 * What calls are answered with. The schemas that arguments are checked against take a third of the start to load, so that
 * this is done once the client has the list of tools, or calls one.
 */
async function loadCalls(
  { link, listen, tools, extras = {}, onFault, signal }: TmopsOptions,
  { name, log, onProgress }: Listener,
  onAnswer: () => void,
): Promise<AnswerCall> {
  const [{ toolCalls }, { logMessageOf, newsFollower }] = await Promise.all([import('./call.ts'), import('./news.ts')]);
  const follow = newsFollower({
    listen,
    take: (view) => {
      log(logMessageOf(view));
    },
    onFault,
    signal,
  });
  return toolCalls({
    link,
    listen,
    served: tools,
    onFault,
    onAnswer: () => {
      follow();
      onAnswer();
    },
    onProgress,
    extras: () => clientExtras(extras, name()),
  });
}

const clientExtras = (extras: Partial<CallExtras>, client: string | undefined): Omit<CallExtras, 'toolUseId'> => ({
  ...extras,
  door: 'mcp',
  ...(client !== undefined && { client }),
});
