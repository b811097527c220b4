import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { breakRows, clip, graphemes, textColumns, wrapText } from '../../src/rehearsal/cells.ts';
import { composerWith, edit, emptyComposer, textOf, tidy, type Composer } from '../../src/rehearsal/composer.ts';
import { drawLive, menuIsOpen } from '../../src/rehearsal/frame.ts';
import type { Key } from '../../src/rehearsal/keys.ts';
import { delivered, namedFiles } from '../../src/rehearsal/prompt.ts';

const text = (words: string): Key => ({ kind: 'text', text: words });
const paste = (words: string): Key => ({ kind: 'paste', text: words });
const control = (letter: string): Key => ({ kind: 'control', letter });
const after = (...keys: Key[]): Composer => keys.reduce(edit, emptyComposer);
const view = {
  surface: 'composer',
  mode: 'prompt',
  ghost: '',
  queued: [],
  stashed: false,
  composer: emptyComposer,
} as const;

describe('edit', () => {
  it.each<[string, Key[], string]>([
    ['typing', [text('ab'), text('c')], 'abc'],
    ['inserting before the cursor', [text('ac'), { kind: 'left' }, text('b')], 'abc'],
    ['backspace takes a whole character', [text('e👨‍👩‍👧'), { kind: 'backspace' }], 'e'],
    ['delete', [text('abc'), { kind: 'home' }, { kind: 'delete' }], 'bc'],
    ['a line break', [text('a'), { kind: 'newline' }, text('b')], 'a\nb'],
    ['to the line begin and end', [text('b'), control('a'), text('a'), control('e'), text('c')], 'abc'],
    ['cutting the line', [text('one'), { kind: 'newline' }, text('two'), control('u')], 'one\n'],
    ['cutting the rest of the line', [text('one two'), control('a'), control('k')], ''],
    ['cutting a word', [text('one two'), control('w')], 'one '],
    ['a paste after a draft', [text('draft '), paste('pasted')], 'draft pasted'],
    ['tabs become spaces', [paste('a\tb')], 'a    b'],
    ['line ends', [paste('a\r\nb\rc')], 'a\nb\nc'],
    ['escape sequences are taken out', [paste('a\x1b[31mb\x1b\x07c')], 'abc'],
    ['keys that edit nothing', [text('a'), { kind: 'up' }, { kind: 'escape' }, control('g')], 'a'],
  ])('%s', (_, keys, expected) => {
    expect(textOf(after(...keys))).toBe(expected);
  });

  it('shows a long paste as a label and keeps its text', () => {
    const long = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n');
    const composer = after(text('see '), paste(long));
    expect(composer.cells.map(({ shown }) => shown).join('')).toBe('see [Pasted text #1 +29 lines]');
    expect(textOf(composer)).toBe(`see ${long}`);
    expect(textOf(edit(composer, { kind: 'backspace' }))).toBe('see ');
  });

  it('keeps any pasted text, tidied', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 2000 }), (words) => {
        expect(textOf(after(paste(words)))).toBe(tidy(words));
      }),
    );
  });

  it('knows that text came by paste until the box is empty again', () => {
    expect(after(text('a')).pasted).toBe(false);
    expect(after(paste('a'), text('b')).pasted).toBe(true);
    expect(after(paste('a'), { kind: 'backspace' }).pasted).toBe(false);
  });
});

describe('rows', () => {
  it.each([
    ['at spaces', 'one two three', 8, ['one two', 'three']],
    ['inside a word that is too long', 'abcdefgh', 3, ['abc', 'def', 'gh']],
    ['a long word after a short one', 'a bcdefgh', 4, ['a', 'bcde', 'fgh']],
    ['at line ends', 'a\n\nb', 8, ['a', '', 'b']],
    ['wide characters', '日本語', 4, ['日本', '語']],
    ['nothing', '', 8, ['']],
  ])('breaks %s', (_, words, columns, rows) => {
    expect(wrapText(words, columns)).toEqual(rows);
  });

  it('loses nothing and never overflows but by spaces', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 300 }),
        fc.integer({ min: 2, max: 40 }),
        (words, columns) => {
          const units = graphemes(words.replaceAll('\n', ' '));
          const rows = breakRows(units, columns).map(({ from, to }) => units.slice(from, to).join(''));
          expect(rows.join('')).toBe(units.join(''));
          for (const row of rows) expect(textColumns(row.replace(/ +$/, ''))).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  it('clips with an ellipsis', () => {
    expect(clip('abcdef', 4)).toBe('abc…');
    expect(clip('abcd', 4)).toBe('abcd');
  });

  it('never draws more rows than the terminal has, and puts the cursor into them', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 400 }),
        fc.integer({ min: 10, max: 120 }),
        fc.integer({ min: 3, max: 40 }),
        (words, columns, rows) => {
          const frame = drawLive({ ...view, composer: composerWith(words), activity: 'Thinking…' }, { columns, rows });
          expect(frame.rows.length).toBeLessThanOrEqual(rows);
          expect(frame.cursor.row).toBeLessThan(frame.rows.length);
          expect(frame.cursor.column).toBeLessThan(columns);
        },
      ),
    );
  });

  it('draws the box between two rules', () => {
    const frame = drawLive({ ...view, composer: composerWith('hello') }, { columns: 20, rows: 5 });
    const rule = '─'.repeat(20);
    expect(frame.rows).toEqual(['', rule, '❯ hello', rule, '  ? for shortcuts ·…']);
    expect(frame.cursor).toEqual({ row: 2, column: 7 });
  });
});

describe('prompts', () => {
  it.each([
    ['Read .tmops/a/current/roles/tester.md and follow it. [tmops#1]', ['.tmops/a/current/roles/tester.md']],
    ['@.tmops/a/prompts/0007.md [tmops#7]', ['.tmops/a/prompts/0007.md']],
    ['write to me@example.org', []],
    ['[BEGIN]: Start test writing [tmops#2]', []],
  ])('%s names its files', (line, files) => {
    expect(namedFiles(line)).toEqual(files);
  });

  it('marks long text as pasted', () => {
    expect(delivered('short', true, '0001')).toBe('short');
    expect(delivered('a\nb\nc\nd', true, '0001')).toContain('<pasted_content id="0001">\na\nb\nc\nd\n');
    expect(delivered('a\nb\nc\nd', false, '0001')).toBe('a\nb\nc\nd');
    expect(delivered('x'.repeat(801), false, '0001')).toContain('<pasted_content');
  });

  it.each([
    ['/', true],
    ['/cl', true],
    ['/tmp/file', false],
    ['/clear now', false],
    ['text', false],
  ])('a menu is open for %j: %s', (words, open) => {
    expect(menuIsOpen(composerWith(words))).toBe(open);
  });
});
