import type { Labelled } from './outline.ts';

export type KeyValues =
  | { readonly kind: 'pairs'; readonly pairs: readonly Labelled[] }
  /** A line that is no pair. `cut` when it is the last line and has no end, so that it may still become one. */
  | { readonly kind: 'bad'; readonly line: number; readonly cut: boolean };

/** Reads `KEY=VALUE` lines. A line that is no pair carries on the value above it, as a message of several lines does. */
export function keyValues(lines: readonly string[], ended: boolean): KeyValues {
  const pairs: { label: string; line: number; values: string[] }[] = [];
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    const above = pairs.at(-1);
    const cut = keyLength(text);
    if (cut > 0) pairs.push({ label: text.slice(0, cut), line, values: [text.slice(cut + 1).trim()] });
    else if (above !== undefined) above.values.push(text);
    else if (text !== '') return { kind: 'bad', line, cut: line === lines.length && !ended };
  }
  return {
    kind: 'pairs',
    pairs: pairs.map(({ label, line, values }) => ({ label, line, value: values.join('\n').trim() })),
  };
}

/** Length of the key before `=`, 0 when the line is no pair. */
function keyLength(text: string): number {
  const cut = text.indexOf('=');
  return cut > 0 && /^[A-Z][A-Z0-9_]*$/.test(text.slice(0, cut)) ? cut : 0;
}
