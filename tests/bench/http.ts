import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { httpPlace, tokenOf } from '../rig/http-client.ts';
import { bundled } from '../rig/mcp-bundle.ts';
import { rawClient } from '../rig/mcp-http-speed.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { askInTurn, besideRows } from './beside.ts';
import { happened } from './journal.ts';
import { rowOf, type Extent, type Row } from './row.ts';

const FEATURE = 'auth-api';
const CLIENTS = 100;

/** Calls over HTTP to the real supervisor beside the SDK's bare server, taken in turns; then a hundred clients at once. */
export async function measureHttp({ quick }: Extent): Promise<Row[]> {
  const product = await openProduct({ play: 'wait', config: 'server: {http: {enabled: true}}' });
  const echo = await bundled('mcp-http-echo');
  try {
    await product.json('init', FEATURE);
    await product.json('start', FEATURE);
    await happened(product, FEATURE, 'prompt.taken');
    return [...(await calls(product, echo, quick ? 10 : 1000)), ...(await crowd(product, quick ? 2 : 20))];
  } finally {
    rmSync(echo, { force: true });
    await product.dispose();
  }
}

async function calls(product: Product, echo: string, count: number): Promise<Row[]> {
  const child = spawn(process.execPath, [echo], { env: { ...product.env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [address] = (await once(child.stdout, 'data')) as [Buffer];
  const place = await httpPlace(product);
  const bareServer = await rawClient(address.toString().trim(), null);
  const server = await rawClient(place.url, await tokenOf(place));
  const pair = {
    ours: () => server.call('tmops_get_status', { feature: FEATURE }),
    bare: () => bareServer.call('echo', { text: 'hello' }),
  };
  const samples = await askInTurn(pair, count);
  await Promise.all([server.close(), bareServer.close()]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return besideRows({ ours: 'MCP over HTTP: status', bare: 'MCP over HTTP: echo, bare SDK server' }, samples);
}

/** Each with a session and a connection of its own, all asking at once. */
async function crowd(product: Product, times: number): Promise<Row[]> {
  const place = await httpPlace(product);
  const token = await tokenOf(place);
  const samples: number[] = [];
  let errors = 0;
  const one = async (): Promise<void> => {
    try {
      const client = await rawClient(place.url, token);
      for (let n = 0; n < times; n += 1) samples.push(await client.call('tmops_get_status', { feature: FEATURE }));
      await client.close();
    } catch (error) {
      errors += 1;
      process.stderr.write(`${String(error)}\n`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, one));
  return [
    rowOf(`MCP over HTTP: status, ${CLIENTS} clients at once`, samples, { note: 'each waits for the others' }),
    rowOf('of them failed', [errors], { unit: 'clients', goal: { max: 0 } }),
  ];
}
