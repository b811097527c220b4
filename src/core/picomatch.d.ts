// The package has no types of its own; this is the part that is used.
declare module 'picomatch' {
  interface Options {
    /** A leading dot is matched like any other character. */
    readonly dot: boolean;
    /** A leading `!` is a character of the name. */
    readonly nonegate: boolean;
    readonly windows: boolean;
    /** Of the regular expression. */
    readonly flags: string;
  }
  export default function picomatch(globs: readonly string[], options: Options): (path: string) => boolean;
}
