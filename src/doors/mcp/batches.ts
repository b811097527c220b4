import type { JSONRPCMessage, JSONRPCRequest, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { BATCHING_VERSION, MAX_BATCH, ONE_A_LINE, invalid, isMessage, isRequest } from './messages.ts';
import type { Unreadable } from './messages.ts';

export interface BatchRead {
  readonly messages: readonly JSONRPCMessage[];
  /** Why others in it are not taken. */
  readonly refused: readonly Unreadable[];
}

/** Reads a batch for a client with whom the version `agreed` was settled. What is not taken of it does not harm the rest. */
export function readBatch(
  values: readonly unknown[],
  agreed: string | undefined,
  isOpen: (id: RequestId) => boolean,
): BatchRead | Unreadable {
  if (agreed !== BATCHING_VERSION)
    return invalid(`${ONE_A_LINE}; several in one belong to version ${BATCHING_VERSION} of the protocol`);
  if (values.length === 0 || values.length > MAX_BATCH) return invalid(`a batch has 1 to ${MAX_BATCH} messages`);
  const ids = new Set<RequestId>();
  const messages: JSONRPCMessage[] = [];
  const refused: Unreadable[] = [];
  for (const value of values) {
    const why = isMessage(value)
      ? refusalOf(value, (id) => ids.has(id) || isOpen(id))
      : 'one in the batch is no JSON-RPC 2.0 message';
    if (why !== null) refused.push(invalid(why));
    else if (isMessage(value)) {
      messages.push(value);
      if (isRequest(value)) ids.add(value.id);
    }
  }
  return { messages, refused };
}

function refusalOf(message: JSONRPCMessage, isOpen: (id: RequestId) => boolean): string | null {
  if (!isRequest(message)) return null;
  if (message.method === 'initialize') return 'initialize comes alone, not in a batch';
  return isOpen(message.id) ? `the request ${JSON.stringify(message.id).slice(0, 80)} is open already` : null;
}

/** The answers to requests that came together, which go out together once the last of them is there. */
export interface Batches {
  /** `answers` are those that are known already. */
  begin(requests: readonly JSONRPCRequest[], answers: readonly string[]): void;
  /** Takes the answer to a request, as JSON; false where the request came alone. */
  answer(id: RequestId, json: string): boolean;
  /** No answer will come to this one. */
  readonly leave: (id: RequestId) => void;
}

interface Batch {
  readonly waitsFor: Set<RequestId>;
  readonly answers: string[];
}

/** `write` takes the whole of the answers, as one line of JSON. */
export function batches(write: (json: string) => void): Batches {
  const open = new Map<RequestId, Batch>();
  const settle = ({ waitsFor, answers }: Batch): void => {
    // Nothing is said to a batch in which nothing was asked, or of which all was cancelled.
    if (waitsFor.size === 0 && answers.length > 0) write(`[${answers.join(',')}]`);
  };
  const leave = (id: RequestId): void => {
    const batch = open.get(id);
    open.delete(id);
    if (batch?.waitsFor.delete(id) === true) settle(batch);
  };
  return {
    begin(requests, answers) {
      const batch = { waitsFor: new Set(requests.map(({ id }) => id)), answers: [...answers] };
      for (const { id } of requests) open.set(id, batch);
      settle(batch);
    },
    answer(id, json) {
      const batch = open.get(id);
      batch?.answers.push(json);
      leave(id);
      return batch !== undefined;
    },
    leave,
  };
}
