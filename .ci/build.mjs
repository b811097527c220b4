#!/usr/bin/env node
// Bundles the executables: one start of node reads a handful of files instead of several hundred, which is most of the
// time until an MCP client gets its first answer. `tsc` only checks types.
import { build } from 'esbuild';
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { tmops: 'src/main.ts', rehearsal: 'src/rehearsal/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'linked',
  // Bundled CommonJS packages still call require for node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
for (const name of ['tmops', 'rehearsal']) chmodSync(`${root}dist/${name}.js`, 0o755);
