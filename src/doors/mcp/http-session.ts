import type { ServerResponse } from 'node:http';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import type { AnswerCall, OnFault } from './call.ts';
import { eventStore } from './http-events.ts';
import { NO_BATCH } from './http-message.ts';
import { quoted, refusal } from './http-refusal.ts';
import type { Refusal } from './http-refusal.ts';
import { openRequests } from './http-requests.ts';
import type { OpenRequests } from './http-requests.ts';
import { eventStream } from './http-stream.ts';
import type { EventStream } from './http-stream.ts';
import { BATCHING_VERSION, agreedVersion, cancelledId, isRequest } from './messages.ts';
import { answerLine } from './transport.ts';

/** Number of the stream of what is no answer, which a client reads by GET. */
const STANDALONE = 0;

export interface SessionOptions {
  readonly id: string;
  readonly answerCall: AnswerCall;
  /** Told when the client could not be initialised. */
  readonly onRefused: () => void;
  readonly onFault: OnFault;
  /** In ms. */
  readonly now: () => number;
}

/** One client: its messages as a transport for the SDK, its open requests, and the streams it reads. */
export interface HttpSession {
  readonly transport: Transport;
  /** Takes the messages of one POST; their answers go to its response. A refusal, when none was taken. */
  take(messages: readonly JSONRPCMessage[], response: ServerResponse, version: string): Refusal | null;
  /** A GET: what is no answer goes to its response from now on, or what was missed since an event. */
  listen(response: ServerResponse, version: string, lastEventId: string | undefined): Refusal | null;
  /** Since when nothing was asked and nobody listens, in ms; null while somebody does. */
  idleSince(): number | null;
  /** A sign of life to whoever listens; lets go of what was kept too long. */
  beat(): void;
}

export function httpSession(options: SessionOptions): HttpSession {
  const { id, now } = options;
  const store = eventStore(now);
  const standalone = eventStream(STANDALONE, store);
  let usedAt = now();
  const used = (): void => {
    usedAt = now();
  };
  const open = openRequests(store, { onEnd: used });
  const { transport, agreed } = transportOf(options, open, standalone);
  // A session is of the version that it was greeted with, whatever the headers of a single request say.
  const begin = (stream: EventStream, asked: string): void => {
    stream.begin(agreed() ?? asked);
  };
  const resume = (response: ServerResponse, version: string, lastEventId: string): Refusal | null => {
    const missed = store.after(lastEventId);
    if (!missed) return refusal(400, `Bad Request: Last-Event-ID is ${quoted(lastEventId)}, no event of this session`);
    const living = missed.stream === STANDALONE ? standalone : open.stream(missed.stream);
    if (!living && !missed.isWhole && missed.events.length === 0) return NOT_KEPT;
    const stream = living ?? eventStream(missed.stream, store);
    stream.attach(response, id);
    stream.replay(missed);
    if (living) begin(stream, version);
    else stream.finish();
    return null;
  };
  return {
    transport,
    take(messages, response, version) {
      used();
      const requests = messages.filter(isRequest);
      const isStrange = messages.length > 1 && (agreed() ?? BATCHING_VERSION) !== BATCHING_VERSION;
      const refused = isStrange ? NO_BATCH : open.refusalOf(requests);
      if (refused) return refused;
      if (requests.length === 0) {
        response.writeHead(202).end();
      } else {
        const stream = open.begin(requests);
        stream.attach(response, id);
        begin(stream, version);
      }
      for (const message of messages) pass(message, transport, open, options);
      return null;
    },
    listen(response, version, lastEventId) {
      used();
      if (lastEventId !== undefined) return resume(response, version, lastEventId);
      if (standalone.isRead()) return refusal(409, 'Conflict: this session already reads its events over another GET');
      standalone.attach(response, id);
      begin(standalone, version);
      return null;
    },
    idleSince: () => (open.count() > 0 || standalone.isRead() ? null : usedAt),
    beat() {
      standalone.keepAlive();
      open.beat();
      store.sweep();
    },
  };
}

interface Carrier {
  readonly transport: Transport;
  /** The version of the protocol that the greeting settled; undefined before. */
  readonly agreed: () => string | undefined;
}

/** What the SDK sees of a session. */
function transportOf({ id, onRefused }: SessionOptions, open: OpenRequests, standalone: EventStream): Carrier {
  let isGreeted = false;
  let agreed: string | undefined;
  const transport: Transport = {
    sessionId: id,
    start: () => Promise.resolve(),
    send(message, options) {
      const answers = 'method' in message ? undefined : message.id;
      const related = answers ?? options?.relatedRequestId;
      const stream = related === undefined ? standalone : open.streamOf(related);
      stream?.send(JSON.stringify(message));
      if (answers === undefined) return Promise.resolve();
      open.end(answers);
      // The first answer of a session is that to its greeting.
      if (!isGreeted && 'error' in message) onRefused();
      agreed ??= agreedVersion(message);
      isGreeted = true;
      return Promise.resolve();
    },
    close() {
      open.cancelAll();
      standalone.finish();
      transport.onclose?.();
      return Promise.resolve();
    },
  };
  return { transport, agreed: () => agreed };
}

/** Calls of tools are answered here, all else by the SDK. */
function pass(
  message: JSONRPCMessage,
  transport: Transport,
  open: OpenRequests,
  { answerCall, onFault }: SessionOptions,
): void {
  const cancelled = cancelledId(message);
  if (cancelled !== undefined) open.cancel(cancelled);
  if (!isRequest(message) || message.method !== 'tools/call') {
    transport.onmessage?.(message);
    return;
  }
  answer(message, open, answerCall).catch((error: unknown) => {
    onFault(error);
    open.cancel(message.id);
  });
}

async function answer({ id, params = {} }: JSONRPCRequest, open: OpenRequests, answerCall: AnswerCall): Promise<void> {
  const signal = open.signalOf(id);
  // Cancelled by a message of the same body.
  if (!signal) return;
  const answered = await answerCall(params, signal, id);
  // The protocol forbids an answer to a cancelled request.
  if (signal.aborted) return;
  open.streamOf(id)?.send(answerLine(id, answered));
  open.end(id);
}

const NOT_KEPT = refusal(
  400,
  'Bad Request: what came after the event of Last-Event-ID is not kept any more; ask again',
);
