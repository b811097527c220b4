import type { Row } from './capture.ts';

/** The choices of a question, of which one is marked. */
export interface Choices {
  readonly choices: readonly Choice[];
  /** Index of the marked choice. */
  readonly marked: number;
  /** Index of the row with the mark. */
  readonly markedRow: number;
  /** Whether a longer list has been scrolled, or does not fit. */
  readonly missing: 'none' | 'some';
}

export interface Choice {
  /** As shown, with what it goes on with in the rows below, in one line. */
  readonly label: string;
  /** Without the explanation that begins in a row of its own; the whole label where there is none. */
  readonly short: string;
}

/** The choices among these rows, or null when none of them is marked. */
export function findChoices(rows: readonly Row[]): Choices | null {
  const markedRow = rows.findIndex((row) => markOf(row) !== null);
  const mark = rows[markedRow];
  const column = mark === undefined ? undefined : markOf(mark)?.column;
  if (mark === undefined || column === undefined) return null;
  return /❯ +[0-9]+\./.test(mark.text) ? numbered(rows, markedRow) : unnumbered(rows, markedRow, column);
}

/** `❯ 1. Yes` or, with at least one blank before the sign, `❯ Yes` or `❯ ✔ Yes` (the one in force). */
function markOf(row: Row): { column: number } | null {
  const found = /^( *)❯ +(?:✔ +)?(?=\S)/.exec(row.text);
  if (found === null || (found[1] === '' && !/^❯ +[0-9]+\. /.test(row.text))) return null;
  return { column: found[0].length };
}

interface Line {
  readonly row: number;
  readonly sign: string;
  readonly number: number;
  readonly text: string;
  /** Where the number begins, and where it ends: lists of ten and more are aligned to the right. */
  readonly begin: number;
  readonly end: number;
}

/** `2. No`, perhaps with a sign for the mark or for more rows above or below. */
function lineOf(row: Row, index: number): Line | null {
  const found = /^( *)(?:([❯↑↓])( *))?([0-9]+)\. +(.*)$/.exec(row.text);
  if (found === null) return null;
  const [, before = '', sign = '', between = '', digits = '', text = ''] = found;
  const begin = before.length + sign.length + between.length;
  return { row: index, sign, number: Number(digits), text, begin, end: begin + digits.length };
}

/**
 * The list that the marked row is part of: its numbers rise by one, in one column. A list in the question above begins
 * with 1 too, so that the nearest row of each number counts.
 */
function numbered(rows: readonly Row[], markedRow: number): Choices | null {
  const lines = rows.map(lineOf);
  const mark = lines[markedRow];
  if (!mark) return null;
  const alike = (line: Line | null): line is Line =>
    line !== null && (line.begin === mark.begin || line.end === mark.end);
  const chain: Line[] = [mark];
  for (const line of lines.slice(0, markedRow).reverse()) {
    const first = chain[0] ?? mark;
    if (first.number <= 1 || first.sign === '↑') break;
    if (alike(line) && line.number < first.number) chain.unshift(line);
  }
  for (const line of lines.slice(markedRow + 1)) {
    const last = chain.at(-1) ?? mark;
    if (alike(line) && line.number > last.number) chain.push(line);
  }
  const isWhole = chain.every((line, index) => line.number === index + 1 && (line.sign === '' || line.sign === '❯'));
  const columns = Math.max(...rows.map((row) => row.text.length));
  return {
    choices: chain.map((line, index) => {
      const below = rows.slice(line.row + 1, chain[index + 1]?.row ?? rows.length);
      return choiceOf(`${line.number}. ${line.text}`, continuation(below, line.begin), {
        used: rows[line.row]?.text.length ?? 0,
        columns,
      });
    }),
    marked: chain.indexOf(mark),
    markedRow,
    missing: isWhole ? 'none' : 'some',
  };
}

/** What a choice goes on with: rows that begin further in than its number, up to the next choice or an empty row. */
function continuation(rows: readonly Row[], column: number): string[] {
  const end = rows.findIndex((row) => row.text === '');
  const own = end < 0 ? rows : rows.slice(0, end);
  return own.filter((row) => indentOf(row) > column).map((row) => row.text.trim());
}

/** A row that ends early was not wrapped: what follows explains it. */
function choiceOf(
  label: string,
  below: readonly string[],
  { used, columns }: { readonly used: number; readonly columns: number },
): Choice {
  const whole = [label, ...below].join(' ');
  const firstWord = below[0]?.split(' ')[0] ?? '';
  const isExplained = below.length > 0 && used + 1 + firstWord.length + WRAP_MARGIN <= columns;
  return { label: whole, short: isExplained ? label : whole };
}

/** Claude Code leaves some columns free at the right when it wraps. */
const WRAP_MARGIN = 4;

/** The rows around the marked one that begin in its column. One that goes on in lower case is the end of a wrapped one. */
function unnumbered(rows: readonly Row[], markedRow: number, column: number): Choices {
  const belongs = (row: Row | undefined): boolean => row !== undefined && row.text !== '' && indentOf(row) === column;
  let first = markedRow;
  let last = markedRow;
  while (belongs(rows[first - 1])) first -= 1;
  while (belongs(rows[last + 1])) last += 1;
  const choices: string[] = [];
  let marked = 0;
  for (const [index, row] of rows.slice(first, last + 1).entries()) {
    const text = row.text.replace(/^[ ❯✔]+/, '');
    if (/^[a-z(]/.test(text) && choices.length > 0) choices.push(`${choices.pop() ?? ''} ${text}`);
    else choices.push(text);
    if (first + index === markedRow) marked = choices.length - 1;
  }
  return { choices: choices.map((label) => ({ label, short: label })), marked, markedRow, missing: 'none' };
}

function indentOf(row: Row): number {
  return row.text.length - row.text.trimStart().length;
}
