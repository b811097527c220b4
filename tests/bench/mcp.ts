import { execa } from 'execa';
import { rmSync } from 'node:fs';
import { bundled } from '../rig/mcp-bundle.ts';
import { quantile, startServer } from '../rig/mcp-speed.ts';
import { openProduct, program, type Product } from '../rig/product.ts';
import { askInTurn, besideRows } from './beside.ts';
import { happened } from './journal.ts';
import { rowOf, type Extent, type Row } from './row.ts';

const FEATURE = 'auth-api';

/** Starts of the real `tmops mcp` beside those of the SDK's bare server, taken in turns. */
export const measureMcpStarts = ({ quick }: Extent): Promise<Row[]> =>
  besideEcho((product, echo) => starts(product, echo, quick ? 10 : 200));

/** Calls of the real `tmops mcp` and supervisor beside the SDK's bare server, taken in turns. */
export const measureMcpCalls = ({ quick }: Extent): Promise<Row[]> =>
  besideEcho((product, echo) => calls(product, echo, quick ? 10 : 1000));

/** A started feature, and the bare server as one file. */
async function besideEcho(measure: (product: Product, echo: string) => Promise<Row[]>): Promise<Row[]> {
  const product = await openProduct({ play: 'wait' });
  const echo = await bundled('mcp-echo');
  try {
    await product.json('init', FEATURE);
    await product.json('start', FEATURE);
    await happened(product, FEATURE, 'prompt.taken');
    return await measure(product, echo);
  } finally {
    rmSync(echo, { force: true });
    await product.dispose();
  }
}

const ours = (product: Product) =>
  startServer([program, 'mcp'], { ...product.env, CLAUDE_PROJECT_DIR: product.repo.root });

async function starts(product: Product, echo: string, count: number): Promise<Row[]> {
  const samples = { ours: [] as number[], bare: [] as number[] };
  for (let n = 0; n < count; n += 1) {
    for (const [name, begin] of [
      ['bare', () => startServer([echo], { ...product.env })],
      ['ours', () => ours(product)],
    ] as const) {
      const server = await begin();
      samples[name].push(server.startMs);
      await server.stop();
    }
  }
  const floor = quantile(samples.bare, 0.5);
  return [
    rowOf('MCP: start to first tools/list', samples.ours, { goal: { p50: 1.5 * floor }, note: 'goal: 1.5 × bare' }),
    rowOf('MCP: the same, bare SDK server', samples.bare),
    rowOf('customer: tool registration', await registrations(count), {
      goal: { p95: 50 },
      note: 'from the SDK being loaded to the list of tools answered, each in a process of its own',
    }),
  ];
}

/** Within the process: what differs between two starts of node is more than what is asked about. */
async function registrations(count: number): Promise<number[]> {
  const entry = await bundled('mcp-registration');
  try {
    const samples: number[] = [];
    while (samples.length < count) samples.push(Number((await execa(process.execPath, [entry])).stdout));
    return samples;
  } finally {
    rmSync(entry, { force: true });
  }
}

async function calls(product: Product, echo: string, count: number): Promise<Row[]> {
  const [server, bareServer] = [await ours(product), await startServer([echo], { ...product.env })];
  const pair = {
    ours: () => server.call('tmops_get_status', { feature: FEATURE }),
    bare: () => bareServer.call('echo', { text: 'hello' }),
  };
  const samples = await askInTurn(pair, count);
  await Promise.all([server.stop(), bareServer.stop()]);
  return [
    ...besideRows({ ours: 'MCP: status', bare: 'MCP: echo, bare SDK server' }, samples),
    rowOf('customer: tool answer', samples.ours, { goal: { p95: 100 } }),
    rowOf('customer: status', samples.ours, { goal: { p95: 50 } }),
  ];
}
