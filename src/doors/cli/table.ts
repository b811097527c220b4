import type { Look, Tone } from './look.ts';
import { cleanLine, fit, widthOf } from './text.ts';

/** What stands in one place of a table: text, or text with a tone. */
export type Cell = string | null | readonly [text: string, tone: Tone];

const GAP = '  ';

/**
 * Aligned columns under faint headings, indented by two, cut to the width of the look. A column without any text is
 * left out, and a table without rows is no lines.
 */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], look: Look): string[] {
  if (rows.length === 0) return [];
  const plain = rows.map((row) => row.map(parts));
  const used = headings.map((_, column) => plain.some((row) => row[column]?.text !== ''));
  const widths = headings.map((heading, column) =>
    Math.max(widthOf(heading), ...plain.map((row) => widthOf(row[column]?.text ?? ''))),
  );
  const top = headings.map((text): Part => ({ text, tone: 'faint' }));
  return [top, ...plain].map((row) => lineOf(row, widths, used, look));
}

interface Part {
  readonly text: string;
  readonly tone: Tone;
}

function parts(cell: Cell): Part {
  const [text, tone] = cell === null || typeof cell === 'string' ? [cell ?? '', 'plain' as const] : cell;
  return { text: cleanLine(text), tone };
}

function lineOf(
  row: readonly Part[],
  widths: readonly number[],
  used: readonly boolean[],
  { columns, ink }: Look,
): string {
  let line = '';
  let width = 0;
  for (const [column, { text, tone }] of row.entries()) {
    if (!used[column]) continue;
    const room = columns - width - GAP.length;
    if (room <= 0) break;
    const shown = fit(text, room);
    const padding = Math.min(room, widths[column] ?? 0) - widthOf(shown);
    line += GAP + ink(shown, tone) + ' '.repeat(padding);
    width += GAP.length + widthOf(shown) + padding;
  }
  return line.trimEnd();
}
