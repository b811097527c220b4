import type { KeptAside } from '../../core/conflicted.ts';
import { tipOf } from './departure.ts';
import { withIndex } from './layers.ts';
import { copyIndex } from './index-copy.ts';
import { entriesOf, INDEX_INFO, indexInfo, noneOf } from './put-back.ts';
import { mustGit, type RunGit } from './run.ts';
import { AUTHOR, snapshot } from './snapshot.ts';

/** What an unfinished operation is about, and nothing else may hold. */
const OTHERS = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'REBASE_HEAD'];

/** Keeps HEAD, the branch, all files, and what is not committed as a stash, under refs; nothing else is changed. */
export async function setAside(
  run: RunGit,
  path: string,
  { branch, ref }: { readonly branch: string; readonly ref: string },
): Promise<KeptAside> {
  const hold = async (layer: string, commit: string): Promise<string> => {
    await mustGit(run, path, ['update-ref', `${ref}-${layer}`, commit]);
    return commit;
  };
  const head = await hold('head', await mustGit(run, path, ['rev-parse', '--verify', 'HEAD^{commit}']));
  const tip = await tipOf(run, path, branch);
  if (tip !== null) await hold('branch', tip);
  const other = await otherOf(run, path);
  if (other !== null) await hold('other', other);
  const { tree } = await snapshot(run, path, `${ref}-files`);
  const stash = await stashOf(run, path, { head, tree, ref });
  if (stash !== null) await hold('stash', stash);
  return { ref, head, branch: tip, stash };
}

async function otherOf(run: RunGit, path: string): Promise<string | null> {
  for (const name of OTHERS) {
    const ran = await run(path, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
    if (ran.exitCode === 0) return ran.stdout.trim();
  }
  return null;
}

/**
 * A commit of the shape that `git stash` makes (gitglossary, "stash entry"): the tracked files, on top of HEAD, of one with
 * the index and of one with the files that were never added. Its own list of stashes is the user's. Null where nothing is
 * uncommitted. An index with conflicts cannot be kept as a tree: the files stand for it, with their marks.
 */
async function stashOf(
  run: RunGit,
  path: string,
  { head, tree, ref }: { readonly head: string; readonly tree: string; readonly ref: string },
): Promise<string | null> {
  const listed = await mustGit(run, path, ['ls-files', '-z', '--others', '--exclude-standard'], { long: true });
  const fresh = listed.split('\0').filter((file) => file !== '' && file !== '.tmops' && !file.startsWith('.tmops/'));
  const entries = await entriesOf(run, path, tree, new Set(fresh));
  const tracked = await treeFrom(run, path, tree, indexInfo(fresh, new Map(), noneOf(head)));
  const untracked = await treeFrom(run, path, null, indexInfo([...entries.keys()], entries, noneOf(head)));
  const index = (await indexTree(run, path)) ?? tracked;
  const committed = await mustGit(run, path, ['rev-parse', `${head}^{tree}`]);
  if (tree === committed && index === committed) return null;
  const commit = (of: string, parents: readonly string[], what: string): Promise<string> =>
    mustGit(run, path, ['commit-tree', of, ...parents.flatMap((each) => ['-p', each]), '-m', `${what} of ${ref}`], {
      env: AUTHOR,
    });
  const parents = [head, await commit(index, [head], 'index')];
  if (entries.size > 0) parents.push(await commit(untracked, [], 'untracked files'));
  return commit(tracked, parents, 'files');
}

/** The tree with these changes (for `update-index --index-info`); null: from nothing. */
const treeFrom = (run: RunGit, path: string, tree: string | null, input: string): Promise<string> =>
  withIndex(async (_copy, call) => {
    await mustGit(run, path, tree === null ? ['read-tree', '--empty'] : ['read-tree', tree], call);
    if (input !== '') await mustGit(run, path, INDEX_INFO, { ...call, input });
    return mustGit(run, path, ['write-tree'], call);
  });

/** Null while it has conflicts. */
const indexTree = (run: RunGit, path: string): Promise<string | null> =>
  withIndex(async (copy, call) => {
    await copyIndex(run, { path, copy, call });
    const ran = await run(path, ['write-tree'], call);
    return ran.exitCode === 0 ? ran.stdout.trim() : null;
  });
