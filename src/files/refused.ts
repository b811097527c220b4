/** `not-regular`: something else than a file stands there. `led-away`: a link leads from the path to another place. */
export type RefusedKind = 'not-regular' | 'led-away';

/**
 * Something in `.tmops` is not what tmops put there: a link, a pipe, a device, a socket or a folder. It was neither read nor
 * written nor replaced. `code` is one of ours, in the manner of the system's.
 */
export class FileRefused extends Error {
  readonly kind: RefusedKind;
  readonly code: string;
  readonly path: string;
  readonly sentence: string;
  readonly hint: string;

  constructor(kind: RefusedKind, path: string, sentence: string) {
    super(sentence);
    this.name = 'FileRefused';
    this.kind = kind;
    this.code = CODES[kind];
    this.path = path;
    this.sentence = `${sentence}.`;
    this.hint = `See what it is: ls -ld ${quoted(path)}; put it aside: mv ${quoted(path)} ${quoted(`${path}.aside`)}. Then call again.`;
  }
}

const CODES: Readonly<Record<RefusedKind, string>> = { 'not-regular': 'ENOTREGULAR', 'led-away': 'ELEDAWAY' };

/** One word of a shell. */
export const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;

/** The code of a failed system call, or of a refusal of ours; '' for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
