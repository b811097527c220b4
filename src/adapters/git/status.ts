import { mustGit, type RunGit } from './run.ts';

/** Paths are relative to the working tree; each list is complete. */
export interface TreeStatus {
  readonly branch: string | null;
  readonly commit: string | null;
  readonly staged: readonly string[];
  readonly unstaged: readonly string[];
  readonly conflicted: readonly string[];
  /** A folder of untracked files counts once. */
  readonly untracked: readonly string[];
}

const SHOWN_FILES = 20;

/** What is not committed in the working tree `path`. Ignored files and `.tmops` are left out. */
export async function status(run: RunGit, path: string): Promise<TreeStatus> {
  const args = ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=normal'];
  return parseStatus(await mustGit(run, path, [...args, '--', '.', ':(exclude,top).tmops'], { long: true }));
}

/** Reads the output of `git status --porcelain=v2 --branch -z`. */
export function parseStatus(text: string): TreeStatus {
  const found = {
    branch: null as string | null,
    commit: null as string | null,
    staged: [] as string[],
    unstaged: [] as string[],
    conflicted: [] as string[],
    untracked: [] as string[],
  };
  const records = text.split('\0');
  for (let at = 0; at < records.length; at += 1) {
    const record = records[at] ?? '';
    if (record.startsWith('# ')) readHeader(record, found);
    else if (record.startsWith('? ')) found.untracked.push(record.slice(2));
    else if (record.startsWith('u ')) found.conflicted.push(afterFields(record, 10));
    else if (record.startsWith('1 ')) readChange(record, afterFields(record, 8), found);
    else if (record.startsWith('2 ')) {
      readChange(record, afterFields(record, 9), found);
      // The next record is the path it was renamed from.
      at += 1;
    }
  }
  return found;
}

/** Every path that has uncommitted changes, counted, the first of them by name. */
export function dirtyFiles(
  tree: TreeStatus,
  which: { readonly untracked: boolean },
): { readonly count: number; readonly files: readonly string[] } {
  const extra = which.untracked ? tree.untracked : [];
  const files = [...new Set([...tree.conflicted, ...tree.staged, ...tree.unstaged, ...extra])];
  return { count: files.length, files: files.slice(0, SHOWN_FILES) };
}

function readHeader(record: string, found: { branch: string | null; commit: string | null }): void {
  const [, name, value = ''] = record.split(' ');
  if (name === 'branch.head' && value !== '(detached)') found.branch = record.slice('# branch.head '.length);
  if (name === 'branch.oid' && value !== '(initial)') found.commit = value;
}

function readChange(record: string, path: string, found: { staged: string[]; unstaged: string[] }): void {
  if (record[2] !== '.') found.staged.push(path);
  if (record[3] !== '.') found.unstaged.push(path);
}

/** The rest of a record after `count` fields, each followed by one space. */
function afterFields(record: string, count: number): string {
  return record.split(' ').slice(count).join(' ');
}
