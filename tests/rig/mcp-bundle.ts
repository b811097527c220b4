import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { toolList } from '../../.ci/tool-list.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Bundles `tests/rig/<name>.ts` as the product is bundled (see .ci/build.mjs) and gives the path of the executable file. */
export async function bundled(name: string): Promise<string> {
  const outfile = `${root}node_modules/.cache/tmops-tests/${name}.${process.pid}.mjs`;
  await build({
    absWorkingDir: root,
    entryPoints: [`tests/rig/${name}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    define: { TMOPS_TOOLS: await toolList(root) },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return outfile;
}
