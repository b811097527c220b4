import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of a file of the package's `config` folder. Throws when the package is incomplete. */
export function packagedFile(name: string): string {
  // The bundle and the sources lie at different depths below the package's root.
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 5; depth += 1) {
    const candidate = join(folder, 'config', name);
    if (existsSync(candidate)) return candidate;
    folder = dirname(folder);
  }
  throw new Error(`Internal error: config/${name} is missing from this installation of tmops`);
}
