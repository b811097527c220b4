import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Why a request is not taken: goes out as an error of JSON-RPC that belongs to no id. */
export interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** What has no code of its own in JSON-RPC. */
const SERVER_ERROR = -32_000;

export const refusal = (
  status: number,
  message: string,
  { code = SERVER_ERROR, headers = {} }: { readonly code?: number; readonly headers?: OutgoingHttpHeaders } = {},
): Refusal => ({ status, code, message, headers });

export function refuse(response: ServerResponse, { status, headers, ...error }: Refusal): void {
  const body = bodyOf(error);
  response.writeHead(status, { ...headers, 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

export const bodyOf = ({ code, message }: Pick<Refusal, 'code' | 'message'>): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));

const MAX_QUOTED = 80;

/** What a client sent, in one short piece without a character that would do something. */
export const quoted = (text: string | undefined): string =>
  text === undefined ? 'nothing' : JSON.stringify(text.slice(0, MAX_QUOTED).replaceAll(/[^\x20-\x7e]/g, '?'));
