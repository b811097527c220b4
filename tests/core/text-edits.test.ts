import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withEdits } from '../../src/core/text-edits.ts';

const MOST = 1024 * 1024;
const edit = (text: string, ...pairs: [string, string][]) =>
  withEdits(
    text,
    pairs.map(([old, now]) => ({ old, new: now })),
    MOST,
  );

it('makes edits one after the other, each in what the ones before left', () => {
  expect(edit('a b c', ['a', 'x'], ['x b', 'y'])).toEqual({ ok: true, text: 'y c' });
  expect(edit('a b c')).toEqual({ ok: true, text: 'a b c' });
  expect(edit('a b c', ['b ', ''])).toEqual({ ok: true, text: 'a c' });
  // What stands in the new text is no pattern.
  expect(edit('a', ['a', '$& $1'])).toEqual({ ok: true, text: '$& $1' });
});

it('refuses what occurs never or more than once, also where occurrences overlap, and says which edit it was', () => {
  expect(edit('a b', ['c', 'x'])).toEqual({ ok: false, edit: 1, why: 'no-match' });
  expect(edit('a b', ['', 'x'])).toEqual({ ok: false, edit: 1, why: 'no-match' });
  expect(edit('a b', ['a', 'b'], ['b', 'x'])).toEqual({ ok: false, edit: 2, why: 'several' });
  expect(edit('aaa', ['aa', 'x'])).toEqual({ ok: false, edit: 1, why: 'several' });
  expect(withEdits('a', [{ old: 'a', new: 'bbb' }], 2)).toEqual({ ok: false, edit: 1, why: 'too-long' });
});

it('keeps CRLF, a BOM and a last line without an end', () => {
  expect(edit('\uFEFFa\r\nb\r\nc', ['a\nb', 'x\ny'])).toEqual({ ok: true, text: '\uFEFFx\r\ny\r\nc' });
  expect(edit('a\r\nb\r\n', ['a\r\n', 'x\r\n'])).toEqual({ ok: true, text: 'x\r\nb\r\n' });
  // Line ends of both kinds are left as they are.
  expect(edit('a\r\nb\nc\n', ['b\nc', 'x\ny'])).toEqual({ ok: true, text: 'a\r\nx\ny\n' });
  expect(edit('a\r\nb\nc\n', ['a\nb', 'x'])).toEqual({ ok: false, edit: 1, why: 'no-match' });
});

it('finds what a plain search finds', () => {
  const few = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 30 });
  fc.assert(
    fc.property(few, few, (text, word) => {
      const first = word === '' ? -1 : text.indexOf(word);
      const second = first < 0 ? -1 : text.indexOf(word, first + 1);
      const made = edit(text, [word, 'X']);
      if (first < 0) expect(made).toMatchObject({ why: 'no-match' });
      else if (second >= 0) expect(made).toMatchObject({ why: 'several' });
      else expect(made).toEqual({ ok: true, text: text.slice(0, first) + 'X' + text.slice(first + word.length) });
    }),
    { numRuns: 2_000 },
  );
});

it('takes no longer for a text and a word that were made to take long', () => {
  const text = 'a'.repeat(MOST);
  const before = performance.now();
  expect(edit(text, [`${'a'.repeat(250_000)}b${'a'.repeat(250_000)}`, 'x'])).toMatchObject({ why: 'no-match' });
  expect(edit(text, ['a'.repeat(500_000), 'x'])).toMatchObject({ why: 'several' });
  expect(performance.now() - before).toBeLessThan(3_000);
});
