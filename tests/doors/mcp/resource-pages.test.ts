import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mcpClient } from '../../rig/mcp-client.ts';
import { openProduct, type Product } from '../../rig/product.ts';

/** More features than a page of the list holds. */

const FEATURES = Array.from({ length: 25 }, (_, index) => `feature-${String(index + 1).padStart(2, '0')}`);

let product: Product;
let client: Client;

beforeAll(async () => {
  product = await openProduct();
  client = await mcpClient(product);
  for (const feature of FEATURES) {
    const { isError } = await client.callTool({ name: 'tmops_init_feature', arguments: { feature } });
    expect(isError, feature).toBeUndefined();
  }
}, 90_000);
afterAll(async () => {
  await client.close();
  await product.dispose();
});

it('comes in pages, each feature once and in their order', async () => {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listResources(cursor === undefined ? {} : { cursor });
    pages.push(page.resources.map(({ uri }) => uri));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(pages.map((page) => page.filter((uri) => uri.endsWith('/status')).length)).toEqual([20, 5]);
  expect(pages.flat()).toEqual([
    'tmops://features',
    ...FEATURES.flatMap((feature) =>
      ['status', 'spec', 'journal'].map((what) => `tmops://features/${feature}/${what}`),
    ),
  ]);
});

it('goes on behind a feature that was put away meanwhile', async () => {
  const { nextCursor } = await client.listResources();
  await client.callTool({ name: 'tmops_stop', arguments: { feature: 'feature-20' } });
  await client.callTool({ name: 'tmops_cleanup', arguments: { feature: 'feature-20', discard: true } });
  const { resources } = await client.listResources({ cursor: nextCursor ?? '' });
  expect(resources[0]?.uri).toBe('tmops://features/feature-21/status');
  const first = await client.listResources();
  expect(first.resources.filter(({ uri }) => uri.includes('feature-20'))).toEqual([]);
});

it('completes what fits, and says how much there is', async () => {
  const complete = async (value: string) =>
    (
      await client.complete({
        ref: { type: 'ref/resource', uri: 'tmops://features/{feature}/status' },
        argument: { name: 'feature', value },
      })
    ).completion;
  expect(await complete('feature-2')).toEqual({ values: FEATURES.slice(20), total: 5, hasMore: false });
  expect((await complete('x')).values).toEqual([]);
  expect((await complete('feature-'.repeat(100))).values).toEqual([]);
});
