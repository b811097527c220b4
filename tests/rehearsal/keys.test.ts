import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readKeys, settleRest, type Key } from '../../src/rehearsal/keys.ts';

const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const paste = (text: string): string => `\x1b[200~${text}\x1b[201~`;

describe('readKeys', () => {
  it.each<[string, string, Key[]]>([
    ['text', 'abc', [{ kind: 'text', text: 'abc' }]],
    ['text of several bytes a character', 'äß→👍', [{ kind: 'text', text: 'äß→👍' }]],
    ['Enter after text', 'go\r', [{ kind: 'text', text: 'go' }, { kind: 'enter' }]],
    ['a line feed is no Enter', '\n', [{ kind: 'newline' }]],
    ['a paste with line ends', paste('a\nb\r'), [{ kind: 'paste', text: 'a\nb\r' }]],
    ['a paste then Enter', `${paste('x')}\r`, [{ kind: 'paste', text: 'x' }, { kind: 'enter' }]],
    ['an escape sequence inside a paste', paste('a\x1b[Ab'), [{ kind: 'paste', text: 'a\x1b[Ab' }]],
    ['arrows', '\x1b[A\x1bOB\x1b[1;5C', [{ kind: 'up' }, { kind: 'down' }, { kind: 'right' }]],
    ['delete and backspace', '\x1b[3~\x7f', [{ kind: 'delete' }, { kind: 'backspace' }]],
    [
      'control keys',
      '\x03\x04',
      [
        { kind: 'control', letter: 'c' },
        { kind: 'control', letter: 'd' },
      ],
    ],
    ['focus and mouse reports mean nothing', '\x1b[I\x1b[<0;3;4Mx', [{ kind: 'text', text: 'x' }]],
    ['Escape close before a key', '\x1bq', [{ kind: 'escape' }, { kind: 'text', text: 'q' }]],
    ['Escape twice', '\x1b\x1b[A', [{ kind: 'escape' }, { kind: 'up' }]],
  ])('%s', (_, input, keys) => {
    expect(readKeys(bytes(input))).toEqual({ keys, rest: '' });
  });

  it.each([
    ['an open paste', '\x1b[200~half'],
    ['half a sequence', '\x1b[20'],
    ['a lone ESC', '\x1b'],
    ['half a character', '\xf0\x9f\x91'],
  ])('keeps %s for later', (_, rest) => {
    expect(readKeys(rest)).toEqual({ keys: [], rest });
  });

  it('takes a lone ESC for the Escape key when nothing follows', () => {
    expect(settleRest('\x1b')).toEqual({ keys: [{ kind: 'escape' }], rest: '' });
  });

  it('goes on waiting for the end of a paste', () => {
    expect(settleRest('\x1b[200~half')).toEqual({ keys: [], rest: '\x1b[200~half' });
  });

  it('gives the same keys however the bytes are cut into pieces', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\x1b', '')),
      fc.constantFrom('\r', '\n', '\x7f', '\x03', '\x1b[A', '\x1b[3~', '\t'),
      fc.string({ unit: 'grapheme' }).map((text) => paste(text.replaceAll('\x1b', ''))),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(40), { maxLength: 12 }), (pieces, cuts) => {
        const whole = bytes(pieces.join(''));
        expect(joinText(readPieces(whole, cuts))).toEqual(joinText(readKeys(whole).keys));
      }),
    );
  });
});

function readPieces(whole: string, cuts: readonly number[]): Key[] {
  const keys: Key[] = [];
  let rest = '';
  let at = 0;
  for (const size of [...cuts, whole.length]) {
    const read = readKeys(rest + whole.slice(at, at + size));
    keys.push(...read.keys);
    rest = read.rest;
    at += size;
  }
  return keys;
}

/** Text may come as one key or as several. */
function joinText(keys: readonly Key[]): Key[] {
  const joined: Key[] = [];
  for (const key of keys) {
    const last = joined.at(-1);
    if (key.kind === 'text' && last?.kind === 'text')
      joined[joined.length - 1] = { kind: 'text', text: last.text + key.text };
    else joined.push(key);
  }
  return joined;
}
