import { isAbsolute, join } from 'node:path';
import { claudeConfigFile } from '../adapters/agents/claude-files.ts';
import { claudeCodeProvider } from '../adapters/agents/claude-code.ts';
import { findMcpServers } from '../adapters/agents/claude-servers.ts';
import { loadSignatures } from '../adapters/agents/claude-signatures.ts';
import { rehearsalProvider } from '../adapters/agents/rehearsal.ts';
import type { Config } from '../config/schema.ts';
import type { AgentProvider, Log } from '../engine/ports.ts';
import { packaged } from './package.ts';
import { supervisorProgram } from './program.ts';
import { supervisorPlace } from './places.ts';

/** Builds the provider of that name as the configuration wants it. Throws a ProviderError for what it refuses. */
export async function providerFrom(
  name: string,
  config: Config,
  root: string,
  env: Readonly<Record<string, string>>,
  { log, hide }: { readonly log: Log; readonly hide?: (text: string) => string },
): Promise<AgentProvider> {
  const { pidFile, wakeFile } = supervisorPlace(root);
  const hook = { pidFile, wake: wakeFile };
  const hidden = hide === undefined ? {} : { hide };
  const onProblem = (problem: { readonly file: string; readonly why: string }): void => {
    log.warn('evidence of an agent could not be read', problem);
  };
  if (name === 'client') return rehearsalProvider({ name, play: 'client', hook, onProblem, ...hidden });
  if (name === 'rehearsal') {
    const { play, slow_start } = config.providers.rehearsal;
    return rehearsalProvider({
      ...(play === null ? {} : { play: isAbsolute(play) || !play.includes('/') ? play : join(root, play) }),
      slowStartMs: slow_start,
      hook,
      onProblem,
      ...hidden,
    });
  }
  const { command, args, mcp_servers, tools } = config.providers.claude_code;
  const servers = findMcpServers(mcp_servers, { root, configFile: claudeConfigFile(env) });
  for (const missing of servers.missing)
    log.warn('an MCP server named in the configuration was not found', { server: missing });
  return claudeCodeProvider({
    command,
    args,
    bypass: config.unsafe.permission_bypass,
    mcpServers: servers.found,
    program: supervisorProgram,
    tools,
    signatures: await loadSignatures(packaged('config', 'claude-code.yaml')),
    hook,
    onProblem,
    ...hidden,
  });
}
