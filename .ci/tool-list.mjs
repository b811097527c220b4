// The tools of the MCP server as the client gets them. Written into the build, so that its start neither loads the schemas
// they are made of nor makes them: a fifth of the time to the first answer.
import { build } from 'esbuild';

/** What `tools()` of src/doors/mcp/tools.ts gives, as JSON text. */
export async function toolList(root) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/doors/mcp/tools.ts'],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  const source = Buffer.from(outputFiles[0].contents).toString('base64');
  const { tools } = await import(`data:text/javascript;base64,${source}`);
  return JSON.stringify(tools());
}
