import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { printable } from '../../app/printable.ts';
import type { CallExtras } from '../../link/port.ts';

/** The answer to a request: the JSON text of its result, or an error of the protocol. */
export type Answer =
  { readonly result: string } | { readonly error: { readonly code: number; readonly message: string } };

/** Claude Code's own id of the call, for the record. */
export function toolUseOf({ _meta: meta }: Readonly<Record<string, unknown>>): Pick<CallExtras, 'toolUseId'> {
  const id = typeof meta === 'object' && meta !== null && TOOL_USE in meta ? meta[TOOL_USE] : undefined;
  return typeof id === 'string' ? { toolUseId: id.slice(0, 100) } : {};
}

const TOOL_USE = 'claudecode/toolUseId';

/** The result of a tool whose output is this JSON, as text and as structure. */
export function resultOf(output: string): string {
  const json = printable(output);
  return `{"content":[{"type":"text","text":${JSON.stringify(json)}}],"structuredContent":${json}}`;
}

/** Of what nobody expected; its text never reaches the client. */
export const INTERNAL = {
  code: 'internal',
  sentence: 'Internal error.',
  hint: "tmops' log has the details; tmops_doctor checks the machine.",
};

/** The sentence, what to do next, and the code: of a failed call, the text is all that a model sees. */
export function failed(
  failure: { code: string; sentence: string; hint: string },
  notice: string | null = null,
): string {
  const text = `${notice === null ? '' : `${notice}\n`}${failure.sentence}\n${failure.hint}\n(code: ${failure.code})`;
  return JSON.stringify({ isError: true, content: [{ type: 'text', text }] });
}

export const refused = (message: string): Answer => ({ error: { code: ErrorCode.InvalidParams, message } });
