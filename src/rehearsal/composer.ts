import { graphemes } from './cells.ts';
import type { Key } from './keys.ts';

/** One character of the input box, or a whole paste that is shown as a short label. */
export interface Cell {
  readonly text: string;
  readonly shown: string;
}

/** The input box. `cursor` counts cells; `pasted` says that some of the text came by bracketed paste. */
export interface Composer {
  readonly cells: readonly Cell[];
  readonly cursor: number;
  readonly pasted: boolean;
}

export const emptyComposer: Composer = { cells: [], cursor: 0, pasted: false };

/** A paste longer than this is shown as a label and marked for the model (as Claude Code does it). */
export const INLINE_PASTE = { characters: 800, lines: 3 } as const;

/** The box after an editing key; the same box for keys that edit nothing. */
export function edit(composer: Composer, key: Key): Composer {
  switch (key.kind) {
    case 'text':
      return insert(composer, cellsOf(tidy(key.text)));
    case 'paste':
      return { ...insert(composer, pasteCells(composer, tidy(key.text))), pasted: true };
    case 'newline':
      return insert(composer, cellsOf('\n'));
    case 'backspace':
      return cut(composer, composer.cursor - 1, composer.cursor);
    case 'delete':
      return cut(composer, composer.cursor, composer.cursor + 1);
    case 'left':
      return moveTo(composer, composer.cursor - 1);
    case 'right':
      return moveTo(composer, composer.cursor + 1);
    case 'home':
      return moveTo(composer, lineStart(composer));
    case 'end':
      return moveTo(composer, lineEnd(composer));
    case 'control':
      return editByControl(composer, key.letter);
    case 'enter':
    case 'escape':
    case 'tab':
    case 'up':
    case 'down':
      return composer;
  }
}

/** The box with `text` typed into it from empty. */
export function composerWith(text: string): Composer {
  return insert(emptyComposer, cellsOf(tidy(text)));
}

/** Everything in the box, pastes in full. */
export function textOf(composer: Composer): string {
  return composer.cells.map(({ text }) => text).join('');
}

/** The box without its last character. */
export function withoutLast(composer: Composer): Composer {
  return cut(composer, composer.cells.length - 1, composer.cells.length);
}

/** Text as the box takes it: line ends as LF, a tab as four spaces, no escape sequences and no control characters. */
export function tidy(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .replaceAll('\t', '    ')
    .replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b/g, '')
    .replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '')
    .normalize('NFC');
}

function editByControl(composer: Composer, letter: string): Composer {
  switch (letter) {
    case 'a':
      return moveTo(composer, lineStart(composer));
    case 'e':
      return moveTo(composer, lineEnd(composer));
    case 'u':
      return cut(composer, lineStart(composer), composer.cursor);
    case 'k':
      return cut(composer, composer.cursor, lineEnd(composer));
    case 'w':
      return cut(composer, wordStart(composer), composer.cursor);
    default:
      return composer;
  }
}

function pasteCells(composer: Composer, text: string): Cell[] {
  const lines = text.split('\n').length;
  if (text.length <= INLINE_PASTE.characters && lines <= INLINE_PASTE.lines) return cellsOf(text);
  const number = composer.cells.filter((cell) => cell.shown.length > 2 && cell.shown !== cell.text).length + 1;
  return [{ text, shown: `[Pasted text #${number} +${lines - 1} lines]` }];
}

function cellsOf(text: string): Cell[] {
  return graphemes(text).map((character) => ({ text: character, shown: character }));
}

function insert(composer: Composer, cells: readonly Cell[]): Composer {
  const before = composer.cells.slice(0, composer.cursor);
  const after = composer.cells.slice(composer.cursor);
  return { ...composer, cells: [...before, ...cells, ...after], cursor: composer.cursor + cells.length };
}

function cut(composer: Composer, from: number, to: number): Composer {
  const start = Math.max(0, from);
  const end = Math.min(composer.cells.length, to);
  if (start >= end) return composer;
  const cells = [...composer.cells.slice(0, start), ...composer.cells.slice(end)];
  return { cells, cursor: Math.min(start, cells.length), pasted: composer.pasted && cells.length > 0 };
}

function moveTo(composer: Composer, cursor: number): Composer {
  return { ...composer, cursor: Math.max(0, Math.min(composer.cells.length, cursor)) };
}

function lineStart({ cells, cursor }: Composer): number {
  let at = cursor;
  while (at > 0 && cells[at - 1]?.text !== '\n') at -= 1;
  return at;
}

function lineEnd({ cells, cursor }: Composer): number {
  let at = cursor;
  while (at < cells.length && cells[at]?.text !== '\n') at += 1;
  return at;
}

function wordStart({ cells, cursor }: Composer): number {
  let at = cursor;
  while (at > 0 && cells[at - 1]?.text === ' ') at -= 1;
  while (at > 0 && cells[at - 1]?.text !== ' ' && cells[at - 1]?.text !== '\n') at -= 1;
  return at;
}
