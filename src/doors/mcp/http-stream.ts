import type { ServerResponse } from 'node:http';
import type { EventStore, Missed } from './http-events.ts';

/** What may wait unread in a client's connection before it is cut; the client takes the stream up again. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
/** How long a client waits before it comes back to a stream that was cut. */
const RETRY_MS = 1000;
/** The first version of the protocol whose clients read an event without a message. */
const RESUMING_VERSION = '2025-11-25';

/** Messages to a client, one after the other, over a response that may be cut and taken up by another. */
export interface EventStream {
  readonly isRead: () => boolean;
  /** Writes a message, as JSON, to whoever reads, and keeps it for whoever comes back. */
  send(json: string): void;
  /** Lets the response read from now on, in the place of the one before. */
  attach(response: ServerResponse, sessionId: string): void;
  /**
   * The reader learns that it reads. A client of a newer version of the protocol gets an event without a message, whose id
   * lets it take up what it has read nothing of; others could not read that.
   */
  begin(version: string): void;
  /** Writes what was missed. */
  replay(missed: Missed): void;
  /** Nothing will come any more; the reader's response ends. */
  finish(): void;
  /** A sign of life, which also shows that a client has gone. */
  keepAlive(): void;
}

export function eventStream(number: number, store: EventStore): EventStream {
  let reader: ServerResponse | undefined;
  const write = (text: string): void => {
    if (!reader) return;
    if (reader.writableLength > MAX_UNREAD_BYTES) reader.destroy();
    else reader.write(text);
  };
  return {
    isRead: () => reader !== undefined,
    send(json) {
      write(eventOf(store.keep(number, json), json));
    },
    attach(response, sessionId) {
      reader?.end();
      reader = response;
      const gone = (): void => {
        if (reader === response) reader = undefined;
      };
      // A connection that broke is one that ended: whatever is missed waits in the store.
      response.on('close', gone).on('error', gone);
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
        'mcp-session-id': sessionId,
      });
    },
    begin(version) {
      if (version >= RESUMING_VERSION) write(`id: ${store.keep(number, '')}\nretry: ${RETRY_MS}\ndata: \n\n`);
      else reader?.flushHeaders();
    },
    replay({ events }) {
      for (const { id, json } of events) write(eventOf(id, json));
    },
    finish() {
      reader?.end();
      reader = undefined;
    },
    keepAlive() {
      write(': keep-alive\n\n');
    },
  };
}

const eventOf = (id: string, json: string): string => `event: message\nid: ${id}\ndata: ${json}\n\n`;
