import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { program, type Product } from './product.ts';

/** A client of the SDK over `tmops mcp` in the product's repository; `words` stand behind `mcp`. The caller closes it. */
export async function mcpClient({ env, repo }: Product, words: readonly string[] = []): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const args = [program, 'mcp', ...words];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, cwd: repo.root, env: { ...env } }));
  return client;
}
