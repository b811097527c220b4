import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import type { JSONRPCRequest, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { stopper } from '../../link/stopper.ts';
import type { StopSignal, Stopper } from '../../link/stopper.ts';
import type { EventStore } from './http-events.ts';
import { quoted, refusal } from './http-refusal.ts';
import type { Refusal } from './http-refusal.ts';
import { eventStream } from './http-stream.ts';
import type { EventStream } from './http-stream.ts';

/** Requests that one session may have open at once. */
const MAX_OPEN = 64;

/** The requests of a session that are not answered yet; those of one POST share a stream, which ends with the last. */
export interface OpenRequests {
  count(): number;
  /** Why these cannot be taken, if they cannot. */
  refusalOf(requests: readonly JSONRPCRequest[]): Refusal | null;
  begin(requests: readonly JSONRPCRequest[]): EventStream;
  signalOf(id: RequestId): StopSignal | undefined;
  /** Where what belongs to a request is written. */
  streamOf(id: RequestId): EventStream | undefined;
  /** The stream of that number, while a request of it is open. */
  stream(number: number): EventStream | undefined;
  end(id: RequestId): void;
  /** Ends it and tells whoever works on it to stop. */
  cancel(id: RequestId): void;
  cancelAll(): void;
  beat(): void;
}

interface Open {
  readonly number: number;
  readonly stream: EventStream;
  readonly begun: Stopper;
}

/** Streams are numbered from 1 on. */
export function openRequests(store: EventStore, { onEnd }: { readonly onEnd: () => void }): OpenRequests {
  const open = new Map<RequestId, Open>();
  let count = 0;
  const end = (id: RequestId): void => {
    const ended = open.get(id);
    open.delete(id);
    if (!ended || [...open.values()].some(({ number }) => number === ended.number)) return;
    ended.stream.finish();
    onEnd();
  };
  const cancel = (id: RequestId): void => {
    open.get(id)?.begun.abort();
    end(id);
  };
  return {
    count: () => open.size,
    refusalOf(requests) {
      const ids = requests.map(({ id }) => id);
      const twice = ids.find((id, index) => open.has(id) || ids.indexOf(id) !== index);
      if (twice !== undefined) return openAlready(twice);
      return open.size + ids.length > MAX_OPEN ? TOO_MANY : null;
    },
    begin(requests) {
      count += 1;
      const stream = eventStream(count, store);
      for (const { id } of requests) open.set(id, { number: count, stream, begun: stopper() });
      return stream;
    },
    signalOf: (id) => open.get(id)?.begun.signal,
    streamOf: (id) => open.get(id)?.stream,
    stream: (number) => [...open.values()].find((each) => each.number === number)?.stream,
    end,
    cancel,
    cancelAll() {
      for (const id of [...open.keys()]) cancel(id);
    },
    beat() {
      for (const stream of new Set([...open.values()].map((each) => each.stream))) stream.keepAlive();
    },
  };
}

const openAlready = (id: RequestId): Refusal =>
  refusal(400, `Invalid Request: the request ${quoted(String(id))} is already open`, {
    code: ErrorCode.InvalidRequest,
  });

const TOO_MANY = refusal(429, `Too Many Requests: a session has at most ${MAX_OPEN} requests open at once`);
