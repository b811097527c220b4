import { LOST, LOST_CODE } from './client.ts';
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
  readonly dial: () => Promise<Dialled>;
  /** Completes who asks: working directory and, for `start`, the environment. */
  readonly caller: (op: string, extras: CallExtras) => Caller;
  /** Whether `op` may be asked a second time when the supervisor went away before it answered. */
  readonly repeatable: (op: string) => boolean;
}

export interface LinkPorts {
  readonly call: LinkPort;
  readonly ask: TextPort;
  /** As `ask`, over the link that is open; without one it fails as a lost one does, and nothing is dialled. */
  readonly listen: TextPort;
  close(): void;
}

/** Ports that dial at the first call, keep the link, and dial again for the call after it was lost. */
export function linkPort(options: LinkPortOptions): LinkPorts {
  const dialled = dialler(options.dial);
  let open: Link | undefined;
  const port =
    <Reply extends LinkReply | TextReply>(asked: (link: Link) => AskLink<Reply>): Ask<Reply | Refused> =>
    async (op, input, extras, signal) => {
      for (let again = options.repeatable(op); ; again = false) {
        // Without waiting where there is a link: the request is on its way before anything else of this turn is done.
        if (!open?.isOpen()) {
          const reached = await dialled();
          if (!reached.ok) return { id: 0, ok: false, failure: reached.failure };
          open = reached.link;
        }
        const reply = await asked(open)(op, input, options.caller(op, extras), signal ? { signal } : {});
        if (reply.ok || !again || reply.failure.code !== LOST_CODE) return reply;
      }
    };
  return {
    call: port((link) => link.call),
    ask: port((link) => link.ask),
    listen: (op, input, extras, signal) =>
      open?.isOpen() === true
        ? open.ask(op, input, options.caller(op, extras), signal ? { signal } : {})
        : Promise.resolve({ id: 0, ok: false, failure: LOST }),
    close: () => open?.close(),
  };
}

type Refused = Extract<LinkReply, { ok: false }>;
type AskLink<Reply> = (op: string, input: unknown, caller: Caller, options: CallOptions) => Promise<Reply>;

/** Dials. Calls that come while a dial is under way share it: one supervisor, not two. */
function dialler(dial: () => Promise<Dialled>): () => Promise<Dialled> {
  let dialling: Promise<Dialled> | undefined;
  return () =>
    (dialling ??= dial().finally(() => {
      dialling = undefined;
    }));
}
