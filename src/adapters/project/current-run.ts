import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Name of the run that `current` leads to, from `current` or `runs/current`; null when there is none. Synchronous, since
 * each operation on a feature begins with it: in a thread of its own it would be a quarter of a status call.
 */
export function currentRun(root: string, feature: string): string | null {
  for (const link of ['current', 'runs/current']) {
    try {
      return basename(readlinkSync(`${root}/.tmops/${feature}/${link}`));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code !== 'ENOENT' && code !== 'EINVAL' && code !== 'ENOTDIR') throw error;
    }
  }
  return null;
}
