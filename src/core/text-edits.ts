/** What became of edits. `edit` counts from 1. */
export type Edited =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly edit: number; readonly why: 'no-match' | 'several' | 'too-long' };

/**
 * Makes the edits one after the other. Each `old` must occur exactly once in what the edits before it left; occurrences
 * that overlap count. The text may at no time be longer than `maxLength` UTF-16 units.
 *
 * Where every line of the text ends in CRLF, line ends of the edits are read as such, so that they need not be spelled out
 * and the file keeps them. A text with line ends of both kinds is taken as it stands.
 */
export function withEdits(
  text: string,
  edits: readonly { readonly old: string; readonly new: string }[],
  maxLength: number,
): Edited {
  const isCrlf = text.includes('\r\n') && !/(?:^|[^\r])\n/.test(text);
  const plain = (words: string): string => (isCrlf ? words.replaceAll('\r\n', '\n') : words);
  let now = plain(text);
  for (const [index, edit] of edits.entries()) {
    const old = plain(edit.old);
    const found = occurrences(now, old);
    if (found.length !== 1) return { ok: false, edit: index + 1, why: found.length === 0 ? 'no-match' : 'several' };
    const at = found[0] ?? 0;
    now = now.slice(0, at) + plain(edit.new) + now.slice(at + old.length);
    if (now.length > maxLength) return { ok: false, edit: index + 1, why: 'too-long' };
  }
  return { ok: true, text: isCrlf ? now.replaceAll('\n', '\r\n') : now };
}

/**
 * Where `word` begins in `text`: at most the first two places; none for an empty word. In linear time by the borders of its
 * beginnings: `indexOf` takes minutes for a word and a text of a megabyte that were made for it.
 */
function occurrences(text: string, word: string): readonly number[] {
  if (word === '' || word.length > text.length) return [];
  const borders = bordersOf(word);
  const found: number[] = [];
  let matched = 0;
  for (let at = 0; at < text.length && found.length < 2; at += 1) {
    const unit = text.charCodeAt(at);
    while (matched > 0 && (matched === word.length || word.charCodeAt(matched) !== unit))
      matched = borders[matched] ?? 0;
    if (word.charCodeAt(matched) === unit) matched += 1;
    if (matched === word.length) found.push(at - word.length + 1);
  }
  return found;
}

/** For each length of a beginning: how long the longest shorter one is that this beginning also ends with. */
function bordersOf(word: string): Int32Array {
  const borders = new Int32Array(word.length + 1);
  for (let length = 2, border = 0; length <= word.length; length += 1) {
    const unit = word.charCodeAt(length - 1);
    while (border > 0 && word.charCodeAt(border) !== unit) border = borders[border] ?? 0;
    if (word.charCodeAt(border) === unit) border += 1;
    borders[length] = border;
  }
  return borders;
}
