import { clip, wrapText } from './cells.ts';
import { bold, dim } from './style.ts';

/** One thing that happened in the conversation, as shown and as kept in its history. */
export type Entry =
  | { readonly kind: 'prompt'; readonly text: string }
  | { readonly kind: 'say'; readonly text: string }
  /** A tool call with what it gave; `failed` marks an end that the agent did not want. */
  | { readonly kind: 'tool'; readonly title: string; readonly output: string; readonly failed: boolean }
  | { readonly kind: 'note'; readonly text: string };

const MOST_CHARACTERS = 4000;
const MOST_PROMPT_ROWS = 8;
const MOST_OUTPUT_ROWS = 10;

/** An entry as rows of at most `columns`, after a blank one. */
export function entryRows(entry: Entry, columns: number): string[] {
  switch (entry.kind) {
    case 'prompt':
      return ['', ...hang('❯ ', shorten(wrap(entry.text, columns - 2), MOST_PROMPT_ROWS)).map(bold)];
    case 'say':
      return ['', ...hang('● ', wrap(entry.text, columns - 2))];
    case 'tool':
      return ['', ...toolRows(entry, columns)];
    case 'note':
      return hang('  ⎿  ', wrap(entry.text, columns - 5)).map(dim);
  }
}

/** What stands at the top of the terminal when the program has started. */
export function bannerRows(facts: readonly string[], columns: number): string[] {
  const mark = [' ▄▀▄  ', ' ▀▄▀  ', '      '];
  return ['Rehearsal agent', ...facts].map((fact, index) => clip(`${mark[index] ?? '      '}${fact}`, columns));
}

function toolRows(entry: Entry & { kind: 'tool' }, columns: number): string[] {
  const title = clip(`● ${entry.title}${entry.failed ? ' (failed)' : ''}`, columns);
  if (entry.output === '') return [title];
  return [title, ...hang('  ⎿  ', tail(wrap(entry.output.trimEnd(), columns - 5), MOST_OUTPUT_ROWS)).map(dim)];
}

function wrap(text: string, columns: number): string[] {
  return wrapText(text.slice(0, MOST_CHARACTERS), Math.max(4, columns));
}

function hang(first: string, rows: readonly string[]): string[] {
  const indent = ' '.repeat(first.length);
  return rows.map((row, index) => (index === 0 ? first : indent) + row);
}

function shorten(rows: readonly string[], most: number): readonly string[] {
  return rows.length <= most ? rows : [...rows.slice(0, most - 1), `… +${rows.length - most + 1} lines`];
}

function tail(rows: readonly string[], most: number): readonly string[] {
  return rows.length <= most ? rows : [`… ${rows.length - most + 1} lines above`, ...rows.slice(1 - most)];
}
