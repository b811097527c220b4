import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import type { CallExtras, TextPort } from '../../link/port.ts';
import type { AnswerCall, CallOptions, OnFault } from './call.ts';
import { addCompletion } from './completion.ts';
import { instructions } from './instructions.ts';
import type { LogEntry } from './news.ts';
import { addPrompts, type PromptDoor } from './prompts.ts';
import { addResources } from './resources.ts';

export interface ServerOptions {
  readonly link: TextPort;
  /** The same of a supervisor that runs already, for what must not start one. */
  readonly listen: TextPort;
  readonly name: string;
  readonly version: string;
  /** The tools that are listed and taken (see toolset.ts). */
  readonly tools: readonly Tool[];
  /** What is said of this client with each call, beside what it says of itself. */
  readonly extras?: Omit<CallExtras, 'door' | 'client' | 'toolUseId'>;
  /** The prompts that are offered; absent: the server has none. */
  readonly listPrompts?: PromptDoor['list'];
  readonly onFault: OnFault;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** What one client is served, whatever carries its messages. */
export interface McpServer {
  /** Answers `tools/call`, which transports keep from the SDK (see transport.ts). */
  readonly answerCall: AnswerCall;
  /** Serves all other messages of the transport. */
  connect(transport: Transport): Promise<void>;
  close(): Promise<void>;
}

export function mcpServer(options: ServerOptions): McpServer {
  const { name, version, tools, onFault } = options;
  let carrier: Transport | undefined;
  let loading: Promise<AnswerCall> | undefined;
  let ready: AnswerCall | undefined;
  const load = (): Promise<AnswerCall> =>
    (loading ??= loadCalls(options, () => nameOf(server.getClientVersion()), {
      log: (entry) => {
        // The SDK keeps the level that a client asked for by the id of its session.
        void server.sendLoggingMessage(entry, carrier?.sessionId).catch(onFault);
      },
      onAnswer: () => {
        resources.reached();
      },
      onProgress: (progress, id) => {
        const related = id === undefined ? {} : { relatedRequestId: id };
        void server.notification({ method: 'notifications/progress', params: { ...progress } }, related).catch(onFault);
      },
    }));
  // McpServer would convert schemas of its own and let the text of an exception through.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const server = new Server(
    { name, version },
    { capabilities: { tools: {}, logging: {} }, instructions, jsonSchemaValidator: NO_VALIDATOR },
  );
  server.onerror = onFault;
  const resources = addResources(server, options);
  const prompts = options.listPrompts && { list: options.listPrompts, link: options.link, onFault };
  if (prompts) addPrompts(server, prompts);
  addCompletion(server, { prompts, completeResource: resources.complete });
  server.setRequestHandler(ListToolsRequestSchema, () => {
    setImmediate(() => void load().catch(onFault));
    return { tools: [...tools] };
  });
  return {
    answerCall: async (...call) => (ready ??= await load())(...call),
    connect(transport) {
      carrier = transport;
      return server.connect(transport);
    },
    close: () => server.close(),
  };
}

/** The SDK would make one for each client, for answers to elicitations; nothing is elicited. */
const NO_VALIDATOR: jsonSchemaValidator = {
  getValidator() {
    throw new Error('Internal error: nothing is elicited from clients');
  },
};

/** Who hears of calls: `log` of what the supervisor tells humans meanwhile. */
type CallNews = { readonly log: (entry: LogEntry) => void } & Required<Pick<CallOptions, 'onAnswer' | 'onProgress'>>;

/**
 * What calls are answered with. The schemas that arguments are checked against take a third of the start to load, so that
 * this is done once the client has the list of tools, or calls one.
 */
async function loadCalls(
  { link, listen, tools, extras = {}, onFault, signal }: ServerOptions,
  client: () => string | undefined,
  { log, onAnswer, onProgress }: CallNews,
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
    extras: () => clientExtras(extras, client()),
  });
}

const clientExtras = (extras: Partial<CallExtras>, client: string | undefined): Omit<CallExtras, 'toolUseId'> => ({
  ...extras,
  door: 'mcp',
  ...(client !== undefined && { client }),
});

/** What a client calls itself, in one line. */
function nameOf(client: { readonly name: string; readonly version: string } | undefined): string | undefined {
  return client && `${client.name} ${client.version}`.replaceAll(/\p{C}/gu, '').slice(0, 200);
}
