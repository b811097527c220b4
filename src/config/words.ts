export type Words =
  | { readonly ok: true; readonly words: readonly string[] }
  /** `found` is what a shell would act on, or the quote that is left open. */
  | { readonly ok: false; readonly found: string };

/** In the order tried: white space, quoted text, an escaped character, what only a shell can do, anything else. */
const PIECE = /(\s+)|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|(&&|\|\||>>|<<|[|&;<>`$()'"\\])|([^\s'"\\|&;<>`$()]+)/gsu;

/**
 * Splits a command line as a shell would, without one: white space separates, '…' and "…" hold together, \ takes the
 * next character as it is. What needs a shell (`&&`, `|`, `>`, `$HOME`, `CI=1 npm test`) is refused, never passed on as
 * an argument. Globs stay as they are.
 */
export function splitWords(line: string): Words {
  const words: string[] = [];
  let word: string | null = null;
  for (const [piece, space, single, double, escaped, forShell, plain] of line.matchAll(PIECE)) {
    if (forShell !== undefined) return { ok: false, found: piece };
    if (space === undefined)
      word = (word ?? '') + (single ?? (double === undefined ? null : unescaped(double)) ?? escaped ?? plain ?? '');
    else if (word !== null) {
      words.push(word);
      word = null;
    }
  }
  if (word !== null) words.push(word);
  const setting = /^[A-Za-z_][A-Za-z0-9_]*=/.exec(words[0] ?? '');
  return setting ? { ok: false, found: setting[0] } : { ok: true, words };
}

const unescaped = (text: string): string => text.replaceAll(/\\([\\"$`])/g, '$1');
