#!/usr/bin/env node
// Only what the first word asks for is loaded: an MCP client waits for the first answer, a status pane for the first line.
const [command, ...words] = process.argv.slice(2);
const mcp = command === 'mcp' ? await import('./compose/mcp.ts') : null;
const bound = mcp?.boundTo(words) ?? null;
if (mcp && bound) {
  process.exit(await mcp.runMcp(bound));
} else if (command === 'supervise') {
  const { runSupervisorFrom } = await import('./compose/supervise.ts');
  process.exit(await runSupervisorFrom(process.argv.slice(3)));
} else {
  const { runCommandLine } = await import('./compose/cli.ts');
  process.exitCode = await runCommandLine(process.argv.slice(2));
}
