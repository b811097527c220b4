import fc from 'fast-check';
import { expect, test } from 'vitest';
import { controlParser, type ControlMessage } from '../../src/adapters/tmux/protocol.ts';
import { each, fuzz, FUZZ_TIMEOUT_MS, strung } from '../rig/fuzz.ts';
import { hostile, HOSTILE } from '../rig/hostile.ts';

/** Shorter than the longest of the hostile texts. */
const LIMIT = 900;

const piece = fc.oneof(
  fc.constantFrom('%begin 1 2 1\n', '%end 1 2 1\n', '%error 1 2 1\n', '%begin 9999999999999999999999 2 3\n', '%exit\n'),
  fc.constantFrom('%output %1 ', '%output %99999999999999999999999999999999999 x\n', '\\033', '\\999', '\\', '\n', '%'),
  fc.constantFrom('%layout-change @1 b25f,80x24,0,0,2\n', '%extended-output %1 0 : x\n', '%__proto__ x\n', '\r\n'),
  hostile,
);
const stream = fc.tuple(strung(piece, 12), fc.nat());

function parse(...parts: readonly Uint8Array[]): ControlMessage[] {
  const parser = controlParser(LIMIT);
  return parts.flatMap((part) => parser.push(part));
}

/** Null, or what is wrong with one message. `size` is the length of the whole stream. */
function wrongWith(message: ControlMessage, size: number): string | null {
  switch (message.kind) {
    case 'output':
      return /^%\d+$/.test(message.pane) && message.bytes.length <= size ? null : 'output of no pane';
    case 'notice':
      return /^[a-z-]+$/.test(message.name) && message.words.every((word) => !/[ \n]/.test(word)) ? null : 'a notice';
    case 'reply':
      return message.lines.every((line) => !line.includes('\n')) && message.lines.length <= LIMIT ? null : 'a reply';
    case 'broken':
      return message.why !== '' && message.why.length < 300 ? null : 'no reason';
    case 'exit':
      return message.why.includes('\n') ? 'an exit' : null;
    case 'stray':
      return message.text.includes('\n') ? 'a stray line' : null;
  }
}

function check(given: string, at: number): void {
  const bytes = Buffer.from(given);
  const messages = parse(bytes);
  const wrong = messages.map((message) => wrongWith(message, bytes.length)).filter((each) => each !== null);
  if (wrong.length > 0) throw new Error(wrong.join(', '));
  const broken = messages.findIndex(({ kind }) => kind === 'broken');
  if (broken !== -1 && broken !== messages.length - 1) throw new Error('it goes on after it is broken');
  const cut = at % (bytes.length + 1);
  const parts = parse(bytes.subarray(0, cut), bytes.subarray(cut));
  if (JSON.stringify(parts) !== JSON.stringify(messages)) throw new Error(`cut at ${cut} it reads otherwise`);
}

test('any bytes, cut anywhere, give messages of the known kinds', { timeout: FUZZ_TIMEOUT_MS }, () => {
  fuzz('streams of control mode', stream, ([given, at]) => {
    check(given, at);
  });
});

test('the known hostile texts as a line, as output, as a word and in a reply', () => {
  const all = HOSTILE.flatMap((value) => [
    `${value}\n`,
    `%output %1 ${value}\n`,
    `%session-changed ${value}\n`,
    `%${value}\n`,
    `%begin 1 2 1\n${value}\n%end 1 2 1\n`,
    `%begin ${value}\n`,
  ]);
  each('hostile streams', all, (given) => {
    check(given, 3);
  });
});

test('no text of a pane forges a reply, a message or its own end', { timeout: FUZZ_TIMEOUT_MS }, () => {
  const figures = '1795197236 268 1';
  const line = fc.oneof(
    hostile.map((value) => value.replaceAll('\n', ' ')),
    fc.constantFrom('%end 1 2 1', '%error 1795197236 268 0', '%begin 1795197236 268 1', '%exit', '%output %1 x', ''),
  );
  fuzz('lines of replies', fc.array(line, { maxLength: 6 }), (lines) => {
    const whole = [`%begin ${figures}`, ...lines, `%end ${figures}`, ''].join('\n');
    const [reply, ...more] = controlParser().push(Buffer.from(whole));
    const asRead = lines.map((text) => Buffer.from(text).toString());
    if (reply?.kind !== 'reply' || more.length > 0) throw new Error('not one reply');
    if (JSON.stringify(reply.lines) !== JSON.stringify(asRead)) throw new Error('other lines');
  });
});

test.each([
  ['a line without an end', 'x'.repeat(1024 * 1024)],
  ['output without an end', `%output %1 ${'\\033'.repeat(256 * 1024)}`],
  ['a reply without an end', `%begin 1 2 1\n${'x\n'.repeat(512 * 1024)}`],
])('%s is given up at the limit', (_, bomb) => {
  each('large streams', [bomb], (given) => {
    const parser = controlParser(64 * 1024);
    const bytes = Buffer.from(given);
    const kinds: string[] = [];
    for (let at = 0; at < bytes.length; at += 4096)
      kinds.push(...parser.push(bytes.subarray(at, at + 4096)).map(({ kind }) => kind));
    expect(kinds).toEqual(['broken']);
  });
});
