import type { Command } from 'commander';
import { httpRequest } from '../../app/table.ts';
import { fail, print, printJson } from './cli.ts';
import type { Cli } from './cli.ts';
import type { Does } from './operation-command.ts';
import { cleanLine } from './text.ts';

/** `tmops http` */
export function addHttpCommand(program: Command, does: Does): void {
  program
    .command('http')
    .summary('Say where MCP is served over HTTP')
    .description(
      'Says where the supervisor serves MCP over HTTP (server.http.enabled), and the command that makes it known to Claude Code. Starts a supervisor when there is none.',
    )
    .action(() => does(showHttp));
}

async function showHttp(cli: Cli): Promise<number> {
  const asked = await cli.ports.link(httpRequest.name, {}, { door: 'cli' }, cli.stop);
  if (!asked.ok) return fail(cli, asked.failure);
  if (cli.json) return printJson(cli, asked.output);
  const { url, tokenFile, sessions, register } = httpRequest.output.parse(asked.output);
  return print(cli, [
    `MCP over HTTP: ${cleanLine(url)} (sessions: ${sessions})`,
    tokenFile === null ? 'Token: none is needed' : `Token: in ${cleanLine(tokenFile)}`,
    'Next:',
    `  ${cleanLine(register)}`,
  ]);
}
