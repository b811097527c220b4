import { join } from 'node:path';
import type { AddedLine, LineCount, ProjectFiles } from '../../engine/role-ports.ts';
import { addedLines } from './added-lines.ts';
import { changedFiles } from './changes.ts';
import { commitFiles } from './commit-files.ts';
import { mustGit, type RunGit } from './run.ts';
import { treeOf } from './snapshot.ts';
import { isThere } from './standing.ts';

/** The part of `ProjectFiles` that git answers. `path` is the root of a working tree. */
export type WorktreeFiles = Pick<ProjectFiles, 'list' | 'commit' | 'uncommitted' | 'difference' | 'addedLines'>;

export function openWorktreeFiles(run: RunGit): WorktreeFiles {
  return {
    list: (path) => listFiles(run, path),
    commit: (path, order) => commitFiles(run, path, order),
    uncommitted: (path) => uncommitted(run, path),
    difference: (path, since) => difference(run, path, since),
    addedLines: (path, since, limit): Promise<readonly AddedLine[]> => addedLines(run, path, since, limit),
  };
}

/** Without repositories inside, which are no files of this one. */
async function listFiles(run: RunGit, path: string): Promise<readonly string[]> {
  const args = ['ls-files', '-z', '-t', '--stage', '--deleted', '--others', '--exclude-standard'];
  const found = new Set<string>();
  const gone = new Set<string>();
  const hidden: string[] = [];
  for (const record of (await mustGit(run, path, args, { long: true })).split('\0')) {
    const tag = record[0];
    const words = record.slice(2);
    // What git does not know has no mode, object and stage before it.
    const file = tag === '?' ? words : words.slice(words.indexOf('\t') + 1);
    if (file === '' || file.endsWith('/') || words.startsWith(GITLINK_MODE) || isOurs(file)) continue;
    if (tag === 'R') gone.add(file);
    else if (tag === 'S') hidden.push(file);
    else found.add(file);
  }
  // What a sparse checkout leaves out may be there all the same.
  for (const file of hidden) if (await isThere(join(path, file))) found.add(file);
  return [...found].filter((file) => !gone.has(file)).sort();
}

const GITLINK_MODE = '160000 ';

/** By the trees, so that what git was told to overlook (`assume-unchanged`) is seen; and what only the index holds. */
async function uncommitted(run: RunGit, path: string): Promise<readonly string[]> {
  const staged = [
    'diff-index',
    '--cached',
    '-z',
    '--name-only',
    '--no-renames',
    '--ignore-submodules=none',
    'HEAD',
    '--',
  ];
  const [tree, index] = await Promise.all([treeOf(run, path), mustGit(run, path, staged, { long: true })]);
  const files = (await changedFiles(run, path, { from: 'HEAD', to: tree })).map((change) => change.path);
  return [...new Set([...files, ...index.split('\0')])].filter((file) => file !== '' && !isOurs(file)).sort();
}

async function difference(run: RunGit, path: string, since: string): Promise<readonly LineCount[]> {
  const tree = await treeOf(run, path);
  const args = ['diff-tree', '-r', '-z', '--numstat', '--no-renames', '--no-ext-diff', '--no-textconv'];
  const text = await mustGit(run, path, [...args, '--end-of-options', since, tree, '--'], { long: true });
  const counts = text.split('\0').flatMap((record): LineCount[] => {
    const [, added, removed, file] = /^(\d+|-)\t(\d+|-)\t(.+)$/s.exec(record) ?? [];
    if (added === undefined || removed === undefined || file === undefined || isOurs(file)) return [];
    return [{ path: file, added: countOf(added), removed: countOf(removed) }];
  });
  return counts.sort((one, other) => (one.path < other.path ? -1 : 1));
}

const countOf = (word: string): number | null => (word === '-' ? null : Number(word));

const isOurs = (file: string): boolean => /^\.(?:tmops|git)(?:\/|$)/.test(file);
