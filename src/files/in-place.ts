import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, FileRefused } from './refused.ts';

/**
 * Rejects with a FileRefused where a link leads from `folder`, or from one above it, to another place. Only what is in a
 * `.tmops` is looked at, that itself included; what a folder of the user's is reached by is theirs to say. The folder need
 * not be there. tmops goes by `runs/<run>` and never through the links that it makes for others (`current`, …).
 */
export async function mustBeInPlace(folder: string): Promise<void> {
  const own = ownPart(folder);
  if (own === null) return;
  try {
    if ((await realpath(folder)) === join(await realpath(own.base), own.rest)) return;
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  for (const path of stepsOf(own)) refuseUnless(await lstat(path).catch(absent), path);
}

/** The same for those who cannot wait. */
export function mustBeInPlaceSync(folder: string): void {
  const own = ownPart(folder);
  for (const path of own ? stepsOf(own) : []) {
    refuseUnless(lstatSync(path, { throwIfNoEntry: false }) ?? null, path);
  }
}

/**
 * Makes a folder of ours and those above it (0700), none of them through a link.
 * Gives the topmost that it made; undefined where all were there. Nothing happens to a folder that exists.
 */
export async function makePrivateFolder(folder: string): Promise<string | undefined> {
  await mustBeInPlace(folder);
  return mkdir(folder, { recursive: true, mode: 0o700 });
}

/** The same for those who cannot wait. */
export function makePrivateFolderSync(folder: string): void {
  mustBeInPlaceSync(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

interface OwnPart {
  /** What holds `.tmops`. */
  readonly base: string;
  readonly rest: string;
}

function ownPart(path: string): OwnPart | null {
  const found = /^(.*?)\/(\.tmops(?:\/.*)?)$/.exec(path);
  return found ? { base: found[1] === '' ? '/' : (found[1] ?? ''), rest: found[2] ?? '' } : null;
}

/** Each folder from `.tmops` down. */
function stepsOf({ base, rest }: OwnPart): string[] {
  const names = rest.split('/').filter((name) => name !== '');
  return names.map((_, index) => join(base, ...names.slice(0, index + 1)));
}

function refuseUnless(seen: { isDirectory(): boolean; isSymbolicLink(): boolean } | null, path: string): void {
  if (seen === null || seen.isDirectory()) return;
  if (!seen.isSymbolicLink()) throw new FileRefused('not-regular', path, `${path} is no folder`);
  throw new FileRefused('led-away', path, `${path} is a link, which is not followed${whither(path)}`);
}

function whither(link: string): string {
  try {
    return `: it leads to ${realpathSync(link)}`;
  } catch (error) {
    if (codeOf(error) === '') throw error;
    return '';
  }
}

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error));

function absent(error: unknown): null {
  if (!isAbsent(error)) throw error;
  return null;
}
