import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Trees } from '../../core/rolled-back.ts';
import type { BranchCommit } from '../../engine/ports.ts';
import { changedFiles, type Change } from './changes.ts';
import { copyIndex } from './index-copy.ts';
import { mustGit, type GitCall, type RunGit } from './run.ts';
import { AUTHOR, treeOf } from './snapshot.ts';

/** HEAD, and the trees of index and files as they are now. Throws a GitError while the index has conflicts. */
export async function lookAtLayers(run: RunGit, path: string): Promise<Trees> {
  const head = await mustGit(run, path, ['rev-parse', '--verify', 'HEAD^{commit}']);
  return { head, index: await indexTree(run, path), files: await treeOf(run, path) };
}

/** Asked of a copy: writing a tree notes it in the index, which an agent's git may be about to write. */
async function indexTree(run: RunGit, path: string): Promise<string> {
  return withIndex(async (copy, call) => {
    await copyIndex(run, { path, copy, call });
    return mustGit(run, path, ['write-tree'], call);
  });
}

/** Works with an index of its own, which is gone afterwards. */
export async function withIndex<T>(act: (copy: string, call: GitCall) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tmops-index-'));
  try {
    const copy = join(folder, 'index');
    return await act(copy, { env: { GIT_INDEX_FILE: copy }, long: true });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const ROOT = 'refs/tmops/';

/** Makes commits of the trees, on top of HEAD as it was, and holds on to all three. */
export async function keepLayers(run: RunGit, path: string, trees: Trees, name: string): Promise<Trees> {
  const commit = (tree: string, what: string): Promise<string> =>
    mustGit(run, path, ['commit-tree', tree, '-p', trees.head, '-m', `tmops ${what} of ${name}`], { env: AUTHOR });
  const kept = {
    head: trees.head,
    index: await commit(trees.index, 'index'),
    files: await commit(trees.files, 'files'),
  };
  for (const [layer, held] of Object.entries(kept))
    await mustGit(run, path, ['update-ref', `${ROOT}${name}-${layer}`, held]);
  return kept;
}

/** Null where git does not have the commit any more. */
export async function parentOf(run: RunGit, path: string, commit: string): Promise<string | null> {
  const ran = await run(path, ['rev-parse', '--verify', '--quiet', `${commit}^1`]);
  return ran.exitCode === 0 ? ran.stdout.trim() : null;
}

/** What differs in the files; what differs in another layer alone counts as modified. */
export async function differingFiles(run: RunGit, path: string, from: Trees, to: Trees): Promise<readonly Change[]> {
  const [files, heads, indexes] = await Promise.all([
    changedFiles(run, path, { from: from.files, to: to.files }),
    changedFiles(run, path, { from: from.head, to: to.head }),
    changedFiles(run, path, { from: from.index, to: to.index }),
  ]);
  const seen = new Set(files.map((change) => change.path));
  const others = [...heads, ...indexes].filter(({ path: file }) => !seen.has(file) && seen.add(file));
  return [...files, ...others.map(({ path: file }): Change => ({ path: file, how: 'modified' }))];
}

const MOST_COMMITS = 1000;

/** Commits of HEAD after `since`, newest first, with the files that each changed. */
export async function commitsSince(run: RunGit, path: string, since: string): Promise<readonly BranchCommit[]> {
  // With -z every word ends in NUL, and nothing is quoted or shortened; the mark tells a commit from a file.
  const args = [
    'log',
    '-z',
    '--no-renames',
    '--name-only',
    `--max-count=${MOST_COMMITS}`,
    '--format=tformat:%x01%H %s',
  ];
  const text = await mustGit(run, path, [...args, `${since}..HEAD`, '--'], { long: true });
  const commits: { commit: string; subject: string; files: string[] }[] = [];
  for (const word of text.split('\0').map((each) => each.replace(/^\n/, ''))) {
    const [, commit, subject] = /^\u0001([0-9a-f]+) (.*)$/s.exec(word) ?? [];
    if (commit !== undefined && subject !== undefined) commits.push({ commit, subject, files: [] });
    else if (word !== '') commits.at(-1)?.files.push(word);
  }
  return commits;
}
