#!/usr/bin/env node
// Bundles the executables: one start of node reads a handful of files instead of several hundred, which is most of the
// time until an MCP client gets its first answer. `tsc` only checks types. What is bundled goes with its licences.
import { build } from 'esbuild';
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolList } from './tool-list.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const draft = join(root, `dist.${process.pid}`);

const common = {
  absWorkingDir: root,
  outdir: draft,
  bundle: true,
  metafile: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  define: { TMOPS_TOOLS: await toolList(root) },
  legalComments: 'none',
  // For .ci/coverage.mjs; not in the package. The code does not name them: node would copy them into each file of
  // NODE_V8_COVERAGE, four fifths of it.
  sourcemap: 'external',
  // Bundled CommonJS packages still call require for node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
};
const entryPoints = { tmops: 'src/main.ts', rehearsal: 'src/rehearsal/main.ts' };
const programs = await build({ ...common, entryPoints, splitting: true, chunkNames: 'chunks/[name]-[hash]' });
// In one file of its own, since it is copied to where the agents are.
const hook = await build({ ...common, entryPoints: { 'write-hook': 'src/write-hook/main.ts' }, sourcemap: false });
for (const name of ['tmops', 'rehearsal']) chmodSync(join(draft, `${name}.js`), 0o755);
const inputs = [programs, hook].flatMap(({ metafile }) => Object.keys(metafile.inputs));
writeFileSync(join(draft, 'THIRD_PARTY_LICENSES.txt'), licences(inputs));

// The new build takes the old one's place as a whole, as nearly as folders allow.
mkdirSync(join(root, 'dist'), { recursive: true });
const old = join(root, `dist.${process.pid}.old`);
renameSync(join(root, 'dist'), old);
renameSync(draft, join(root, 'dist'));
rmSync(old, { recursive: true, force: true });

function licences(inputs) {
  const packages = new Set(
    inputs.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.slice(1, 2) ?? []),
  );
  return [...packages]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      const file = readdirSync(join(root, folder)).find((each) => /^licen[cs]e/i.test(each));
      const text = file === undefined ? '' : readFileSync(join(root, folder, file), 'utf8').trim();
      return `${name} ${version} (${license})\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
