import type { RequestId, Tool } from '@modelcontextprotocol/sdk/types.js';
import { checkArguments } from '../../app/arguments.ts';
import type { Operation } from '../../app/table.ts';
import type { CallExtras, TextPort } from '../../link/port.ts';
import type { StopSignal } from '../../link/stopper.ts';
import { tellProgress, type Progress } from './progress.ts';
import { failed, INTERNAL, refused, resultOf, toolUseOf, type Answer } from './results.ts';
import { toolNamed, tools, type NamedTool } from './tools.ts';
import { toolsetOf } from '../../core/toolset.ts';

export type { Answer };

/** Told of an error nobody expected; its text never reaches the client. */
export type OnFault = (error: unknown) => void;

/** `id` is that of the request, where what is told meanwhile shall be related to it. */
export type AnswerCall = (
  params: Readonly<Record<string, unknown>>,
  signal: StopSignal,
  id?: RequestId,
) => Promise<Answer>;

export interface CallOptions {
  readonly link: TextPort;
  /** The same over the link that is open. */
  readonly listen: TextPort;
  /** Only these are called. */
  readonly served: readonly Tool[];
  readonly onFault: OnFault;
  /** Called with each answer of a supervisor. */
  readonly onAnswer: () => void;
  /** What is known of the client by now. */
  readonly extras: () => Omit<CallExtras, 'toolUseId'>;
  /** Tells the client how the call of that request goes on. */
  readonly onProgress?: (progress: Progress, id: RequestId | undefined) => void;
  /** See tools.ts. */
  readonly formerNames?: Readonly<Record<string, string>>;
}

/**
 * Answers `tools/call` from the supervisor. What it gives back is passed on as the text it came in, since parsing and
 * writing it again twice (as structure and as text) would take longer than all the rest of a call.
 */
export function toolCalls({ link, listen, served, onFault, onAnswer, extras, ...rest }: CallOptions): AnswerCall {
  const names = new Set(served.map(({ name }) => name));
  const result = lastKept(resultOf);
  return async (params, signal, id) => {
    const { name: tool, arguments: args = {} } = params;
    const named = typeof tool === 'string' ? toolNamed(tool, rest.formerNames) : undefined;
    if (!named) return refused(`Unknown tool: ${JSON.stringify(tool)}. Tools: ${[...names].join(', ')}`);
    const { operation } = named;
    if (!names.has(operation.tool)) return refused(notServed(operation, extras().readOnly === true));
    const stopTelling = tellProgress(params, signal, (progress) => rest.onProgress?.(progress, id));
    try {
      const told = { ...extras(), ...toolUseOf(params) };
      return { result: await run(named, args, { link, listen, signal, result, onAnswer, extras: told }) };
    } catch (error) {
      onFault(error);
      return { result: failed(INTERNAL) };
    } finally {
      stopTelling();
    }
  };
}

interface Way {
  readonly link: TextPort;
  readonly listen: TextPort;
  readonly signal: StopSignal;
  readonly result: (json: string) => string;
  readonly onAnswer: () => void;
  readonly extras: CallExtras;
}

async function run({ operation, notice }: NamedTool, args: unknown, way: Way): Promise<string> {
  const { link, listen, signal, result, onAnswer, extras } = way;
  const checked = checkArguments(operation, args, { operation: operation.tool, argument: (key) => key });
  if (!checked.ok) {
    // The supervisor refuses it as well, and has it on record. None is started for that, nor does the answer wait for it.
    void listen(operation.name, args, extras, signal);
    return failed(checked.failure, notice);
  }
  const reply = await link(operation.name, checked.input, extras, signal);
  if (!reply.ok) return failed(reply.failure, notice);
  onAnswer();
  if (!reply.json.startsWith('{')) throw new Error(`Internal error: output of ${operation.name} is not an object`);
  return result(withNotice(reply.json, notice));
}

/** Of a result, a client may show the model the structure alone: what it is to know stands in there. */
function withNotice(json: string, notice: string | null): string {
  if (notice === null) return json;
  const first = `{"notice":${JSON.stringify(notice)}`;
  return json === '{}' ? `${first}}` : `${first},${json.slice(1)}`;
}

/** Keeps what was made last: who asks how a feature stands mostly hears what they heard before. */
function lastKept(make: (from: string) => string): (from: string) => string {
  let last = { from: '', made: make('') };
  return (from) => {
    if (from !== last.from) last = { from, made: make(from) };
    return last.made;
  };
}

function notServed({ tool, effect }: Operation, readOnly: boolean): string {
  const known = `${tool} is not among the tools of this server.`;
  if (readOnly && effect !== 'read')
    return `${known} It only reads: the user can do this in a shell, or start it without --read-only (server.read_only).`;
  const set = tools()
    .filter(({ name }) => name === tool)
    .map(toolsetOf)
    .join('');
  return `${known} It is in the toolset ${set}: start the server with --toolsets default,${set} or --tools ${tool} (over HTTP: server.toolsets, server.tools), or use the command line.`;
}
