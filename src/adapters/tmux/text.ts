/** Ways of putting foreign text where tmux would read meaning into it. Pure. */

/**
 * Text for an option that a border or a status line shows as it is: `#` is doubled, or `#[fg=red]` would be a style;
 * control characters become blanks. At most 300 characters.
 */
export function shown(text: string): string {
  const blank = text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ');
  return Array.from(blank).slice(0, SHOWN_LIMIT).join('').replaceAll('#', '##');
}

/** What `shown` was given, but for blanks and length. */
export function unshown(text: string): string {
  return text.replaceAll('##', '#');
}

/**
 * Text for an argument that tmux expands as a format, such as a start directory. Before `[` tmux leaves any number of
 * `#` alone, so those must not be doubled.
 */
export function unexpanded(text: string): string {
  return text.replace(/#+(?!#)/g, (marks, at: number, whole: string) =>
    whole[at + marks.length] === '[' ? marks : marks.repeat(2),
  );
}

/**
 * A pattern for `#{C/r:…}` that finds a row as a whole; blanks that do not break may stand at its end. Signs that mean
 * something to a regular expression stand in brackets of their own; the two that also mean something to the format
 * around it (`}` ends it, `%` may be a time) are matched as "any character".
 */
export function wholeRowPattern(row: string): string {
  return `^${literal(row.trimEnd())}( |\u00a0)*$`;
}

function literal(text: string): string {
  if (text === '' || /[\p{Cc}\p{Cs}]/u.test(text)) {
    throw new Error(`Internal error: ${JSON.stringify(text)} is no row to look for`);
  }
  return text.replace(/[^\p{L}\p{N}\p{M}\P{ASCII} ]/gu, (sign) => {
    if (sign === '}' || sign === '%') return '.';
    return sign === '^' ? '\\^' : `[${sign}]`;
  });
}

/** A path for an option that is read again, never shown: nothing in it means anything to tmux or ends a column. */
export const asOption = (path: string): string => encodeURI(path).replaceAll('#', '%23');

/** What `asOption` was given; null for what it did not write. */
export function fromOption(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return null;
  }
}

const SHOWN_LIMIT = 300;
