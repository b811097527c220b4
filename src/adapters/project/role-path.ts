import { isAbsolute, resolve } from 'node:path';
import { RoleRefused } from './role-refused.ts';

/** In UTF-16 units, relative to the worktree. */
const LONGEST_PATH = 500;
const LONGEST_ABSOLUTE = 5_000;
/** In bytes; the most that file systems take. */
const LONGEST_NAME = 255;

/** Controls, what turns the order of text or is not drawn, half characters, and separators of lines. */
const NOT_IN_PATHS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * The names of a path that an agent gave, from the worktree down; at least one. `..` is taken as written, before any link
 * is looked at. `roots` are the absolute paths that the worktree is known by. Throws a RoleRefused.
 */
export function namesOf(path: string, roots: readonly string[]): readonly string[] {
  if (path === '' || path.length > LONGEST_ABSOLUTE || NOT_IN_PATHS.test(path)) throw badPath();
  const asked = isAbsolute(path) ? within(resolve(path), roots) : path;
  if (asked === null) throw outside(path);
  const names: string[] = [];
  for (const name of asked.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) throw outside(path);
  }
  if (names.join('/').length > LONGEST_PATH || names.some((name) => Buffer.byteLength(name) > LONGEST_NAME))
    throw badPath();
  if (names.length === 0) throw notRegular('.', 'the folder of the worktree');
  refuseOurs(names);
  return names;
}

/**
 * Throws for git's own files, also of repositories inside, and for tmops'. In any case of letters: some file systems do not
 * tell them apart.
 */
export function refuseOurs(names: readonly string[]): void {
  const isOurs = names[0]?.toLowerCase() === '.tmops' || names.some((name) => name.toLowerCase() === '.git');
  if (isOurs)
    throw new RoleRefused(
      'file-not-allowed',
      `${shown(names.join('/'))} is no file of the project: what is in .git and .tmops is not for roles.`,
      'Name a file of the project.',
    );
}

/** The part of an absolute path below one of the roots; '' for a root itself, null for what lies elsewhere. */
export function within(path: string, roots: readonly string[]): string | null {
  const root = roots.find((each) => path === each || path.startsWith(each === '/' ? each : `${each}/`));
  return root === undefined ? null : path.slice(root.length).replace(/^\/+/, '');
}

/** Fit to stand in a sentence: bounded, nothing that acts. */
export function shown(path: string): string {
  const plain = path.replaceAll(/\p{C}/gu, '?');
  return plain.length > 200 ? `${plain.slice(0, 199)}…` : plain;
}

const badPath = (): RoleRefused =>
  new RoleRefused(
    'file-bad-path',
    `The path is empty, longer than ${LONGEST_PATH} characters (${LONGEST_NAME} bytes a name), or has characters that cannot be seen.`,
    'Give a path relative to the worktree, such as src/sum.ts.',
  );

export const outside = (path: string): RoleRefused =>
  new RoleRefused(
    'file-outside',
    `${shown(path)} lies outside of the worktree.`,
    'Only files of the worktree can be read and written here. Give a path relative to it.',
  );

export const notRegular = (path: string, what: string): RoleRefused =>
  new RoleRefused('file-not-regular', `${shown(path)} is ${what} and not a file.`, 'Name a file of the project.');

export const missing = (path: string): RoleRefused =>
  new RoleRefused('file-missing', `There is no file ${shown(path)}.`, 'Look at the list of files for its path.');
