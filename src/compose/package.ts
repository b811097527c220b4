import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the installed package: the nearest one above this file that holds `config/` and `layouts/`. */
export const packageDir: string = findPackageDir(dirname(fileURLToPath(import.meta.url)));

function findPackageDir(from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'layouts'))) return folder;
  }
  throw new Error(`Internal error: no package folder above ${from}`);
}

export const packaged = (...path: string[]): string => join(packageDir, ...path);

export const version: string = versionOf(JSON.parse(readFileSync(packaged('package.json'), 'utf8')));

function versionOf(manifest: unknown): string {
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0';
}
