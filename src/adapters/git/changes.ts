import { mustGit, type RunGit } from './run.ts';

/** One path (relative to the top) that differs between two commits. A rename is a deletion and an addition. */
export interface Change {
  readonly path: string;
  readonly how: 'added' | 'modified' | 'deleted' | 'retyped';
}

/** What changed from one commit or ref to another (a snapshot's, say). */
export async function changedFiles(
  run: RunGit,
  path: string,
  between: { readonly from: string; readonly to: string },
): Promise<readonly Change[]> {
  const options = ['-r', '-z', '--name-status', '--no-renames', '--ignore-submodules=none', '--end-of-options'];
  return parseChanges(await mustGit(run, path, ['diff-tree', ...options, between.from, between.to, '--']));
}

/** Reads the output of `git diff-tree -z --name-status`. */
export function parseChanges(text: string): readonly Change[] {
  const words = text.split('\0').filter((word) => word !== '');
  return words.flatMap((letter, at) => {
    const path = words[at + 1];
    return at % 2 === 1 || path === undefined ? [] : [{ path, how: meaning(letter) }];
  });
}

function meaning(letter: string): Change['how'] {
  const how = MEANINGS[letter];
  if (how === undefined) throw new Error(`Internal error: diff-tree said ${JSON.stringify(letter)}`);
  return how;
}

const MEANINGS: Readonly<Record<string, Change['how']>> = { A: 'added', M: 'modified', D: 'deleted', T: 'retyped' };
