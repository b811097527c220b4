import type { LinkReply, TextReply } from './protocol.ts';

/** A client asks for this to have one of its own pending requests aborted: `input` is `{ id }` of that request. */
export const CANCEL = 'cancel';

/** How a successful reply begins; its output follows up to the last brace (see `replyLine`). */
export const SUCCESS = /^\{"id":(\d+),"ok":true,"output":/;

/** A reply as a line, its parts in this order, so that a client can take the output out without parsing it. */
export function replyLine(reply: LinkReply | TextReply): string {
  if (!reply.ok) return JSON.stringify(reply);
  const json = 'json' in reply ? reply.json : JSON.stringify(reply.output ?? null);
  return `{"id":${reply.id},"ok":true,"output":${json}}`;
}

const NEWLINE = 10;

/**
 * Cuts a stream of bytes into lines of UTF-8, without their newline. A line may come in any number of chunks.
 * When one grows beyond `maxBytes`, `tooLong` is called once and nothing is taken any more.
 */
export function lineCutter(
  maxBytes: number,
  take: (line: string) => void,
  tooLong: () => void,
): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let held = 0;
  let broken = false;
  return (chunk) => {
    let from = 0;
    while (!broken && from < chunk.length) {
      const end = chunk.indexOf(NEWLINE, from);
      const part = chunk.subarray(from, end < 0 ? chunk.length : end);
      parts.push(part);
      held += part.length;
      if (held > maxBytes) {
        broken = true;
        parts = [];
        tooLong();
      } else if (end < 0) {
        return;
      } else {
        const line = (parts.length === 1 ? part : Buffer.concat(parts)).toString('utf8');
        parts = [];
        held = 0;
        from = end + 1;
        take(line);
      }
    }
  };
}
