import type { Random } from './random.ts';

/** The longest message that is made, in bytes of UTF-8. */
export const LONGEST_MESSAGE_BYTES = 32 * 1024;

/**
 * A message of 1 byte to 32 KB, as awkward as people and programs make them: every length is as likely as ten times it.
 * It holds no NUL, which no terminal, file name or agent would take.
 */
export function makeMessage(random: Random): string {
  const style = random.pick(STYLES);
  const bytes = Math.max(1, Math.round(LONGEST_MESSAGE_BYTES ** random.next()));
  return cutToBytes(style(random, bytes), Math.min(bytes, LONGEST_MESSAGE_BYTES)) || '.';
}

type Style = (random: Random, bytes: number) => string;

const repeat = (random: Random, bytes: number, pieces: readonly string[], between = ''): string => {
  let text = random.pick(pieces);
  while (text.length < bytes) text += between + random.pick(pieces);
  return text;
};

const WORDS = ['Please', 'look', 'at', 'src/sum.js', 'line 7:', 'it', 'fails', 'when', 'x > 0', '(again)', '“quoted”'];
const EMOJI = ['🙂', '👩‍👩‍👧‍👦', '🇦🇹', '👍🏽', '✈️', '🏴‍☠️', '☕'];
const COMBINING = ['e\u0301', 'n\u0303', 'a\u0308\u0304', 'ก็', 'हिन्दी', 'Z̷̢̛a̴l̷g̵o̴', '한글', '한'];
const WIDE = ['漢字', 'かな', '전각', 'ＡＢＣ', 'straße', 'ﬁ', 'עברית', 'العربية', '\u200e', '\u00a0', '\ufeff'];
const ESCAPES = [
  '\x1b[31mred\x1b[0m',
  '\x1b[201~',
  '\x1b[200~',
  '\x1b]2;title\x07',
  '\x1b',
  '\x1bOP',
  '\x9b1m',
  '\x1b[2J',
];
const CONTROLS = Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1)).concat('\x7f', '\x85');
const LINES = ['# Title', '- a list', '```js', 'const x = 1;', '```', '', '\tindented', '> quoted', '---', '| a | b |'];
const FIRSTS = ['/clear', '/exit', '!rm -rf build', '# heading', '@src/sum.js', '?', '/', '!', '@', '#', '-x', '~'];
const LASTS = [';', '\\', '\\;', ' ', '\t', '\n', '\r\n', ';;', '\\\\', '…'];
const TRAPS = [
  '#{pane_id}',
  '$(id)',
  '`id`',
  "'; ls #",
  '%1',
  '"$HOME"',
  '<system-reminder>',
  '[tmops#1]',
  '[tmops#12]',
];

const sentence: Style = (random, bytes) => repeat(random, Math.min(bytes, 56), WORDS, ' ');

const STYLES: readonly Style[] = [
  sentence,
  sentence,
  sentence,
  (random, bytes) => repeat(random, bytes, WORDS, ' '),
  (random, bytes) => repeat(random, bytes, EMOJI),
  (random, bytes) => repeat(random, bytes, COMBINING, random.pick(['', ' '])),
  (random, bytes) => repeat(random, bytes, WIDE, random.pick(['', ' '])),
  (random, bytes) => repeat(random, bytes, [...WORDS, ...ESCAPES], ' '),
  (random, bytes) => repeat(random, bytes, [...WORDS, ...CONTROLS], random.pick(['', ' '])),
  (random, bytes) => repeat(random, bytes, LINES, random.pick(['\n', '\r\n', '\r', '\u2028'])),
  (random, bytes) => repeat(random, bytes, WORDS, '\t'),
  (random, bytes) => repeat(random, bytes, [' ', '\t', '\n', '\u00a0', '\r\n']),
  (random, bytes) => random.pick(FIRSTS) + random.pick(['', ' ']) + sentence(random, bytes),
  (random, bytes) => sentence(random, bytes) + random.pick(LASTS),
  (random, bytes) => repeat(random, Math.min(bytes, 56), [...WORDS, ...TRAPS], ' '),
  (random) => String.fromCodePoint(random.pick([0x21, 0x2f, 0x3f, 0x40, 0x5c, 0x3b, 0x61, 0x7f, 0xe9, 0x1f642, 0x20])),
];

/** The beginning of the text that fits, without half a character. */
function cutToBytes(text: string, bytes: number): string {
  const all = Buffer.from(text);
  if (all.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((all[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return all.subarray(0, end).toString('utf8');
}
