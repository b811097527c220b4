#!/usr/bin/env node
// Only what the first word asks for is loaded: an MCP client waits for the first answer, a status pane for the first line.
const [command, ...rest] = process.argv.slice(2);
if (command === 'mcp' && rest.length === 0) {
  const { runMcp } = await import('./compose/mcp.ts');
  process.exit(await runMcp());
} else if (command === 'supervise') {
  const { runSupervisorFrom } = await import('./compose/supervise.ts');
  process.exit(await runSupervisorFrom(rest));
} else {
  const { runCommandLine } = await import('./compose/cli.ts');
  process.exitCode = await runCommandLine(process.argv.slice(2));
}
