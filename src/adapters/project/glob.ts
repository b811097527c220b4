import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../files/refused.ts';
import { pathKind } from './disk.ts';

/** Never entered: they are not the project's files. */
const CLOSED = new Set(['.git', '.tmops']);

/** Splits a glob into segments; null when it is empty, absolute or climbs with `..`. */
export function segmentsOf(glob: string): readonly string[] | null {
  const segments = glob.split('/').filter((segment) => segment !== '' && segment !== '.');
  const bad = glob.startsWith('/') || segments.length === 0 || segments.includes('..') || glob.includes('\0');
  return bad ? null : segments;
}

/**
 * The paths below `root` that match, relative to it and sorted. `*` and `?` stay within a name and, as in a shell, do
 * not match a leading dot; `**` stands for any folders except node_modules. Links are matched but not entered. At most `limit` paths.
 */
export async function expand(root: string, segments: readonly string[], limit: number): Promise<readonly string[]> {
  const found = new Set<string>();
  await walk({ root, found, limit }, '', segments);
  return [...found].sort();
}

/** Whether a file's name fits one segment of a glob. */
export function nameFits(segment: string, name: string): boolean {
  if (name.startsWith('.') && !segment.startsWith('.')) return false;
  const pattern = segment
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return new RegExp(`^${pattern}$`, 'su').test(name);
}

interface Walk {
  readonly root: string;
  readonly found: Set<string>;
  readonly limit: number;
}

async function walk(state: Walk, at: string, segments: readonly string[]): Promise<void> {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    if (at !== '' && state.found.size < state.limit) state.found.add(at);
    return;
  }
  if (segment === '**') {
    await walk(state, at, rest);
    for (const name of await foldersIn(state.root, at)) {
      if (name !== 'node_modules' && !name.startsWith('.')) await walk(state, join(at, name), segments);
    }
    return;
  }
  for (const name of await candidates(state.root, at, segment)) {
    const path = join(at, name);
    if (rest.length === 0 || (await pathKind(join(state.root, path))) === 'folder') await walk(state, path, rest);
  }
}

async function candidates(root: string, at: string, segment: string): Promise<readonly string[]> {
  if (CLOSED.has(segment)) return [];
  if (!/[*?]/.test(segment)) return (await pathKind(join(root, at, segment))) === 'absent' ? [] : [segment];
  return (await namesIn(root, at)).filter((name) => !CLOSED.has(name) && nameFits(segment, name));
}

async function foldersIn(root: string, at: string): Promise<readonly string[]> {
  const names = (await namesIn(root, at)).filter((name) => !CLOSED.has(name));
  const kinds = await Promise.all(names.map((name) => pathKind(join(root, at, name))));
  return names.filter((_, index) => kinds[index] === 'folder');
}

async function namesIn(root: string, at: string): Promise<readonly string[]> {
  try {
    return await readdir(join(root, at));
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EACCES') throw error;
    return [];
  }
}
