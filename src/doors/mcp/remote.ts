import type { ProblemView } from '../../app/views.ts';

/** Where a client finds the server that it speaks to. */
export type Target =
  /** The `tmops mcp` of this very installation, in the working directory. */
  | { readonly kind: 'own' }
  /** A program and its arguments, which serves over its stdin and stdout. */
  | { readonly kind: 'stdio'; readonly command: readonly string[] }
  | { readonly kind: 'http'; readonly url: string; readonly tokenFile?: string }
  /** The supervisor of the workspace, in its own language. */
  | { readonly kind: 'socket' };

export interface ReachOptions {
  /** How long the server may take to answer a request, in milliseconds. */
  readonly timeoutMs: number;
  readonly stop: AbortSignal;
}

/** What a request of the protocol gives: its result as the server wrote it, or why there is none. */
export type RemoteAnswer =
  | { readonly ok: true; readonly result: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly failure: ProblemView };

/** A server that is spoken to. Nothing it says has been checked beyond the envelope of the protocol. */
export interface Remote {
  /** Name and version, as the server says. */
  readonly server: string;
  /** What it declares to offer: `tools`, `resources`, `prompts`, … */
  readonly offers: readonly string[];
  /** Never rejects for what a server may do. */
  request(method: string, params: Readonly<Record<string, unknown>>): Promise<RemoteAnswer>;
  /** Ends the connection, and the process where it is one of ours. Gives what could not be ended. */
  close(): Promise<ProblemView | null>;
}

export type Reached =
  { readonly ok: true; readonly remote: Remote } | { readonly ok: false; readonly failure: ProblemView };

/** The code of a failure that says: the server does not know this method. */
export type NotOffered = 'not-offered';
