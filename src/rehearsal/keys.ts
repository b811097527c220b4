/** One press, or one bracketed paste, as the terminal sent it. */
export type Key =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'paste'; readonly text: string }
  | { readonly kind: NamedKey }
  | { readonly kind: 'control'; readonly letter: string };

type NamedKey = 'enter' | 'newline' | 'tab' | 'backspace' | 'delete' | 'escape' | Arrow;
type Arrow = 'up' | 'down' | 'left' | 'right' | 'home' | 'end';

const PASTE_BEGINS = '\x1b[200~';
const PASTE_ENDS = '\x1b[201~';
/** A paste that never ends is handed over at this size, so that a lost end mark cannot eat memory. */
const LONGEST_PASTE = 4 * 1024 * 1024;
const LONGEST_SEQUENCE = 64;

/**
 * Cuts what arrived into keys. `rest` holds the bytes of a key that is not complete yet (half an escape sequence, half
 * a character, an open paste): pass it in front of the next bytes. Strings are bytes, one character each (latin1).
 */
export function readKeys(bytes: string): { keys: Key[]; rest: string } {
  const keys: Key[] = [];
  let at = 0;
  while (at < bytes.length) {
    const next = readKey(bytes, at);
    if (next === 'incomplete') break;
    if (next.key !== null) keys.push(next.key);
    at = next.end;
  }
  return { keys, rest: bytes.slice(at) };
}

/** What an incomplete rest means when nothing follows: a lone ESC is the Escape key. An open paste goes on waiting. */
export function settleRest(rest: string): { keys: Key[]; rest: string } {
  if (rest.startsWith(PASTE_BEGINS)) return { keys: [], rest };
  if (rest.startsWith('\x1b')) return { keys: [{ kind: 'escape' }], rest: '' };
  return { keys: [], rest: '' };
}

/** Whether a rest must be settled after a short while. */
export function isAmbiguous(rest: string): boolean {
  return rest !== '' && !rest.startsWith(PASTE_BEGINS);
}

type Step = { readonly key: Key | null; readonly end: number } | 'incomplete';

function readKey(bytes: string, at: number): Step {
  const code = bytes.charCodeAt(at);
  if (code === 0x1b) return readEscape(bytes, at);
  if (code < 0x20 || code === 0x7f) return { key: controlKey(code), end: at + 1 };
  return readText(bytes, at);
}

function readEscape(bytes: string, at: number): Step {
  if (bytes.startsWith(PASTE_BEGINS, at)) return readPaste(bytes, at);
  const introducer = bytes[at + 1];
  if (introducer === undefined) return 'incomplete';
  if (introducer === '[') return readControlSequence(bytes, at);
  if (introducer === 'O') {
    const final = bytes[at + 2];
    return final === undefined ? 'incomplete' : { key: arrowKey(final, ''), end: at + 3 };
  }
  // ESC before anything else: a human's Escape with the next key close behind.
  return { key: { kind: 'escape' }, end: at + 1 };
}

function readPaste(bytes: string, at: number): Step {
  const begin = at + PASTE_BEGINS.length;
  const end = bytes.indexOf(PASTE_ENDS, begin);
  if (end >= 0) return { key: pasteKey(bytes.slice(begin, end)), end: end + PASTE_ENDS.length };
  if (bytes.length - begin < LONGEST_PASTE) return 'incomplete';
  return { key: pasteKey(bytes.slice(begin)), end: bytes.length };
}

function readControlSequence(bytes: string, at: number): Step {
  for (let index = at + 2; index < bytes.length; index += 1) {
    const code = bytes.charCodeAt(index);
    if (code >= 0x40 && code <= 0x7e) {
      return { key: arrowKey(bytes.charAt(index), bytes.slice(at + 2, index)), end: index + 1 };
    }
    if (index - at > LONGEST_SEQUENCE) return { key: null, end: index };
  }
  return 'incomplete';
}

const ARROWS: Readonly<Record<string, Arrow>> = { A: 'up', B: 'down', C: 'right', D: 'left', H: 'home', F: 'end' };

/** The key of an escape sequence; null for those that mean nothing here (focus, mouse, function keys). */
function arrowKey(final: string, parameters: string): Key | null {
  if (final === '~' && parameters === '3') return { kind: 'delete' };
  const arrow = ARROWS[final];
  return arrow === undefined ? null : { kind: arrow };
}

function controlKey(code: number): Key {
  if (code === 0x0d) return { kind: 'enter' };
  if (code === 0x0a) return { kind: 'newline' };
  if (code === 0x09) return { kind: 'tab' };
  if (code === 0x7f || code === 0x08) return { kind: 'backspace' };
  return { kind: 'control', letter: String.fromCharCode(code + 0x60) };
}

function readText(bytes: string, at: number): Step {
  let end = at;
  while (end < bytes.length && isTextByte(bytes.charCodeAt(end))) end += 1;
  if (end === bytes.length) end -= openCharacterLength(bytes.slice(Math.max(at, end - 4), end));
  return end === at ? 'incomplete' : { key: { kind: 'text', text: decode(bytes.slice(at, end)) }, end };
}

function isTextByte(code: number): boolean {
  return code >= 0x20 && code !== 0x7f;
}

/** How many bytes at the end of `tail` begin a UTF-8 character whose other bytes have not come yet. */
function openCharacterLength(tail: string): number {
  for (let back = 1; back <= tail.length; back += 1) {
    const code = tail.charCodeAt(tail.length - back);
    if (code < 0x80) return 0;
    if (code >= 0xc0) return back < characterLength(code) ? back : 0;
  }
  return 0;
}

function characterLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}

function pasteKey(bytes: string): Key {
  return { kind: 'paste', text: decode(bytes) };
}

function decode(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
