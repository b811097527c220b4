import * as z from 'zod';

/**
 * The language of the supervisor's unix socket: one JSON value a line. The supervisor greets first; then each request is
 * answered once, in any order, matched by id.
 */
export const PROTOCOL = 3;
/** A longer line is an error and ends the connection: no operation takes or gives that much. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

export const greeting = z.object({ tmops: z.string(), protocol: z.number(), pid: z.number() });

export const caller = z.strictObject({
  door: z.enum(['cli', 'mcp', 'http', 'socket']),
  /** Working directory of the caller, absolute. */
  cwd: z.string(),
  /** Numeric id of the caller's user; absent: that of the supervisor, since nobody else may enter the socket's folder. */
  user: z.int().min(0).optional(),
  /** Name of the client whose token a request over HTTP showed. */
  tokenName: z.string().max(64).optional(),
  /** The one feature that this client is bound to (`tmops mcp --feature`). */
  only: z.string().max(64).optional(),
  /** What an agent's pane has in its environment ('' when it was taken out): the call comes from that agent. */
  agentToken: z.string().max(200).optional(),
  /** It asked for a server that only reads (`tmops mcp --read-only`). */
  readOnly: z.boolean().optional(),
  /** What an MCP client calls itself, with its version; the session that it is part of, and its own id of the call: for the record. */
  client: z.string().max(200).optional(),
  session: z.string().max(100).optional(),
  toolUseId: z.string().max(100).optional(),
  /** Sent with `start` only: the environment the agents are to inherit from. */
  env: z.record(z.string(), z.string()).optional(),
});

export const request = z.strictObject({ id: z.number(), op: z.string(), input: z.unknown(), caller });

export const failure = z.strictObject({ code: z.string(), sentence: z.string(), hint: z.string() });

export const reply = z.union([
  z.strictObject({ id: z.number(), ok: z.literal(true), output: z.unknown() }),
  z.strictObject({ id: z.number(), ok: z.literal(false), failure }),
]);

export type Greeting = z.output<typeof greeting>;
export type Caller = z.output<typeof caller>;
export type LinkRequest = z.output<typeof request>;
export type LinkReply = z.output<typeof reply>;
export type Failure = z.output<typeof failure>;

/** A reply whose output is JSON text: for whoever passes it on without looking. */
export type TextReply =
  { readonly id: number; readonly ok: true; readonly json: string } | Extract<LinkReply, { ok: false }>;
