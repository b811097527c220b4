import { plainText } from '../../app/pane-text.ts';
import { printable } from '../../app/printable.ts';

/** Characters a terminal draws two columns wide (East Asian wide and emoji), roughly as Unicode's UAX 11 has them. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const MARK = /\p{M}/u;

/** Text as it may be printed: no escapes, no control or invisible characters; tabs become spaces, lines stay. */
export function clean(text: string): string {
  return plainText(text.replaceAll('\t', '  '));
}

/** The same on one line. */
export function cleanLine(text: string): string {
  return clean(text).replaceAll(/\s*\n\s*/g, ' ');
}

/** Columns that clean text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfOne(character);
  return width;
}

/** Cuts clean text to `columns`, with … where something is left out. */
export function fit(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    width += widthOfOne(character);
    if (width >= columns) break;
    kept += character;
  }
  return columns > 0 ? `${kept.trimEnd()}…` : '';
}

/** Breaks clean text at spaces into lines of at most `columns`; a longer word is cut. What fits stays as it is. */
export function wrap(text: string, columns: number, indent = ''): string[] {
  const room = columns - indent.length;
  if (widthOf(text) <= room) return [indent + text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(/ +/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || widthOf(longer) <= room) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line].map((each) => indent + fit(each, room));
}

/** JSON for people and scripts in which no character can act on a terminal. */
export const printableJson = (value: unknown, indent = 2): string => printable(JSON.stringify(value, null, indent));

function widthOfOne(character: string): number {
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
