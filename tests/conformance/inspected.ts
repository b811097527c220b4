import { join } from 'node:path';
import { program, type Product } from '../rig/product.ts';
import type { Fetched } from './fetched.ts';
import type { Verdict } from './suite.ts';

/**
 * Has the MCP Inspector read the list of tools strictly: it checks each schema for what clients stumble over, and ends with
 * another code than 0 where one is wrong. What it merely warns of is not looked at. `target` is a command or an address.
 */
export async function inspected(
  inspector: Fetched,
  { repo, env }: Product,
  way: 'stdio' | 'http',
  target: readonly string[],
): Promise<Verdict> {
  const words = ['--cli', '--transport', way, ...target, '--method', 'tools/list', '--strict', '--format', 'json'];
  // It would keep files of its own in the home of whoever runs it.
  const own = { MCP_CATALOG_PATH: 'inspector-catalog.json', MCP_CLIENT_CONFIG_PATH: 'inspector-client.json' };
  const kept = Object.fromEntries(Object.entries(own).map(([key, file]) => [key, join(repo.root, '..', file)]));
  const ran = await inspector.run(words, { cwd: repo.root, env: { ...env, ...kept } });
  const [, errors, tools] = /^(\d+) errors?, .* across (\d+) tools?\.$/m.exec(ran.stderr) ?? [];
  const isRight = ran.exitCode === 0 && errors === '0' && Number(tools) > 0;
  return {
    name: `tools/list over ${way}, ${inspector.name}`,
    passed: isRight ? 1 : 0,
    wrong: isRight ? [] : [`exit code ${ran.exitCode ?? 'none'}\n${ran.stderr}`],
  };
}

export const overStdio = [process.execPath, program, 'mcp'];
