import type { Shortfall } from './checkpoint.ts';

/** Brackets and braces that may be open at once; prose and samples of code have a handful. */
const MAX_DEPTH = 100;
const FENCE = '---';

/**
 * What no checkpoint holds and what costs whoever reads it further as data too much: front matter that is more than plain
 * `key: value` lines (anchors and aliases that multiply), and brackets nested without end. Null when there is nothing of it.
 * tmops itself reads lines and expands nothing. In time linear in the text; it fails on no text.
 */
export function excessIn(lines: readonly string[], ended: boolean): Shortfall | null {
  return frontMatterExcess(ended ? lines : lines.slice(0, -1)) ?? depthExcess(lines);
}

/** A key, and a value that begins no collection, anchor, alias, tag or block; or nothing, or a remark. */
const PLAIN = /^(?:#.*|[\p{L}\p{N}_][^:]{0,60}:(?:\s+[^[\]{}&*!|>\s].*)?)?$/u;

function frontMatterExcess(lines: readonly string[]): Shortfall | null {
  const first = lines.findIndex((line) => line !== '');
  if (lines[first] !== FENCE) return null;
  for (const [offset, text] of lines.slice(first + 1).entries()) {
    if (text === FENCE) return null;
    if (!PLAIN.test(text))
      return { line: first + offset + 2, found: text, expected: 'front matter of plain `key: value` lines, or none' };
  }
  return null;
}

function depthExcess(lines: readonly string[]): Shortfall | null {
  let depth = 0;
  for (const [index, text] of lines.entries()) {
    for (const character of text) {
      if (character === '[' || character === '{') depth += 1;
      else if ((character === ']' || character === '}') && depth > 0) depth -= 1;
      if (depth > MAX_DEPTH)
        return { line: index + 1, found: text, expected: `at most ${MAX_DEPTH} brackets or braces open at once` };
    }
    // Prose leaves some open; only what a text has as one piece counts.
    if (text === '') depth = 0;
  }
  return null;
}
