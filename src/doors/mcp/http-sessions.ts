import { randomBytes } from 'node:crypto';
import type { OnFault } from './call.ts';
import type { HttpClient } from './http-gate.ts';
import { refusal } from './http-refusal.ts';
import type { Refusal } from './http-refusal.ts';
import { httpSession } from './http-session.ts';
import type { HttpSession } from './http-session.ts';
import type { McpServer } from './server.ts';

export interface SessionsOptions {
  /** What a client that showed the token of that name is served, until the signal says that it has gone. */
  readonly serverFor: (client: string | null, signal: AbortSignal) => McpServer;
  readonly onFault: OnFault;
  readonly limit: number;
  /** How long a session of which nothing is heard is kept, in ms. */
  readonly idleMs: number;
  /** In ms. */
  readonly now: () => number;
}

/** The clients that were initialised and have not gone. */
export interface HttpSessions {
  count(): number;
  open(client: HttpClient): Promise<HttpSession | Refusal>;
  /** The session of that id, when this client opened it. */
  find(id: string | undefined, client: HttpClient): HttpSession | Refusal;
  /** Ends it; a refusal as of `find`. */
  end(id: string | undefined, client: HttpClient): Promise<Refusal | null>;
  /** Ends sessions that were idle for too long; to the others, a sign of life. */
  beat(): Promise<void>;
  close(): Promise<void>;
}

interface Entry {
  readonly client: HttpClient;
  readonly session: HttpSession;
  readonly close: () => Promise<void>;
}

export function httpSessions({ limit, idleMs, now, serverFor, onFault }: SessionsOptions): HttpSessions {
  const entries = new Map<string, Entry>();
  const end = async (id: string): Promise<void> => {
    const entry = entries.get(id);
    entries.delete(id);
    await entry?.close();
  };
  const isIdle = ({ session }: Entry): boolean => now() - (session.idleSince() ?? Infinity) >= idleMs;
  const found = (id: string | undefined, client: HttpClient): Entry | Refusal => {
    if (id === undefined) return NO_SESSION;
    const entry = entries.get(id);
    // Whoever else knows the id learns nothing from the answer.
    return entry?.client.key === client.key && !isIdle(entry) ? entry : UNKNOWN_SESSION;
  };
  /** Makes room by ending whoever was silent the longest; they begin a new session when they come back. */
  const makeRoom = (): boolean => {
    if (entries.size < limit) return true;
    const silent = [...entries].flatMap(([id, { session }]) => {
      const since = session.idleSince();
      return since === null ? [] : [{ id, since }];
    });
    const [longest] = silent.sort((a, b) => a.since - b.since);
    if (!longest) return false;
    end(longest.id).catch(onFault);
    return true;
  };
  return {
    count: () => entries.size,
    async open(client) {
      if (!makeRoom()) return fullOf(limit);
      const id = randomBytes(24).toString('base64url');
      const over = new AbortController();
      const server = serverFor(client.name, over.signal);
      const session = httpSession({
        id,
        now,
        answerCall: server.answerCall,
        onFault,
        onRefused: () => void end(id).catch(onFault),
      });
      const close = async (): Promise<void> => {
        over.abort();
        await server.close();
      };
      entries.set(id, { client, session, close });
      await server.connect(session.transport);
      return session;
    },
    find(id, client) {
      const entry = found(id, client);
      return 'session' in entry ? entry.session : entry;
    },
    async end(id, client) {
      const entry = found(id, client);
      if (!('session' in entry)) return entry;
      await end(id ?? '');
      return null;
    },
    async beat() {
      for (const [id, entry] of [...entries]) {
        if (isIdle(entry)) await end(id);
        else entry.session.beat();
      }
    },
    async close() {
      await Promise.all([...entries.keys()].map(end));
    },
  };
}

const NO_SESSION = refusal(400, 'Bad Request: the header Mcp-Session-Id is missing; the answer to initialize has it');
/** The code that the SDK's own server has for it. */
const UNKNOWN_SESSION = refusal(404, 'Session not found: it was ended, or never was; initialize a new one', {
  code: -32_001,
});
const fullOf = (limit: number): Refusal =>
  refusal(503, `Service Unavailable: ${limit} sessions are open and in use (server.http.sessions_limit)`, {
    headers: { 'retry-after': '5' },
  });
