/** One tmux command as words, without any quoting: `['display-message', '-p', 'text']`. */
export type Command = readonly string[];

/** Commands that tmux runs one after the other without doing anything else in between; an error skips the rest. */
export type Chain = readonly Command[];

/** What came of a chain, whichever way it was sent. */
export type Reply =
  /** The lines that each command printed. */
  | { readonly kind: 'done'; readonly outputs: readonly (readonly string[])[] }
  /** tmux answered that it will not or cannot. */
  | { readonly kind: 'error'; readonly message: string }
  /** There is no server: whatever was asked about does not exist. */
  | { readonly kind: 'no-server'; readonly message: string }
  /** tmux could not be asked. `late`: it was asked and did not answer in time. */
  | { readonly kind: 'failed'; readonly why: string; readonly mayHaveRun: boolean; readonly late: boolean };

/** Sends a chain to the server. `repeatable` says that running it twice does no harm. */
export type Ask = (chain: Chain, options: { repeatable: boolean }) => Promise<Reply>;

/** The command line of control mode for a chain. Throws for text that cannot be part of a line. */
export function controlLine(chain: Chain): string {
  return chain.map((command) => command.map(quote).join(' ')).join(' ; ');
}

/** The arguments of a `tmux` process for a chain: tmux takes a last `;` of any argument as a separator, so it is escaped. */
export function childArguments(chain: Chain): string[] {
  return chain.flatMap((command, index) => [
    ...(index === 0 ? [] : [';']),
    ...command.map((word) => (word.endsWith(';') ? `${word.slice(0, -1)}\\;` : word)),
  ]);
}

/**
 * One argument for tmux's command parser (control mode, or a command inside of a command). Within single quotes the
 * parser reads nothing but the closing quote; a carriage return, which a line cannot carry, is written as `"\r"`, and
 * an escape as `"\e"`.
 */
export function quote(text: string): string {
  const refused = /[^\P{Cc}\t\r\x1b]|\p{Cs}/u.exec(text);
  if (refused !== null) {
    throw new Error(`Internal error: ${JSON.stringify(refused[0])} cannot be part of a tmux command line`);
  }
  return `'${text.replaceAll("'", "'\\''").replaceAll('\r', `'"\\r"'`).replaceAll('\x1b', `'"\\e"'`)}'`;
}

/** The same chain with `mark` printed after each command that prints, so that their outputs can be told apart. */
export function withMarks(chain: Chain, mark: string): Chain {
  return chain.flatMap((command, index) =>
    prints(command) && index < chain.length - 1 ? [command, ['display-message', '-p', mark]] : [command],
  );
}

/** Gives each command of the chain the lines it printed when it ran with marks. */
export function cutAtMarks(chain: Chain, lines: readonly string[], mark: string): string[][] {
  const pieces: string[][] = [[]];
  for (const line of lines) {
    if (line === mark) pieces.push([]);
    else pieces.at(-1)?.push(line);
  }
  return chain.map((command) => (prints(command) ? (pieces.shift() ?? []) : []));
}

function prints([name = '']: Command): boolean {
  return !SILENT.has(name);
}

/** Commands of ours that print nothing but errors. */
const SILENT = new Set(['set-option', 'set-buffer', 'select-layout', 'select-pane', 'resize-window', 'last-pane']);

/** Whether a message of tmux means that there is no server at all, as opposed to one that cannot be reached. */
export function meansNoServer(message: string): boolean {
  return /no server running on |error connecting to .*\(No such file or directory\)/.test(message);
}
