/** What can be wrong with a configuration, as facts; `say` in say.ts makes the sentences. */
export type FaultKind =
  /** The text is not YAML, or uses a part of YAML that is not accepted here. */
  | 'syntax'
  | 'duplicate-key'
  | 'unknown-key'
  | 'missing-key'
  /** A name in a map of free names (a role, a module) that cannot be one. */
  | 'bad-key'
  | 'wrong-type'
  | 'bad-value'
  /** `${NAME}` of a variable that is not set. */
  | 'unset-variable'
  /** `${…}` that is not written as an expansion is. */
  | 'bad-expansion'
  /** A `TMOPS_…` variable that stands for no key. */
  | 'unknown-variable'
  | 'missing-file'
  /** Two files where one is allowed, or one under a name that is not read. */
  | 'wrong-file'
  | 'unreadable-file'
  /** Somebody else may have written the file. */
  | 'untrusted-file'
  /** A bound of size, depth or count is passed. */
  | 'too-large';

/** Where something stands in a source. Lines and columns count from 1, columns in characters (code points). */
export interface Position {
  /** Absolute path of a file, or `environment`, or `command line`. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The text itself, as written; its first line. */
  readonly text: string;
  /** The whole line it stands on. */
  readonly sourceLine: string;
}

export interface ConfigFault extends Position {
  readonly kind: FaultKind;
  /** Dotted path of the key, e.g. `features.default_phases[1]`; empty for a whole file. */
  readonly key: string;
  /** What is allowed there, as the end of "expected …". */
  readonly expected: string;
  /** The known name that is nearest to an unknown one. */
  readonly nearest?: string;
}

export type KeyPath = readonly (string | number)[];

/** `['sinks', 0, 'module']` → `sinks[0].module`. */
export function dotted(path: KeyPath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}
