import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import type { JSONRPCMessage, JSONRPCRequest, RequestId } from '@modelcontextprotocol/sdk/types.js';

/** No client has reason to send more; a longer line is left out. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;
const NEWLINE = 10;

/** The one version of the protocol that has several messages in one (a batch of JSON-RPC). */
export const BATCHING_VERSION = '2025-03-26';
/** Messages in a batch. */
export const MAX_BATCH = 64;

export interface Unreadable {
  readonly code: ErrorCode;
  readonly text: string;
}

/** What a line holds; of a batch, nothing is checked yet. */
export type LineRead = { readonly message: JSONRPCMessage } | { readonly batch: readonly unknown[] } | Unreadable;

/** Cuts bytes into lines. One that grows too long is reported at once and skipped to its end. */
export function lineCutter(take: (line: string) => void, tooLong: () => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let held = 0;
  return (chunk) => {
    let from = 0;
    while (from < chunk.length) {
      const end = chunk.indexOf(NEWLINE, from);
      const part = chunk.subarray(from, end < 0 ? chunk.length : end);
      if (held <= MAX_LINE_BYTES && held + part.length > MAX_LINE_BYTES) tooLong();
      held += part.length;
      if (held <= MAX_LINE_BYTES) parts.push(part);
      else parts = [];
      if (end < 0) return;
      const line = (parts.length === 1 ? part : Buffer.concat(parts)).toString('utf8');
      const whole = held <= MAX_LINE_BYTES;
      parts = [];
      held = 0;
      from = end + 1;
      if (whole && line.trim() !== '') take(line);
    }
  };
}

/** Reads a line as a JSON-RPC message. Only the envelope is checked; the SDK checks the rest by method. */
export function readLine(line: string): LineRead {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { code: ErrorCode.ParseError, text: `Parse error: ${why.slice(0, 200)}` };
  }
  if (isMessage(value)) return { message: value };
  return Array.isArray(value) ? { batch: value } : invalid(ONE_A_LINE);
}

export const ONE_A_LINE = 'a line holds one JSON-RPC 2.0 message';

export const invalid = (why: string): Unreadable => ({
  code: ErrorCode.InvalidRequest,
  text: `Invalid Request: ${why}`,
});

/** Whether it has the envelope of a message. */
export function isMessage(value: unknown): value is JSONRPCMessage {
  if (typeof value !== 'object' || value === null || !('jsonrpc' in value) || value.jsonrpc !== '2.0') return false;
  const id = 'id' in value ? value.id : undefined;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') return false;
  if ('params' in value && (typeof value.params !== 'object' || value.params === null)) return false;
  if ('method' in value) return typeof value.method === 'string';
  return id !== undefined && ('result' in value || 'error' in value);
}

export const isRequest = (message: JSONRPCMessage): message is JSONRPCRequest => 'method' in message && 'id' in message;

/** The request that a message cancels, if it does. */
export function cancelledId(message: JSONRPCMessage): RequestId | undefined {
  if (!('method' in message) || message.method !== 'notifications/cancelled') return undefined;
  const id: unknown = message.params?.['requestId'];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** The version of the protocol that the answer to a greeting settles; undefined in any other message. */
export function agreedVersion(message: JSONRPCMessage): string | undefined {
  const version: unknown = 'result' in message ? message.result['protocolVersion'] : undefined;
  return typeof version === 'string' ? version : undefined;
}
