export interface Version {
  readonly major: number;
  readonly minor: number;
  /** As it was said, e.g. `3.3a` or `next-3.6`. */
  readonly text: string;
}

/**
 * The version in what a program says of itself: `tmux 3.3a`, `tmux next-3.6`, `git version 2.39.5 (Apple Git-154)`,
 * `2.1.329 (Claude Code)`, `v20.19.0`. Null where no version of the program's own stands: `tmux master`, and OpenBSD's
 * `tmux openbsd-7.4`, which is the version of the system.
 */
export function readVersion(said: string): Version | null {
  const found = /(?:^|\s)(?:v|next-)?(\d+)\.(\d+)[^\s,()]*/.exec(said);
  const [text, major, minor] = found ?? [];
  if (text === undefined || major === undefined || minor === undefined) return null;
  return { major: Number(major), minor: Number(minor), text: text.trim() };
}

/** Whether the version is `needed` (`3.3`) or newer. */
export function isAtLeast({ major, minor }: Version, needed: string): boolean {
  const [needMajor = 0, needMinor = 0] = needed.split('.').map(Number);
  return major > needMajor || (major === needMajor && minor >= needMinor);
}

const MAX_LINE = 200;

/** The first line of what a program wrote, cut where it goes on too long. */
export function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').trim().slice(0, MAX_LINE);
}
