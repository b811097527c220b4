import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { openDeadlines } from './deadlines.ts';
import type { Deadlines } from './deadlines.ts';
import type { StopSignal } from './stopper.ts';
import { CANCEL, SUCCESS, lineCutter } from './wire.ts';
import { MAX_LINE_BYTES, PROTOCOL, greeting as greetingSchema, reply as replySchema } from './protocol.ts';
import type { Caller, Failure, Greeting, LinkReply, TextReply } from './protocol.ts';

/** How long whoever listens on the socket may take to greet. */
const GREET_WITHIN_MS = 2_000;
/** A call that sets no limit of its own is given up after this. */
const CALL_WITHIN_MS = 300_000;

/** One connection to a supervisor. */
export interface Link {
  readonly greeting: Greeting;
  /** False once the connection has ended, whoever ended it; a new link is the caller's business. */
  isOpen(): boolean;
  /** Never rejects: a lost connection, a timeout and an abort are replies with ok false. */
  readonly call: (op: string, input: unknown, caller: Caller, options?: CallOptions) => Promise<LinkReply>;
  /** The same, with the output as the JSON it came in: for whoever passes it on without looking. */
  readonly ask: (op: string, input: unknown, caller: Caller, options?: CallOptions) => Promise<TextReply>;
  close(): void;
}

export interface CallOptions {
  /** Aborting answers `cancelled` at once and tells the supervisor to stop. */
  readonly signal?: StopSignal;
  /** In milliseconds; 300,000 when absent. */
  readonly timeoutMs?: number;
}

/**
 * Why there is no link: nothing at that path; something there that takes no connection, ends it or says nothing;
 * or a supervisor that speaks another protocol or is of another release line.
 */
export type LinkFault =
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'incompatible'; readonly theirs: string; readonly pid: number | null };

export type Connected = { readonly ok: true; readonly link: Link } | { readonly ok: false; readonly fault: LinkFault };

/** Connects and takes the greeting, within two seconds. */
export function connectLink(socketPath: string, version: string): Promise<Connected> {
  return new Promise((resolve) => {
    const buffer = Buffer.alloc(READ_BYTES);
    const onread = {
      buffer,
      callback: (length: number): boolean => {
        cut(Buffer.from(buffer.subarray(0, length)));
        return true;
      },
    };
    const socket = connect({ path: socketPath, onread });
    let link: OpenLink | undefined;
    const fail = (fault: LinkFault): void => {
      socket.destroy();
      resolve({ ok: false, fault });
    };
    const late = setTimeout(() => {
      fail({ kind: 'refused', why: `it said nothing for ${GREET_WITHIN_MS} ms` });
    }, GREET_WITHIN_MS);
    const take = (line: string): void => {
      if (link) {
        link.take(line);
        return;
      }
      clearTimeout(late);
      const read = readGreeting(line, version);
      if ('fault' in read) {
        fail(read.fault);
        return;
      }
      link = openLink(socket, read.greeting);
      resolve({ ok: true, link });
    };
    const cut = lineCutter(MAX_LINE_BYTES, take, () => {
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (!link) fail(error.code === 'ENOENT' ? { kind: 'absent' } : { kind: 'refused', why: error.message });
    });
    socket.on('close', () => {
      clearTimeout(late);
      link?.lost();
      fail({ kind: 'refused', why: 'it closed the connection without a greeting' });
    });
  });
}

/** Read into one buffer and past the machinery of streams, which would make a new buffer for each reply. */
const READ_BYTES = 64 * 1024;

type GreetingRead = { readonly greeting: Greeting } | { readonly fault: LinkFault };

function readGreeting(line: string, version: string): GreetingRead {
  const parsed = greetingSchema.safeParse(parseJson(line));
  if (!parsed.success) return { fault: { kind: 'incompatible', theirs: 'something else than tmops', pid: null } };
  const { tmops, protocol, pid } = parsed.data;
  if (protocol === PROTOCOL && releaseLine(tmops) === releaseLine(version)) return { greeting: parsed.data };
  return { fault: { kind: 'incompatible', theirs: `tmops ${tmops} (protocol ${protocol})`, pid } };
}

