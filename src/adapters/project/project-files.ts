import type { ProjectFiles } from '../../engine/role-ports.ts';
import { DRAFTS } from './role-draft.ts';
import { readRoleFile, writeRoleFile } from './role-files.ts';
import { openTurns } from './turns.ts';

/** What the files of a project need of git; the git adapter fits. */
export interface FilesGit {
  readonly files: Pick<ProjectFiles, 'list' | 'commit' | 'uncommitted' | 'difference' | 'addedLines'>;
  addExclude(root: string, pattern: string): Promise<boolean>;
}

/** Writes and commits in one worktree run one after the other, so that an edit is never made to what another one replaced. */
export function projectFiles(git: FilesGit): ProjectFiles {
  const inTurn = openTurns();
  const told = new Set<string>();
  /** git is told once for each worktree what drafts are called. */
  const tell = async (worktree: string): Promise<void> => {
    if (told.has(worktree)) return;
    await git.addExclude(worktree, DRAFTS);
    told.add(worktree);
  };
  return {
    ...git.files,
    read: readRoleFile,
    write: (worktree, path, change, may) =>
      inTurn(worktree, async () => {
        await tell(worktree);
        return writeRoleFile(worktree, path, change, may);
      }),
    commit: (worktree, order) => inTurn(worktree, () => git.files.commit(worktree, order)),
  };
}
