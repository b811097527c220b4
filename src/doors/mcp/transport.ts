import type { Readable, Writable } from 'node:stream';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import type { JSONRPCMessage, JSONRPCRequest, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { stopper } from '../../link/stopper.ts';
import type { StopSignal, Stopper } from '../../link/stopper.ts';
import { batches, readBatch } from './batches.ts';
import type { Answer, AnswerCall } from './call.ts';
import { MAX_LINE_BYTES, agreedVersion, cancelledId, isRequest, lineCutter, readLine } from './messages.ts';
import type { Unreadable } from './messages.ts';

export type StreamEnd = 'end-of-input' | 'broken-pipe';

export interface StdioOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Takes every `tools/call`; all other messages go to whoever is connected to the transport. */
  readonly answerCall: AnswerCall;
}

export interface StdioTransport extends Transport {
  /** Settles when the client has closed its end of either stream. */
  readonly ended: Promise<StreamEnd>;
  /** Settles when every request taken so far is answered or cancelled. */
  quiet(): Promise<void>;
}

/**
 * MCP over two streams, a JSON-RPC message a line. Not the SDK's own transport: that one neither ends at the end of its
 * input nor survives a reader that has gone, and falls silent over a long or broken line. Calls of tools do not pass
 * through the SDK at all, which would parse each request four times and its result once (measured: a third of a call).
 */
export function stdioTransport({ stdin, stdout, answerCall }: StdioOptions): StdioTransport {
  const write = (json: string): void => {
    if (stdout.writable) stdout.write(`${json}\n`);
  };
  const together = batches(write);
  const open = openRequests(together.leave);
  let agreed: string | undefined;
  const pass = (message: JSONRPCMessage): void => {
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) open.cancel(cancelled);
    if (isRequest(message)) {
      const signal = open.begin(message.id);
      if (message.method === 'tools/call') {
        void answer(message, signal, answerCall, (json) => {
          if (!together.answer(message.id, json)) write(json);
        }).then(() => {
          open.end(message.id);
        });
        return;
      }
    }
    transport.onmessage?.(message);
  };
  const take = (line: string): void => {
    const read = readLine(line);
    if ('message' in read) {
      pass(read.message);
      return;
    }
    const several = 'batch' in read ? readBatch(read.batch, agreed, open.has) : read;
    if ('code' in several) {
      write(errorLine(several));
      return;
    }
    together.begin(several.messages.filter(isRequest), several.refused.map(errorLine));
    several.messages.forEach(pass);
  };
  const onData = lineCutter(take, () => {
    write(errorLine(TOO_LONG));
  });
  const transport: StdioTransport = {
    ended: streamEnd(stdin, stdout),
    quiet: () => open.quiet(),
    start: () => {
      stdin.on('data', onData);
      return Promise.resolve();
    },
    send: (message) => {
      agreed = agreedVersion(message) ?? agreed;
      const json = JSON.stringify(message);
      const answers = 'method' in message ? undefined : message.id;
      if (answers === undefined || !together.answer(answers, json)) write(json);
      if (answers !== undefined) open.end(answers);
      return Promise.resolve();
    },
    close: () => {
      stdin.off('data', onData);
      stdin.pause();
      open.cancelAll();
      transport.onclose?.();
      return Promise.resolve();
    },
  };
  return transport;
}

async function answer(
  { id, params = {} }: JSONRPCRequest,
  signal: StopSignal,
  answerCall: AnswerCall,
  write: (json: string) => void,
): Promise<void> {
  const answered = await answerCall(params, signal, id);
  // The protocol forbids an answer to a cancelled request.
  if (signal.aborted) return;
  write(answerLine(id, answered));
}

/** The answer to a request as a message, in one line. */
export function answerLine(id: RequestId, answered: Answer): string {
  const body = 'result' in answered ? `"result":${answered.result}` : `"error":${JSON.stringify(answered.error)}`;
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${body}}`;
}

const TOO_LONG: Unreadable = {
  code: ErrorCode.ParseError,
  text: `Parse error: a line is longer than ${MAX_LINE_BYTES} bytes`,
};

const errorLine = ({ code, text: message }: Unreadable): string =>
  JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } });

interface OpenRequests {
  readonly has: (id: RequestId) => boolean;
  begin(id: RequestId): StopSignal;
  end(id: RequestId): void;
  cancel(id: RequestId): void;
  cancelAll(): void;
  readonly quiet: () => Promise<void>;
}

/** `leave` is told of those that are cancelled. */
function openRequests(leave: (id: RequestId) => void): OpenRequests {
  const open = new Map<RequestId, Stopper>();
  let settleQuiet: (() => void) | undefined;
  const end = (id: RequestId): void => {
    open.delete(id);
    if (open.size === 0) settleQuiet?.();
  };
  const cancel = (id: RequestId): void => {
    open.get(id)?.abort();
    leave(id);
    end(id);
  };
  return {
    has: (id) => open.has(id),
    begin: (id) => {
      const begun = stopper();
      open.set(id, begun);
      return begun.signal;
    },
    end,
    cancel,
    cancelAll: () => {
      for (const id of [...open.keys()]) cancel(id);
    },
    quiet: () =>
      new Promise((resolve) => {
        if (open.size === 0) resolve();
        else settleQuiet = resolve;
      }),
  };
}

function streamEnd(stdin: Readable, stdout: Writable): Promise<StreamEnd> {
  return new Promise((resolve) => {
    const inputOver = (): void => {
      resolve('end-of-input');
    };
    stdin.once('end', inputOver).once('close', inputOver).on('error', inputOver);
    stdout.on('error', () => {
      resolve('broken-pipe');
    });
  });
}
