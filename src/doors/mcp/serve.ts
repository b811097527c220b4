import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { ServerCapabilities, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { TextPort } from '../../link/port.ts';
import type { AnswerCall, OnFault } from './call.ts';
import { instructions } from './instructions.ts';
import type { LogEntry } from './news.ts';
import { addCompletion } from './completion.ts';
import { addPrompts, promptCapabilities, type PromptDoor } from './prompts.ts';
import { stdioTransport } from './transport.ts';
import type { StreamEnd } from './transport.ts';

/** How long calls that are under way when the input ends may take to be answered. */
const LAST_ANSWERS_WITHIN_MS = 500;

export interface McpOptions {
  readonly link: TextPort;
  /** The same over the link that is open, for what must not start a supervisor. */
  readonly listen: TextPort;
  readonly name: string;
  readonly version: string;
  /** The prompts that are offered; absent: the server has none. */
  readonly listPrompts?: PromptDoor['list'];
  /** The tools that are listed and taken (see toolset.ts). */
  readonly tools: readonly Tool[];
  readonly stdin: Readable;
  /** Nothing else may write to it. */
  readonly stdout: Writable;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly stop: AbortSignal;
  readonly onFault: OnFault;
}

/**
 * Serves MCP until the client closes its end or `stop` is aborted, and says which it was; pending calls are aborted
 * then. The caller ends the process with code 0: timers and sockets that live on must not keep it.
 */
export async function serveMcp(options: McpOptions): Promise<StreamEnd | 'stopped'> {
  const { name, version, stdin, stdout } = options;
  const over = new AbortController();
  let loading: Promise<AnswerCall> | undefined;
  let ready: AnswerCall | undefined;
  const load = (): Promise<AnswerCall> =>
    (loading ??= loadCalls(options, {
      take: (entry) => void server.sendLoggingMessage(entry).catch(options.onFault),
      signal: AbortSignal.any([over.signal, options.stop]),
    }));
  const answerCall: AnswerCall = async (...call) => (ready ??= await load())(...call);
  const transport = stdioTransport({ stdin, stdout, answerCall });
  // McpServer would convert schemas of its own and let the text of an exception through.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const server = new Server({ name, version }, { capabilities: capabilitiesOf(options), instructions });
  server.onerror = options.onFault;
  server.setRequestHandler(ListToolsRequestSchema, () => {
    setImmediate(() => void load().catch(options.onFault));
    return { tools: [...options.tools] };
  });
  if (options.listPrompts) {
    const door: PromptDoor = { list: options.listPrompts, link: options.link, onFault: options.onFault };
    addPrompts(server, door);
    addCompletion(server, door);
  }
  await server.connect(transport);
  const end = await Promise.race([transport.ended, aborted(options.stop)]);
  if (end === 'end-of-input') await Promise.race([transport.quiet(), sleep(LAST_ANSWERS_WITHIN_MS)]);
  over.abort();
  await server.close();
  return end;
}

const capabilitiesOf = ({ listPrompts }: McpOptions): ServerCapabilities => ({
  tools: {},
  logging: {},
  ...(listPrompts && promptCapabilities),
});

/**
 * What calls are answered with. The schemas that arguments are checked against take a third of the start to load, so that
 * this is done once the client has the list of tools, or calls one.
 */
async function loadCalls(
  { link, listen, tools, onFault }: McpOptions,
  news: { readonly take: (entry: LogEntry) => void; readonly signal: AbortSignal },
): Promise<AnswerCall> {
  const [{ toolCalls }, { logMessageOf, newsFollower }] = await Promise.all([import('./call.ts'), import('./news.ts')]);
  const follow = newsFollower({
    listen,
    take: (view) => {
      news.take(logMessageOf(view));
    },
    onFault,
    signal: news.signal,
  });
  return toolCalls(link, tools, onFault, () => {
    follow();
  });
}

function aborted(signal: AbortSignal): Promise<'stopped'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('stopped');
    signal.addEventListener(
      'abort',
      () => {
        resolve('stopped');
      },
      { once: true },
    );
  });
}
