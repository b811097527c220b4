import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { ProblemView } from '../../app/views.ts';
import type { Server } from './client.ts';
import type { NotOffered, ReachOptions } from './remote.ts';

/** Pages of HTML come as errors, too. */
const MAX_QUOTED = 400;

/** What a failed connection or request means to whoever asked. What a server said is quoted, and may be anything. */
export function faultOf(error: unknown, server: Server, { timeoutMs, stop }: ReachOptions): ProblemView {
  const where = placeOf(server);
  if (stop.aborted)
    return { code: 'cancelled', sentence: 'The call was cancelled.', hint: 'What the server had begun may go on.' };
  if (error instanceof McpError) return protocolFault(error, server, timeoutMs);
  const { code, message } = detailsOf(error);
  if (server.kind === 'stdio')
    return {
      code: 'server-not-started',
      sentence: `${where} cannot be started: ${message}`,
      hint: 'The words behind --stdio are a program and its arguments, without a shell; is it installed, and on the PATH?',
    };
  if (server.kind === 'http' && (code === 401 || code === 403))
    return {
      code: 'server-unauthorised',
      sentence: `${where} ${server.token === undefined ? 'asks for a token' : 'does not take the token'} (HTTP ${code}).`,
      hint: 'Name the file that holds the token of this server with --token-file.',
    };
  if (code === 404 || code === 405)
    return {
      code: 'server-absent',
      sentence: `${where} is no address of an MCP server (HTTP ${code}).`,
      hint: 'Give the whole address with its path, such as http://127.0.0.1:8765/mcp.',
    };
  return {
    code: 'server-unreachable',
    sentence: `${where} does not answer as an MCP server: ${message}`,
    hint: 'Is it running, and is that its address?',
  };
}

function protocolFault(error: McpError, server: Server, timeoutMs: number): ProblemView {
  const where = placeOf(server);
  if (isCode(error, ErrorCode.RequestTimeout))
    return {
      code: 'server-late',
      sentence: `${where} did not answer within ${timeoutMs / 1000} s.`,
      hint: 'What it had begun may go on. --timeout <seconds> waits longer.',
    };
  if (isCode(error, ErrorCode.ConnectionClosed))
    return {
      code: 'server-gone',
      sentence: `${where} went away before it answered.`,
      hint: 'What it said on stderr is above; a server of MCP says nothing on stdout but messages.',
    };
  const code = isCode(error, ErrorCode.MethodNotFound) ? NOT_OFFERED : 'server-refused';
  const said = clipped(error.message.replace(/^MCP error -?\d+: /, ''));
  return {
    code,
    sentence: `${where} refused: ${said}`,
    hint: 'tmops client tools, resources and prompts list what it offers.',
  };
}

const NOT_OFFERED: NotOffered = 'not-offered';
const isCode = (error: McpError, code: ErrorCode): boolean => error.code === code.valueOf();

function placeOf(server: Server): string {
  if (server.kind === 'inner') return server.name;
  return server.kind === 'stdio' ? `The command ${JSON.stringify(server.command.join(' '))}` : server.url.href;
}

/** The code of the system or of HTTP, and the message, with that of the cause where there is one: fetch says only that it failed. */
function detailsOf(error: unknown): { readonly code: unknown; readonly message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: clipped(String(error)) };
  const cause = error.cause instanceof Error ? error.cause : undefined;
  // A connection that failed to several addresses has no message of its own.
  const why = cause === undefined ? '' : cause.message || ('code' in cause ? String(cause.code) : cause.name);
  const message = why === '' ? error.message : `${error.message} (${why})`;
  return { code: 'code' in error ? error.code : undefined, message: clipped(message) };
}

const clipped = (text: string): string => (text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
