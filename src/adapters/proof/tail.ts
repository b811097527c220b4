import { stripVTControlCharacters } from 'node:util';

const MOST_CHARS = 4_000;
/** Colours and other sequences go out of it afterwards. */
const RAW_CHARS = 16 * MOST_CHARS;

/** Takes text as it comes and keeps its end. */
export interface Tail {
  add(text: string): void;
  /** The end as plain text, at most 4,000 characters, without sequences, control and invisible characters. */
  text(): string;
}

export function openTail(): Tail {
  let raw = '';
  return {
    add(text) {
      raw = (raw + text).slice(-RAW_CHARS);
    },
    text: () => lastLines(plain(raw)),
  };
}

/** A carriage return begins a line anew, as progress bars do; what it would overwrite is kept. */
const plain = (raw: string): string =>
  stripVTControlCharacters(raw)
    .replaceAll(/\r+\n?/g, '\n')
    .replaceAll(/[^\P{C}\n\t]/gu, '')
    .trimEnd();

function lastLines(text: string): string {
  if (text.length <= MOST_CHARS) return text;
  const end = text.slice(-MOST_CHARS);
  const line = end.indexOf('\n');
  // Half of a character may be left where a single line is longer than all that is kept.
  return line < 0 ? end.replace(/^[\uDC00-\uDFFF]/, '') : end.slice(line + 1);
}
