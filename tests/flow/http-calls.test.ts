import { readFile, writeFile } from 'node:fs/promises';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../src/audit/record.ts';
import { httpClient, httpPlace, tokenOf } from '../rig/http-client.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/** What a client over HTTP gets beside tools, what it may not do, and what stays of its calls. */

const FEATURE = 'auth-api';
const SPEC = `tmops://features/${FEATURE}/spec`;
const ADAS_TOKEN = 'ada-has-this-token-of-her-own';

type Call = Extract<AuditRecord, { kind: 'call' }>;

let product: Product;
const calls = async (): Promise<Call[]> =>
  (await readFile(product.path('.audit', 'audit.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditRecord)
    .filter((record) => record.kind === 'call');

/** The record of a call. That of one that changes nothing may come after its answer. */
const recorded = (name: string): Promise<Call> =>
  until(`${name} is on record`, async () => (await calls()).find(({ operation }) => operation === name));

/** Without what marks the beginning and end of quoted text, which differs each time. */
const unmarked = (value: unknown): string => JSON.stringify(value).replaceAll(/\b[0-9a-f]{16}\b/g, '');

describe('a client over HTTP', () => {
  let client: Client;
  let stdio: Client;
  beforeAll(async () => {
    product = await openProduct({ config: 'server: {http: {enabled: true, token_file: tokens}}' });
    await writeFile(`${product.repo.root}/tokens`, `ada ${ADAS_TOKEN}\n`, { mode: 0o600 });
    await product.json('init', FEATURE);
    client = await httpClient((await httpPlace(product)).url, ADAS_TOKEN);
    stdio = await mcpClient(product);
  }, 30_000);
  afterAll(async () => {
    await Promise.all([client.close(), stdio.close()]);
    await product.dispose();
  });

  it('is named in the record of its calls: by its token, by what it calls itself, and by its own id of the call', async () => {
    const params = { name: 'tmops_get_status', arguments: { feature: FEATURE } };
    await client.callTool({ ...params, _meta: { 'claudecode/toolUseId': 'toolu_01' } });
    const named = {
      ...{ door: 'http', principal: `http:${process.getuid?.() ?? 0}/ada`, client: 'test 1.0.0', target: FEATURE },
    };
    expect(await recorded('status')).toMatchObject({
      ...{ ...named, toolUseId: 'toolu_01', outcome: 'ok', arguments: { feature: FEATURE } },
    });
    expect(await client.callTool({ name: 'tmops_stop', arguments: { feature: FEATURE, why: 7 } })).toMatchObject({
      isError: true,
    });
    expect(await recorded('stop')).toMatchObject({ ...named, outcome: 'bad-arguments' });
    expect(JSON.stringify(await calls())).not.toContain(ADAS_TOKEN);
  });

  it('gets the prompts, their texts and the completion of their arguments as over stdio', async () => {
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toContain('summarize-run');
    expect(prompts).toEqual((await stdio.listPrompts()).prompts);
    const asked = { name: 'summarize-run', arguments: { feature: FEATURE } };
    const given = await client.getPrompt(asked);
    expect(JSON.stringify(given.messages)).toContain(FEATURE);
    expect(unmarked(given)).toBe(unmarked(await stdio.getPrompt(asked)));
    await expect(client.getPrompt({ name: 'nothing' })).rejects.toThrow(/There is no prompt/);
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'summarize-run' },
      argument: { name: 'feature', value: FEATURE.slice(0, 2) },
    });
    expect(completion.values).toEqual([FEATURE]);
  });

  it('gets the resources, their templates and what stands in them as over stdio', async () => {
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toContain(SPEC);
    expect(resources).toEqual((await stdio.listResources()).resources);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.length).toBeGreaterThan(0);
    expect(resourceTemplates).toEqual((await stdio.listResourceTemplates()).resourceTemplates);
    for (const uri of ['tmops://features', SPEC])
      expect(await client.readResource({ uri })).toEqual(await stdio.readResource({ uri }));
    await expect(client.readResource({ uri: 'tmops://features/nothing-here/status' })).rejects.toThrow(/-32002/);
  });

  it('is told of a resource that it subscribed to', async () => {
    const told: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.push(params.uri));
    await client.subscribeResource({ uri: SPEC });
    await product.put(FEATURE, 'TASK_SPEC.md', '# Another\n');
    await until('it is told', () => told.includes(SPEC));
    expect(await client.readResource({ uri: SPEC })).toMatchObject({ contents: [{ text: '# Another' }, {}] });
    expect(await client.unsubscribeResource({ uri: SPEC })).toEqual({});
  });
});

describe('a client over HTTP of a server that only reads', () => {
  it('is offered what reads, may call nothing else, and reads resources', async () => {
    product = await openProduct({ config: 'server: {read_only: true, toolsets: [all], http: {enabled: true}}' });
    try {
      await product.json('init', FEATURE);
      const place = await httpPlace(product);
      const client = await httpClient(place.url, await tokenOf(place));
      const { tools } = await client.listTools();
      expect(tools.map(({ annotations }) => annotations?.readOnlyHint)).toEqual(tools.map(() => true));
      expect(tools.map(({ name }) => name)).toContain('tmops_get_status');
      for (const name of ['tmops_init_feature', 'tmops_stop', 'tmops_gc'])
        await expect(client.callTool({ name, arguments: { feature: 'other-one' } })).rejects.toThrow(
          new RegExp(`${name} is not among the tools of this server\\. It only reads: .*server\\.read_only`),
        );
      const status = { name: 'tmops_get_status', arguments: { feature: FEATURE } };
      expect(await client.callTool(status)).toMatchObject({ structuredContent: { feature: FEATURE } });
      const [features] = (await client.readResource({ uri: 'tmops://features' })).contents;
      expect(features).toMatchObject({ text: expect.stringContaining(FEATURE) as string });
      expect(JSON.stringify(features)).not.toContain('other-one');
      await client.close();
    } finally {
      await product.dispose();
    }
  }, 30_000);
});
