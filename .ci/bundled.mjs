// Bundles a program of the tests and runs it with this process's arguments. Its exit code becomes this one's.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** `entry` as seen from the root; `name` is that of its folder in the cache. */
export async function runBundled(entry, name) {
  const outfile = join(root, 'node_modules', '.cache', name, 'main.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    plugins: [{ name: 'own-place', setup: keepPlace }],
  });
  const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

/** The rigs find the package by the place of their source, which a bundle would move. Banners of bundles stay as they are. */
function keepPlace(setup) {
  setup.onLoad({ filter: /\/(src|tests)\/.*\.ts$/ }, ({ path }) => ({
    loader: 'ts',
    contents: readFileSync(path, 'utf8').replaceAll(
      /(?<!createRequire\()import\.meta\.url/g,
      JSON.stringify(pathToFileURL(path).href),
    ),
  }));
}
