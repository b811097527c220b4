import { readlinkSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';

/** As many links in a row as Linux follows. */
const MOST_LINKS = 40;

/**
 * Where writing to `path` may lead, `cwd` being an absolute folder: links are followed, also one that leads to nothing
 * yet. Usually one place; two where `..` comes after a link, since programs and the system read that differently.
 */
export function placesOf(path: string, cwd: string): readonly string[] {
  const asWritten = isAbsolute(path) ? path : `${cwd}/${path}`;
  return [...new Set([walked(resolve(asWritten), 0), walked(asWritten, 0)])];
}

function walked(path: string, links: number): string {
  return path.split('/').reduce((at, segment) => {
    if (segment === '' || segment === '.') return at;
    return segment === '..' ? dirname(at) : settled(join(at, segment), links);
  }, '/');
}

/** `path` lies in a folder that was walked to already. */
function settled(path: string, links: number): string {
  // The system's own: where names differ only in case it gives the true one.
  const real = tried(() => realpathSync.native(path));
  if (real !== null) return real;
  const target = links < MOST_LINKS ? tried(() => readlinkSync(path)) : null;
  if (target === null) return path;
  return walked(isAbsolute(target) ? target : `${dirname(path)}/${target}`, links + 1);
}

/** Null where there is no such file, or no way to look at it; then it cannot be written either, or only made anew. */
function tried(look: () => string): string | null {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}
