import type { Socket } from 'node:net';
import { CANCEL, lineCutter, replyLine } from './wire.ts';
import { MAX_LINE_BYTES, PROTOCOL, request } from './protocol.ts';
import type { Failure, LinkReply, LinkRequest, TextReply } from './protocol.ts';
import { stopper } from './stopper.ts';
import type { StopSignal, Stopper } from './stopper.ts';

/** Requests one client may have open at once. */
const MAX_PENDING = 64;
/** What may wait unread in a client's socket before it is taken for dead. */
const MAX_UNREAD_BYTES = 4 * MAX_LINE_BYTES;

export interface Attendance {
  readonly version: string;
  readonly handle: (request: LinkRequest, signal: StopSignal) => Promise<LinkReply | TextReply>;
  /** Told of a handler that threw and of a socket that broke in an unexpected way. */
  readonly onFault: (error: unknown) => void;
}

/** Serves one client until it goes: greets, answers each line, aborts what is pending when the socket closes. */
export function attend(socket: Socket, attendance: Attendance): void {
  const pending = new Map<number, Stopper>();
  const send = (reply: LinkReply | TextReply): void => {
    sendLine(socket, replyLine(reply));
  };
  const refuse = (id: number, sentence: string): void => {
    send({ id, ok: false, failure: badRequest(sentence) });
  };
  const take = (line: string): void => {
    const read = readRequest(line);
    if (!read.ok) refuse(read.id, read.sentence);
    else if (read.request.op === CANCEL) send(cancel(pending, read.request));
    else if (pending.has(read.request.id)) refuse(read.request.id, `The request ${read.request.id} is already open.`);
    else if (pending.size >= MAX_PENDING)
      refuse(read.request.id, `More than ${MAX_PENDING} requests are open at once.`);
    else void answer(read.request, pending, attendance).then(send);
  };
  const tooLong = (): void => {
    refuse(0, `A line is longer than ${MAX_LINE_BYTES} bytes.`);
    socket.destroySoon();
  };
  socket.on('data', lineCutter(MAX_LINE_BYTES, take, tooLong));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') attendance.onFault(error);
  });
  socket.on('close', () => {
    for (const begun of pending.values()) begun.abort();
  });
  sendLine(socket, JSON.stringify({ tmops: attendance.version, protocol: PROTOCOL, pid: process.pid }));
}

async function answer(
  asked: LinkRequest,
  pending: Map<number, Stopper>,
  attendance: Attendance,
): Promise<LinkReply | TextReply> {
  const begun = stopper();
  pending.set(asked.id, begun);
  try {
    return await attendance.handle(asked, begun.signal);
  } catch (error) {
    attendance.onFault(error);
    return { id: asked.id, ok: false, failure: INTERNAL };
  } finally {
    pending.delete(asked.id);
  }
}

const INTERNAL: Failure = {
  code: 'internal',
  sentence: 'Internal error: the supervisor could not carry out this call.',
  hint: "The supervisor's log has the details; call again, and report it if it stays.",
};

function sendLine(socket: Socket, line: string): void {
  if (!socket.writable) return;
  if (socket.writableLength + line.length > MAX_UNREAD_BYTES) socket.destroy();
  else socket.write(`${line}\n`);
}

function cancel(pending: ReadonlyMap<number, Stopper>, asked: LinkRequest): LinkReply {
  const input: unknown = asked.input;
  const id = typeof input === 'object' && input !== null && 'id' in input ? input.id : undefined;
  const begun = typeof id === 'number' ? pending.get(id) : undefined;
  begun?.abort();
  return { id: asked.id, ok: true, output: { cancelled: begun !== undefined } };
}

type Read =
  | { readonly ok: true; readonly request: LinkRequest }
  | { readonly ok: false; readonly id: number; readonly sentence: string };

function readRequest(line: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, id: 0, sentence: `A line is not JSON: ${why.slice(0, 200)}.` };
  }
  const parsed = request.safeParse(value);
  if (parsed.success) return { ok: true, request: parsed.data };
  const id =
    typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'number' ? value.id : 0;
  const places = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'line'}: ${issue.message}`);
  return { ok: false, id, sentence: `A line is not a request (${places.join('; ')}).` };
}

function badRequest(sentence: string): Failure {
  return {
    code: 'bad-request',
    sentence,
    hint: 'One JSON object a line: {"id":1,"op":"status","input":{"feature":"…"},"caller":{"door":"socket","cwd":"/…"}}',
  };
}
