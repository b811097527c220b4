import { readlinkSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { FileRefused } from '../../files/refused.ts';
import { isRunName } from './paths.ts';

/**
 * Name of the run that `current` leads to, from `current` or `runs/current`; null when there is none. Synchronous, since
 * each operation on a feature begins with it: in a thread of its own it would be a quarter of a status call. Throws a
 * FileRefused when a link leads anywhere else than to a run of this feature.
 */
export function currentRun(root: string, feature: string): string | null {
  const home = `${root}/.tmops/${feature}`;
  for (const link of ['current', 'runs/current']) {
    try {
      const path = `${home}/${link}`;
      const target = readlinkSync(path);
      const end = resolve(dirname(path), target);
      if (end === `${home}/runs/current` && link === 'current') continue;
      if (dirname(end) === `${home}/runs` && isRunName(basename(end))) return basename(end);
      throw new FileRefused('led-away', path, `${path} leads to ${target}, which is no run of ${feature}`);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code !== 'ENOENT' && code !== 'EINVAL' && code !== 'ENOTDIR') throw error;
    }
  }
  return null;
}