/** Releases of one line understand each other: `1` of 1.4.2, `0.3` of 0.3.7. */
function releaseLine(version: string): string {
  const [major, minor] = version.split('.');
  return major === '0' ? `0.${minor ?? ''}` : (major ?? '');
}

interface OpenLink extends Link {
  take(line: string): void;
  lost(): void;
}

function openLink(socket: Socket, greeting: Greeting): OpenLink {
  const pending = new Map<number, (answer: TextReply) => void>();
  const deadlines = openDeadlines();
  let last = 0;
  const send = (op: string, input: unknown, caller: Caller): number => {
    last += 1;
    socket.write(`${JSON.stringify({ id: last, op, input, caller })}\n`);
    return last;
  };
  const ask: Link['ask'] = (op, input, caller, options = {}) =>
    new Promise((resolve) => {
      if (options.signal?.aborted) {
        resolve(failed(0, CANCELLED));
      } else if (!socket.writable) {
        resolve(failed(0, LOST));
      } else {
        const id = send(op, input, caller);
        const giveUp = (why: Failure): void => {
          pending.get(id)?.(failed(id, why));
          if (socket.writable) send(CANCEL, { id }, caller);
        };
        const settle = bound(options, deadlines, giveUp, resolve);
        pending.set(id, (answer) => {
          pending.delete(id);
          settle(answer);
        });
      }
    });
  return {
    greeting,
    isOpen: () => socket.writable,
    ask,
    call: async (...asked) => parsed(await ask(...asked)),
    take: (line) => {
      const answer = readReply(line);
      // The answer to a call that was given up, or to a cancel, has nobody left who waits for it.
      if (answer) pending.get(answer.id)?.(answer);
      else socket.destroy();
    },
    lost: () => {
      for (const [id, settle] of [...pending]) settle(failed(id, LOST));
    },
    close: () => {
      socket.destroySoon();
    },
  };
}

/** A success is taken apart without parsing its output (see `replyLine`); null for what is no reply. */
function readReply(line: string): TextReply | null {
  const head = SUCCESS.exec(line);
  if (head) return { id: Number(head[1]), ok: true, json: line.slice(head[0].length, -1) };
  const read = replySchema.safeParse(parseJson(line));
  if (!read.success) return null;
  return read.data.ok ? { id: read.data.id, ok: true, json: JSON.stringify(read.data.output) } : read.data;
}

function parsed(reply: TextReply): LinkReply {
  return reply.ok ? { id: reply.id, ok: true, output: parseJson(reply.json) } : reply;
}

/** Puts a limit of time and the caller's signal on one call; returns what settles it and takes both away again. */
function bound(
  options: CallOptions,
  deadlines: Deadlines,
  giveUp: (why: Failure) => void,
  resolve: (answer: TextReply) => void,
): (answer: TextReply) => void {
  const timeoutMs = options.timeoutMs ?? CALL_WITHIN_MS;
  const abort = (): void => {
    giveUp(CANCELLED);
  };
  const inTime = deadlines.set(timeoutMs, () => {
    giveUp(timedOut(timeoutMs));
  });
  options.signal?.addEventListener('abort', abort);
  return (answer) => {
    inTime();
    options.signal?.removeEventListener('abort', abort);
    resolve(answer);
  };
}

/** What is not JSON becomes the error, which no schema of the protocol takes. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    return error;
  }
}

const failed = (id: number, failure: Failure): TextReply => ({ id, ok: false, failure });

const CANCELLED: Failure = {
  code: 'cancelled',
  sentence: 'The call was cancelled.',
  hint: 'What the supervisor had begun goes on; tmops status shows where it stands.',
};

/** The code of a call whose answer was lost with the connection: the supervisor ended or was restarted. */
export const LOST_CODE = 'supervisor-lost';

export const LOST: Failure = {
  code: LOST_CODE,
  sentence: 'The supervisor went away before it answered.',
  hint: 'Call again: a supervisor is started when there is none, and the agents in tmux go on meanwhile.',
};

const timedOut = (timeoutMs: number): Failure => ({
  code: 'supervisor-late',
  sentence: `The supervisor did not answer within ${timeoutMs} ms.`,
  hint: 'Ask tmops status where things stand before calling again.',
});
