import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { checkArguments } from '../../app/arguments.ts';
import { printable } from '../../app/printable.ts';
import type { Operation } from '../../app/table.ts';
import type { TextPort } from '../../link/port.ts';
import type { StopSignal } from '../../link/stopper.ts';
import { operationOf, tools } from './tools.ts';
import { toolsetOf } from '../../core/toolset.ts';

/** Told of an error nobody expected; its text never reaches the client. */
export type OnFault = (error: unknown) => void;

/** The answer to a request: the JSON text of its result, or an error of the protocol. */
export type Answer =
  { readonly result: string } | { readonly error: { readonly code: number; readonly message: string } };

export type AnswerCall = (params: Readonly<Record<string, unknown>>, signal: StopSignal) => Promise<Answer>;

/**
 * Answers `tools/call` from the supervisor. What it gives back is passed on as the text it came in, since parsing and
 * writing it again twice (as structure and as text) would take longer than all the rest of a call. `onAnswer` is called with
 * each answer of a supervisor. Only the tools that are `served` are called.
 */
export function toolCalls(link: TextPort, served: readonly Tool[], onFault: OnFault, onAnswer: () => void): AnswerCall {
  const names = new Set(served.map(({ name }) => name));
  const result = lastKept(resultOf);
  return async (params, signal) => {
    const { name: tool, arguments: args = {} } = params;
    const operation = typeof tool === 'string' ? operationOf(tool) : undefined;
    if (!operation) return refused(`Unknown tool: ${JSON.stringify(tool)}. Tools: ${[...names].join(', ')}`);
    if (!names.has(operation.tool)) return refused(notServed(operation.tool));
    try {
      return { result: await run(operation, args, { link, signal, result, onAnswer }) };
    } catch (error) {
      onFault(error);
      return { result: failed(INTERNAL) };
    }
  };
}

interface Way {
  readonly link: TextPort;
  readonly signal: StopSignal;
  readonly result: (json: string) => string;
  readonly onAnswer: () => void;
}

async function run(operation: Operation, args: unknown, way: Way): Promise<string> {
  const { link, signal, result, onAnswer } = way;
  const checked = checkArguments(operation, args, { operation: operation.tool, argument: (key) => key });
  if (!checked.ok) return failed(checked.failure);
  const reply = await link(operation.name, checked.input, { door: 'mcp' }, signal);
  if (!reply.ok) return failed(reply.failure);
  onAnswer();
  if (!reply.json.startsWith('{')) throw new Error(`Internal error: output of ${operation.name} is not an object`);
  return result(reply.json);
}

function resultOf(output: string): string {
  const json = printable(output);
  return `{"content":[{"type":"text","text":${JSON.stringify(json)}}],"structuredContent":${json}}`;
}

/** Keeps what was made last: who asks how a feature stands mostly hears what they heard before. */
function lastKept(make: (from: string) => string): (from: string) => string {
  let last = { from: '', made: make('') };
  return (from) => {
    if (from !== last.from) last = { from, made: make(from) };
    return last.made;
  };
}

const INTERNAL = {
  code: 'internal',
  sentence: 'Internal error.',
  hint: "tmops' log has the details; tmops_doctor checks the machine.",
};

/** The sentence, what to do next, and the code: of a failed call, the text is all that a model sees. */
function failed(failure: { code: string; sentence: string; hint: string }): string {
  const text = `${failure.sentence}\n${failure.hint}\n(code: ${failure.code})`;
  return JSON.stringify({ isError: true, content: [{ type: 'text', text }] });
}

function notServed(tool: string): string {
  const set = tools()
    .filter(({ name }) => name === tool)
    .map(toolsetOf)
    .join('');
  return `${tool} is not among the tools of this server. It is in the toolset ${set}: start the server with --toolsets default,${set} or --tools ${tool}, or use the command line.`;
}

const refused = (message: string): Answer => ({ error: { code: ErrorCode.InvalidParams, message } });
