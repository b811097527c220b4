const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The characters of a text as a human counts them. */
export function graphemes(text: string): string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return text.split('');
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/**
 * Columns a character takes on a terminal: 2 for East Asian wide ones and emoji, 0 for marks that stand alone.
 * An estimate: terminals differ, so rows are drawn with automatic wrapping off.
 */
export function columnsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/^\p{M}/u.test(character)) return 0;
  if (/\p{Emoji_Presentation}|\uFE0F/u.test(character)) return 2;
  return WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
}

const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];

/** Columns of a whole text. */
export function textColumns(text: string): number {
  return graphemes(text).reduce((sum, character) => sum + columnsOf(character), 0);
}

/** The text cut to `columns`, its last character an ellipsis when something was cut. */
export function clip(text: string, columns: number): string {
  if (textColumns(text) <= columns) return text;
  let kept = '';
  let used = 0;
  for (const character of graphemes(text)) {
    used += columnsOf(character);
    if (used > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Breaks units (characters, or blocks shown as one) into rows of `columns`, at spaces where there are some. A newline
 * unit ends its row and belongs to none. Spaces at a break stay on the row they end and may hang over its edge.
 */
export function breakRows(units: readonly string[], columns: number): Range[] {
  const rows: Range[] = [];
  let from = 0;
  let used = 0;
  let afterSpace = 0;
  for (let index = 0; index < units.length; index += 1) {
    const unit = units[index] ?? '';
    if (unit === '\n') {
      rows.push({ from, to: index });
      from = afterSpace = index + 1;
      used = 0;
      continue;
    }
    const width = unit.length === 1 ? columnsOf(unit) : textColumns(unit);
    if (unit !== ' ' && used + width > columns && index > from) {
      const to = afterSpace > from ? afterSpace : index;
      rows.push({ from, to });
      used = units.slice(to, index).reduce((sum, each) => sum + textColumns(each), 0);
      from = to;
    }
    used += width;
    if (unit === ' ') afterSpace = index + 1;
  }
  rows.push({ from, to: units.length });
  return rows;
}

/** A text as rows of at most `columns`. */
export function wrapText(text: string, columns: number): string[] {
  const units = graphemes(text.replaceAll('\t', '    '));
  return breakRows(units, columns).map(({ from, to }) => units.slice(from, to).join('').trimEnd());
}
