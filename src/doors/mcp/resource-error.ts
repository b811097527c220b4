import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import type { Failure } from '../../link/protocol.ts';

/** The protocol's code for a resource that there is not. */
export const RESOURCE_NOT_FOUND = -32002;

/** An answer to a request for a resource. The SDK passes message, code and data on. */
export class ResourceError extends Error {
  readonly code: number;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(code: number, message: string, data: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = 'ResourceError';
    this.code = code;
    this.data = data;
  }
}

/** What the supervisor refused, in its words. What is of this machine and not of the resource is an internal error. */
export function refusedResource(uri: string, { code, sentence, hint }: Failure): ResourceError {
  const kind =
    code === 'bad-arguments'
      ? ErrorCode.InvalidParams
      : /^(supervisor-|workspace-|internal|cancelled)/.test(code)
        ? ErrorCode.InternalError
        : RESOURCE_NOT_FOUND;
  return new ResourceError(kind, `${sentence} ${hint}`, { ...dataOf(uri), code, hint });
}

/** Much longer ones are not repeated whole. */
const MAX_QUOTED = 500;

/** What an error says of the URI that it is about. */
export const dataOf = (uri: string): { readonly uri: string } => ({ uri: uri.slice(0, MAX_QUOTED) });

/** The beginning of a client's text, on one line, without a character that a terminal would act upon. */
export const quotedText = (text: string): string =>
  JSON.stringify(text.slice(0, MAX_QUOTED)).replaceAll(/\p{C}/gu, '\ufffd');

export const noResource = (uri: string, why: string, allowed: readonly string[]): ResourceError =>
  new ResourceError(
    RESOURCE_NOT_FOUND,
    `There is no resource ${quotedText(uri)}: ${why}. There are: ${allowed.join(', ')}`,
    { ...dataOf(uri), allowed },
  );

export const badParameter = (message: string, data: Readonly<Record<string, unknown>> = {}): ResourceError =>
  new ResourceError(ErrorCode.InvalidParams, message, data);
