#!/usr/bin/env node
// Only what the first word asks for is loaded: an MCP client waits for the first answer, a status pane for the first line.
const [command, ...rest] = process.argv.slice(2);
if (command === 'mcp' && rest.length === 0) {
  const { runMcp } = await import('./compose/mcp.ts');
  process.exit(await runMcp());
} else if (command === 'mcp' && servesRole(rest)) {
  const { runRoleMcp } = await import('./compose/role-mcp.ts');
  process.exit(await runRoleMcp(rest[1], rest[3]));
} else if (command === 'supervise') {
  const { runSupervisorFrom } = await import('./compose/supervise.ts');
  process.exit(await runSupervisorFrom(rest));
} else {
  const { runCommandLine } = await import('./compose/cli.ts');
  process.exitCode = await runCommandLine(process.argv.slice(2));
}

/** As each pane's agent starts it; the command line takes all other words, and says what is wrong with them. */
function servesRole(words: readonly string[]): words is readonly ['--role', string, '--feature', string] {
  const [role = '', feature = ''] = [words[1], words[3]];
  const isWhole = words.length === 4 && words[0] === '--role' && words[2] === '--feature';
  return isWhole && /^[a-z][a-z0-9-]{0,30}$/.test(role) && /^[a-z0-9-]{3,20}$/.test(feature);
}
