import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import {
  DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
  ErrorCode,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { quoted, refusal } from './http-refusal.ts';
import type { Refusal } from './http-refusal.ts';
import { BATCHING_VERSION, MAX_BATCH, MAX_LINE_BYTES, isMessage } from './messages.ts';

/** A message over HTTP may be as long as one over stdio. */
const MAX_BODY_BYTES = MAX_LINE_BYTES;

const EVENTS = 'text/event-stream';
const JSON_TYPE = 'application/json';

/** Whether the headers of a POST say what the protocol demands. */
export function postRefusal({ accept, ...headers }: IncomingHttpHeaders): Refusal | null {
  if (!accepts(accept, JSON_TYPE) || !accepts(accept, EVENTS))
    return refusal(406, `Not Acceptable: Accept is ${quoted(accept)}, and has to allow ${JSON_TYPE} and ${EVENTS}`);
  const type = headers['content-type'];
  if (type?.split(';')[0]?.trim().toLowerCase() !== JSON_TYPE)
    return refusal(415, `Unsupported Media Type: Content-Type is ${quoted(type)}, and has to be ${JSON_TYPE}`);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    return refusal(415, `Unsupported Media Type: Content-Encoding is ${quoted(encoding)}, and nothing is unpacked`);
  return null;
}

/** The same of a GET. */
export const getRefusal = ({ accept }: IncomingHttpHeaders): Refusal | null =>
  accepts(accept, EVENTS)
    ? null
    : refusal(406, `Not Acceptable: Accept is ${quoted(accept)}, and has to allow ${EVENTS}`);

function accepts(accept: string | undefined, type: string): boolean {
  const ranges = (accept ?? '').split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  return [type, `${type.split('/')[0] ?? ''}/*`, '*/*'].some((range) => ranges.includes(range));
}

/** The version of the protocol that a request within a session says it is of; one without the header is of an older client. */
export function versionOf(headers: IncomingHttpHeaders): { readonly version: string } | Refusal {
  const version = headers['mcp-protocol-version'];
  if (version === undefined) return { version: DEFAULT_NEGOTIATED_PROTOCOL_VERSION };
  if (typeof version === 'string' && SUPPORTED_PROTOCOL_VERSIONS.includes(version)) return { version };
  return refusal(
    400,
    `Bad Request: MCP-Protocol-Version is ${quoted(String(version))}, not one of ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}`,
  );
}

const tooLarge = refusal(413, `Payload Too Large: a body has at most ${MAX_BODY_BYTES} bytes`, {
  headers: { connection: 'close' },
});

/** The body as text. What is too long is not kept. */
export function readBody(request: IncomingMessage): Promise<{ readonly text: string } | Refusal> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return Promise.resolve(tooLarge);
  return new Promise((resolve) => {
    let parts: Buffer[] = [];
    let held = 0;
    request.on('data', (part: Buffer) => {
      held += part.length;
      if (held <= MAX_BODY_BYTES) parts.push(part);
      else {
        parts = [];
        resolve(tooLarge);
      }
    });
    request.on('end', () => {
      resolve({ text: Buffer.concat(parts).toString('utf8') });
    });
    // Nobody is left to answer; what is given here goes nowhere.
    request.on('close', () => {
      resolve(refusal(400, 'Bad Request: the body ended early'));
    });
  });
}

/** What a body says. Only the envelope is checked; the SDK checks the rest by method. */
export function messagesIn(
  text: string,
  headers: IncomingHttpHeaders,
): { readonly messages: readonly JSONRPCMessage[] } | Refusal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refusal(400, `Parse error: ${why.slice(0, 200)}`, { code: ErrorCode.ParseError });
  }
  if (!Array.isArray(value)) return isMessage(value) ? { messages: [value] } : noMessage('the body is none');
  const version = versionOf(headers);
  if (!('version' in version) || version.version !== BATCHING_VERSION) return NO_BATCH;
  const messages: unknown[] = value;
  if (messages.length === 0 || messages.length > MAX_BATCH) return noMessage(`a body holds 1 to ${MAX_BATCH} of them`);
  return messages.every(isMessage) ? { messages } : noMessage('one in the body is none');
}

const noMessage = (why: string): Refusal =>
  refusal(400, `Invalid Request: a body holds one JSON-RPC 2.0 message; ${why}`, { code: ErrorCode.InvalidRequest });

/** Several messages to whom the version of the protocol has none of that. */
export const NO_BATCH = noMessage(`several in one body belong to version ${BATCHING_VERSION} of the protocol`);
