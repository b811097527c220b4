/**
 * The text protocol of `tmux -C` (tmux manual, "CONTROL MODE"). Pure: bytes in, messages out.
 *
 * A reply is a block between `%begin TIME NUMBER FLAGS` and `%end` or `%error` with the same three figures; bit 0 of
 * FLAGS says that a command of this client caused it. Every other line that starts with `%` is a notification.
 */
export type ControlMessage =
  | { readonly kind: 'reply'; readonly ours: boolean; readonly ok: boolean; readonly lines: readonly string[] }
  | { readonly kind: 'output'; readonly pane: string; readonly bytes: Buffer }
  | { readonly kind: 'notice'; readonly name: string; readonly words: readonly string[] }
  | { readonly kind: 'exit'; readonly why: string }
  /** What a hook of the user printed: tmux sends it bare. */
  | { readonly kind: 'stray'; readonly text: string }
  /** The stream cannot be trusted any more: nothing after this is parsed. */
  | { readonly kind: 'broken'; readonly why: string };

export interface ControlParser {
  /** Takes the next bytes, cut anywhere, and gives the messages that are complete now. */
  push(bytes: Uint8Array): ControlMessage[];
}

/** `limit` bounds the bytes of one line and of one reply. */
export function controlParser(limit = 16 * 1024 * 1024): ControlParser {
  let rest = Buffer.alloc(0);
  let block: Block | null = null;
  let broken = false;

  function takeLine(line: Buffer): ControlMessage | null {
    // However its bytes were cut: one that comes whole is held to the limit, too.
    if (line.length > limit) return tooLong(limit);
    if (block === null) {
      block = openedBlock(line);
      return block === null ? outsideBlock(line) : null;
    }
    const ending = endOf(block, line);
    if (ending === null) return addToBlock(block, line, limit);
    const reply: ControlMessage = { kind: 'reply', ours: block.ours, ok: ending === 'end', lines: block.lines };
    block = null;
    return reply;
  }

  return {
    push(bytes) {
      const messages: ControlMessage[] = [];
      if (broken) return messages;
      rest = Buffer.concat([rest, bytes]);
      let from = 0;
      for (let at = rest.indexOf(LF, from); at >= 0 && !broken; at = rest.indexOf(LF, from)) {
        const message = takeLine(rest.subarray(from, at));
        from = at + 1;
        if (message !== null) messages.push(message);
        broken = message?.kind === 'broken';
      }
      rest = Buffer.from(rest.subarray(from));
      if (!broken && rest.length > limit) {
        broken = true;
        messages.push(tooLong(limit));
      }
      return messages;
    },
  };
}

/** Undoes the escapes of `%output`: `\ooo` for a backslash and every byte below a space. */
export function unescapeOutput(text: Uint8Array): Buffer {
  const out = Buffer.alloc(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digits = text[at] === BACKSLASH ? Buffer.from(text.subarray(at + 1, at + 4)).toString('latin1') : '';
    const escaped = /^[0-3][0-7]{2}$/.test(digits);
    out[length] = escaped ? parseInt(digits, 8) : (text[at] ?? 0);
    length += 1;
    if (escaped) at += 3;
  }
  return out.subarray(0, length);
}

const LF = 0x0a;
const BACKSLASH = 0x5c;

interface Block {
  readonly figures: string;
  readonly ours: boolean;
  readonly lines: string[];
  size: number;
}

const tooLong = (limit: number): ControlMessage => ({ kind: 'broken', why: `a line is longer than ${limit} bytes` });

function openedBlock(line: Buffer): Block | null {
  const begin = /^%begin (\d+ \d+ (\d+))$/.exec(line.toString('latin1'));
  if (begin?.[1] === undefined) return null;
  return { figures: begin[1], ours: (Number(begin[2]) & 1) === 1, lines: [], size: 0 };
}

function endOf(block: Block, line: Buffer): 'end' | 'error' | null {
  // Only the figures of the open block end it: text of a pane may look like any other line of the protocol.
  if (line.length > block.figures.length + 7 || line[0] !== 0x25) return null;
  const text = line.toString('latin1');
  if (text === `%end ${block.figures}`) return 'end';
  return text === `%error ${block.figures}` ? 'error' : null;
}

function addToBlock(block: Block, line: Buffer, limit: number): ControlMessage | null {
  block.size += line.length + 1;
  if (block.size > limit) return { kind: 'broken', why: `a reply is longer than ${limit} bytes` };
  block.lines.push(line.toString('utf8'));
  return null;
}

function outsideBlock(line: Buffer): ControlMessage {
  const output = /^%output (%\d+) /.exec(line.subarray(0, 40).toString('latin1'));
  if (output?.[1] !== undefined) {
    return { kind: 'output', pane: output[1], bytes: unescapeOutput(line.subarray(output[0].length)) };
  }
  const text = line.toString('utf8');
  const [name = '', ...words] = text.split(' ');
  if (name === '%exit') return { kind: 'exit', why: words.join(' ') };
  // An end without a beginning: the text of a pane guessed the figures of its own block and cut it short.
  if (name === '%end' || name === '%error') {
    return { kind: 'broken', why: `an unexpected line: ${JSON.stringify(text.slice(0, 80))}` };
  }
  if (!/^%[a-z-]+$/.test(name)) return { kind: 'stray', text };
  return { kind: 'notice', name: name.slice(1), words };
}
