/** Why a file was neither read nor written. Nothing was changed. `sentence` and `hint` are ours, for agents and people. */
export interface FileRefusal {
  readonly ok: false;
  readonly code: FileRefusalCode;
  readonly sentence: string;
  readonly hint: string;
}

export type FileRefusalCode =
  /** No path that can be meant: empty, too long, or with characters that no tool shows. */
  | 'file-bad-path'
  /** It lies outside of the worktree, or a link leads out. */
  | 'file-outside'
  | 'file-missing'
  /** A folder, a pipe, a device, a socket; of what is to be removed, also a link. */
  | 'file-not-regular'
  /** A NUL, or no UTF-8. */
  | 'file-not-text'
  | 'file-too-large'
  /** git's own, tmops' own, what the role may not write, what is read-only, or what the system refuses. */
  | 'file-not-allowed'
  /** Somebody else changed it, or a folder above it, in this very moment. */
  | 'file-changed'
  | 'edit-no-match'
  | 'edit-several';

/** `path`: where the file really lies, relative to the worktree, with `/`. `text`: as it stands, with a BOM and CRLF. */
export type FileRead = { readonly ok: true; readonly path: string; readonly text: string } | FileRefusal;

/** Each `old` must occur exactly once in the text as the edits before it leave it. All are made, or none is. */
export interface FileEdit {
  readonly old: string;
  readonly new: string;
}

export type FileChange =
  { readonly content: string } | { readonly edits: readonly FileEdit[] } | { readonly remove: true };

/** `lines`: of the file as it is now; 0 where it was deleted. */
export type FileWritten =
  | {
      readonly ok: true;
      readonly path: string;
      readonly how: 'added' | 'modified' | 'deleted' | 'unchanged';
      readonly lines: number;
    }
  | FileRefusal;

/** Lines of a file that were added and removed; null of what is no text. */
export interface LineCount {
  readonly path: string;
  readonly added: number | null;
  readonly removed: number | null;
}

/** `line` counts from 1 in the file as it is now; `text` is without its line end, and cut off where it is very long. */
export interface AddedLine {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/**
 * The files of a project, for what serves a role. `worktree` is an absolute path of ours; the paths of files come from
 * agents: relative to the worktree, or absolute and in it. What an agent can mend comes back as a refusal; git's failures
 * and those of the disk reject. `.git` and `.tmops` are never read, written or told of.
 */
export interface ProjectFiles {
  /** Files that git knows or would add (not ignored) and that are there, sorted. */
  list(worktree: string): Promise<readonly string[]>;
  /** A regular file of UTF-8, of at most 1 MiB. */
  read(worktree: string, path: string): Promise<FileRead>;
  /**
   * Writes a file whole or not at all. `may` says whether a path (relative, with `/`) may be written; it is asked for the
   * path as it was given and for the one that links lead to.
   */
  write(worktree: string, path: string, change: FileChange, may: (path: string) => boolean): Promise<FileWritten>;
  /**
   * Commits these files, as they are now, on the branch of the worktree and in the name that git knows there (tmops' own
   * where it knows none). What else is staged stays so. Only files that git sees as changed count, and no folder is taken
   * apart. Gives the commit; null where there is nothing to commit. Rejects with `sentence` and `hint` while no branch is
   * checked out or a merge is unfinished.
   */
  commit(
    worktree: string,
    order: { readonly paths: readonly string[]; readonly message: string },
  ): Promise<string | null>;
  /** Files with uncommitted changes, staged or not, also untracked ones, and those git was told to overlook; sorted. */
  uncommitted(worktree: string): Promise<readonly string[]>;
  /** What differs between a commit and the files as they are, also untracked ones; sorted. */
  difference(worktree: string, since: string): Promise<readonly LineCount[]>;
  /** The lines added since that commit, at most `limit`, in the order of paths. Files of more than 1 MiB are left out. */
  addedLines(worktree: string, since: string, limit: number): Promise<readonly AddedLine[]>;
}
