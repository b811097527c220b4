import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ErrorCode, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type {
  JSONRPCMessage,
  LoggingMessageNotification,
  ProgressNotification,
  RequestId,
  Tool,
} from '@modelcontextprotocol/sdk/types.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import type { AnswerCall, OnFault } from './call.ts';

export interface ServerOptions {
  readonly name: string;
  readonly version: string;
  readonly instructions: string;
  /** The tools that are listed and taken (see toolset.ts), or how to come by them; what it throws, the client is told. */
  readonly tools: readonly Tool[] | (() => Promise<readonly Tool[]>);
  readonly offer: Offer;
  readonly onFault: OnFault;
}

/** What stands behind a server: what its tools do, and what it offers beside them. */
export interface Offer {
  /** Lets a server that is not connected yet answer more than the list of tools, and says so in its capabilities. */
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  add(server: Server): void;
  /** Loads what calls of tools are answered with; asked once, when the client has the list of tools or calls one. */
  loadCalls(client: Listener): Promise<AnswerCall>;
}

/** The client, as those who answer its calls see it. */
export interface Listener {
  /** What it calls itself, in one line; undefined before it has greeted. */
  readonly name: () => string | undefined;
  /** Tells it what a human should know. */
  readonly log: (entry: LoggingMessageNotification['params']) => void;
  /** Tells it how the call of that request goes on. */
  readonly onProgress: (progress: ProgressNotification['params'], id: RequestId | undefined) => void;
}

/** What one client is served, whatever carries its messages. */
export interface McpServer {
  /** Answers `tools/call`, which transports keep from the SDK (see transport.ts). */
  readonly answerCall: AnswerCall;
  /** Serves all other messages of the transport. */
  connect(transport: Transport): Promise<void>;
  close(): Promise<void>;
}

export function mcpServer({ name, version, instructions, tools, offer, onFault }: ServerOptions): McpServer {
  let carrier: Transport | undefined;
  let loading: Promise<AnswerCall> | undefined;
  let ready: AnswerCall | undefined;
  const load = (): Promise<AnswerCall> =>
    (loading ??= offer.loadCalls({
      name: () => nameOf(server.getClientVersion()),
      log: (entry) => {
        // The SDK keeps the level that a client asked for by the id of its session.
        void server.sendLoggingMessage(entry, carrier?.sessionId).catch(onFault);
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
  offer.add(server);
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    setImmediate(() => void load().catch(onFault));
    return { tools: [...(typeof tools === 'function' ? await tools() : tools)] };
  });
  return {
    answerCall: async (...call) => (ready ??= await load())(...call),
    connect(transport) {
      carrier = transport;
      const send = transport.send.bind(transport);
      transport.send = (message, options) => send(inWords(message), options);
      return server.connect(transport);
    },
    close: () => server.close(),
  };
}

/** Parameters that do not fit its schemas, the SDK answers as a fault of its own, with what zod noted of them as JSON. */
function inWords(message: JSONRPCMessage): JSONRPCMessage {
  if (!('error' in message)) return message;
  const { code, message: text } = message.error;
  const noted = code === INTERNAL_ERROR ? notedIn(text) : [];
  if (noted.length === 0) return message;
  const words = noted.map(({ path, message: why }) => `${path.join('.')}: ${why}`).join('; ');
  return { ...message, error: { code: ErrorCode.InvalidParams, message: `Invalid params: ${words.slice(0, 500)}` } };
}

const INTERNAL_ERROR: number = ErrorCode.InternalError;

interface Noted {
  readonly path: readonly unknown[];
  readonly message: string;
}

function notedIn(text: string): readonly Noted[] {
  if (!text.startsWith('[')) return [];
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) && read.every(isNoted) ? read : [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
}

const isNoted = (value: unknown): value is Noted =>
  typeof value === 'object' && value !== null && 'path' in value && 'message' in value && Array.isArray(value.path);

/** The SDK would make one for each client, for answers to elicitations; nothing is elicited. */
const NO_VALIDATOR: jsonSchemaValidator = {
  getValidator() {
    throw new Error('Internal error: nothing is elicited from clients');
  },
};

/** What a client calls itself, in one line. */
function nameOf(client: { readonly name: string; readonly version: string } | undefined): string | undefined {
  return client && `${client.name} ${client.version}`.replaceAll(/\p{C}/gu, '').slice(0, 200);
}
