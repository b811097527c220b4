import { LOST_CODE } from './client.ts';
import type { CallOptions, Link } from './client.ts';
import type { Dialled } from './dial.ts';
import type { Caller, LinkReply, TextReply } from './protocol.ts';
import type { StopSignal } from './stopper.ts';

/**
 * What a door needs of the link: one operation, its checked input and who asks. Never rejects for what may happen to a
 * supervisor; those are replies with ok false and a code that begins with `supervisor-`.
 */
export type LinkPort = Ask<LinkReply>;
/** The same for a door that passes the output on: it gets the JSON as it came. */
export type TextPort = Ask<TextReply>;

/** What a door knows of a call beside its input. */
export type CallExtras = Pick<Caller, 'door' | 'readOnly' | 'client' | 'session' | 'toolUseId'>;

type Ask<Reply> = (op: string, input: unknown, extras: CallExtras, signal?: StopSignal) => Promise<Reply>;

export interface LinkPortOptions {
  /** `mayStart`: whether a supervisor is to be started where none answers. */
  readonly dial: (mayStart: boolean) => Promise<Dialled>;
  /** Completes who asks: working directory and, for `start`, the environment. */
  readonly caller: (op: string, extras: CallExtras) => Caller;
  /** Whether `op` may be asked a second time when the supervisor went away before it answered. */
  readonly repeatable: (op: string) => boolean;
  /** In milliseconds, where `op` may take longer than a call usually may. */
  readonly withinMs?: (op: string) => number | undefined;
}

export interface LinkPorts {
  readonly call: LinkPort;
  readonly ask: TextPort;
  /** As `ask`, of a supervisor that runs already: none is started, and without one it fails. */
  readonly listen: TextPort;
  close(): void;
}

/** Ports that dial at the first call, keep the link, and dial again for the call after it was lost. */
export function linkPort(options: LinkPortOptions): LinkPorts {
  const connect = dialler(options.dial);
  let open: Link | undefined;
  const port =
    <Reply extends LinkReply | TextReply>(
      asked: (link: Link) => AskLink<Reply>,
      mayStart = true,
    ): Ask<Reply | Refused> =>
    async (op, input, extras, signal) => {
      for (let again = options.repeatable(op); ; again = false) {
        // Without waiting where there is a link: the request is on its way before anything else of this turn is done.
        if (!open?.isOpen()) {
          const reached = await connect(mayStart);
          if (!reached.ok) return { id: 0, ok: false, failure: reached.failure };
          open = reached.link;
        }
        const timeoutMs = options.withinMs?.(op);
        const limits = { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) };
        const reply = await asked(open)(op, input, options.caller(op, extras), limits);
        if (reply.ok || !again || reply.failure.code !== LOST_CODE) return reply;
      }
    };
  return {
    call: port((link) => link.call),
    ask: port((link) => link.ask),
    listen: port((link) => link.ask, false),
    close: () => open?.close(),
  };
}

type Refused = Extract<LinkReply, { ok: false }>;
type AskLink<Reply> = (op: string, input: unknown, caller: Caller, options: CallOptions) => Promise<Reply>;

/** Dials. Calls that come while a dial is under way share it: one supervisor and one link, not two. */
function dialler(dial: LinkPortOptions['dial']): (mayStart: boolean) => Promise<Dialled> {
  let dialling: { readonly mayStart: boolean; readonly reached: Promise<Dialled> } | undefined;
  return async (mayStart) => {
    for (let shared = dialling; shared; shared = dialling) {
      const reached = await shared.reached;
      // One that may start none says nothing to whoever may.
      if (reached.ok || !mayStart || shared.mayStart) return reached;
    }
    const reached = dial(mayStart).finally(() => {
      dialling = undefined;
    });
    dialling = { mayStart, reached };
    return reached;
  };
}
