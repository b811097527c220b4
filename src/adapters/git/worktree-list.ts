import { mustGit, type RunGit } from './run.ts';

export interface WorktreeEntry {
  readonly path: string;
  /** Null when detached or bare. */
  readonly branch: string | null;
  /** The reason it is locked for (may be empty), or null when it is not locked. */
  readonly locked: string | null;
  readonly bare: boolean;
}

/** All worktrees of the repository, the main one first. */
export async function worktreeList(run: RunGit, root: string): Promise<readonly WorktreeEntry[]> {
  return parseWorktreeList(await mustGit(run, root, ['worktree', 'list', '--porcelain']));
}

/** Reads `git worktree list --porcelain` (its `-z` came with git 2.36 only, so a line feed in a path is not told apart). */
export function parseWorktreeList(text: string): readonly WorktreeEntry[] {
  return text
    .split(/\n\n+/)
    .filter((block) => block.trim() !== '')
    .map(readEntry);
}

function readEntry(block: string): WorktreeEntry {
  const lines = block.split('\n');
  return {
    path: valueOf(lines, 'worktree') ?? '',
    branch: valueOf(lines, 'branch')?.replace(/^refs\/heads\//, '') ?? null,
    locked: valueOf(lines, 'locked'),
    bare: lines.includes('bare'),
  };
}

function valueOf(lines: readonly string[], label: string): string | null {
  const line = lines.find((each) => each === label || each.startsWith(`${label} `));
  return line === undefined ? null : line.slice(label.length + 1);
}
