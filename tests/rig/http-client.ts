import { readFile } from 'node:fs/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { OutputOf } from '../../src/app/table.ts';
import type { httpRequest } from '../../src/app/table.ts';
import type { Product } from './product.ts';

export type HttpPlace = ReturnType<typeof httpRequest.output.parse>;

/** Where the product's supervisor serves MCP over HTTP; one is started when there is none. */
export const httpPlace = (product: Product): Promise<HttpPlace> => product.json('http');

/** The token that the supervisor made. */
export const tokenOf = async ({ tokenFile }: HttpPlace): Promise<string> =>
  (await readFile(tokenFile ?? '', 'utf8')).trim();

/** A client of the SDK over HTTP. The caller closes it. */
export async function httpClient(url: string, token: string | null): Promise<Client> {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  return client;
}

/** The status of a feature as a client of MCP is told. */
export async function statusFor(client: Client, feature: string): Promise<OutputOf<'status'>> {
  const result = await client.callTool({ name: 'tmops_get_status', arguments: { feature } });
  if (result.isError === true) throw new Error(JSON.stringify(result.content));
  return result.structuredContent as OutputOf<'status'>;
}
