import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linesOf } from '../rig/json-lines.ts';
import { journaled, playText } from '../rig/flow.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, program, type Product } from '../rig/product.ts';

/** Two features side by side, and what a client or an agent of the one reaches of the other. */

const [OURS, THEIRS] = ['auth-api', 'billing'] as const;
const TMOPS = `'${process.execPath}' '${program}'`;
/** What the orchestrator's agent tries in its pane, each with a file for what it was told. */
const TRIES: Readonly<Record<string, string>> = {
  'own-status': `${TMOPS} --json status ${OURS}`,
  list: `${TMOPS} --json list`,
  'their-status': `${TMOPS} status ${THEIRS}`,
  'their-pane': `${TMOPS} read-pane ${THEIRS} tester`,
  'their-stop': `${TMOPS} stop ${THEIRS}`,
  'own-skip': `${TMOPS} skip ${OURS}`,
  pause: `${TMOPS} pause`,
  'without-token': `env -u TMOPS_AGENT_TOKEN ${TMOPS} skip ${OURS}`,
  'made-up-token': `env TMOPS_AGENT_TOKEN=tmops-agent-000 ${TMOPS} skip ${OURS}`,
  'own-rules': `env TMOPS_ACCESS_ACROSS_FEATURES=true TMOPS_ACCESS_AGENTS=drive ${TMOPS} skip ${OURS}`,
};
const script = Object.entries(TRIES)
  .map(([name, command]) => `${command} > /tmp/{PLACE}/${name}.txt 2>&1`)
  .join('; ');

let product: Product;

const told = (name: string): Promise<string> => readFile(join(product.repo.base, `${name}.txt`), 'utf8');

const clientOf = (...words: string[]): Promise<Client> => mcpClient(product, words);

async function call(client: Client, name: string, args: Record<string, unknown>): Promise<string> {
  const { content } = await client.callTool({ name, arguments: args });
  return (content as readonly { readonly text: string }[])[0]?.text ?? '';
}

beforeAll(async () => {
  product = await openProduct({
    play: 'tools/play.yaml',
    config: 'features: {concurrent_limit: 20}\nevidence: {enabled: false}',
    files: { 'tools/play.yaml': playText([]) },
  });
  const run = script.replaceAll('/tmp/{PLACE}', product.repo.base);
  await product.repo.write(
    'tools/play.yaml',
    playText([
      {
        role: 'orchestrator',
        when: `/orchestration for ${OURS}|Start orchestration/`,
        acts: [{ run: { argv: ['sh', '-c', `case "$PWD" in *${OURS}) ${run};; esac`], expect: 'any' } }],
        file: '001-discovery-trigger.md',
      },
    ]),
  );
  for (const feature of [THEIRS, OURS]) {
    await product.json('init', feature);
    await product.json('start', feature);
  }
  // A process for each try, on a machine that may be busy.
  await journaled(
    product,
    OURS,
    'the tries are over',
    (events) => events.find(({ kind }) => kind === 'step.completed'),
    70_000,
  );
}, 90_000);
afterAll(() => product.dispose());

describe('an agent in its pane', () => {
  it('reads its own feature, and sees no other', async () => {
    expect(JSON.parse(await told('own-status'))).toMatchObject({ feature: OURS });
    const { features } = JSON.parse(await told('list')) as { features: { feature: string }[] };
    expect(features.map(({ feature }) => feature)).toEqual([OURS]);
  });

  it.each(['their-status', 'their-pane', 'their-stop'])('does not reach the other feature: %s', async (name) => {
    expect(await told(name)).toContain(
      `The call comes from the pane of ${OURS}'s orchestrator, which does not reach ${THEIRS}.`,
    );
  });

  it.each(['own-skip', 'pause', 'own-rules'])('does not drive its own: %s', async (name) => {
    expect(await told(name)).toContain(`The orchestrator of ${OURS} may read how its feature stands and nothing else`);
  });

  it.each(['without-token', 'made-up-token'])('is nobody with another token, or none: %s', async (name) => {
    expect(await told(name)).toContain("The call comes from an agent's pane, and no agent of this workspace has that");
  });

  it('left everything as it was', async () => {
    const kinds = [...(await product.events(OURS)), ...(await product.events(THEIRS))].map(({ kind }) => kind);
    expect(kinds.filter((kind) => ['run.paused', 'run.stopped', 'step.skipped'].includes(kind))).toEqual([]);
  });
});

describe('a client that is bound to one feature', () => {
  it('reads and drives that one, and reaches no other', async () => {
    const client = await clientOf('--feature', OURS);
    const other = `This client is bound to the feature ${OURS} and does not reach ${THEIRS}.`;
    for (const tool of ['tmops_get_status', 'tmops_stop', 'tmops_pause', 'tmops_get_events', 'tmops_explain'])
      expect(await call(client, tool, { feature: THEIRS }), tool).toContain(other);
    expect(await call(client, 'tmops_read_pane', { feature: THEIRS, role: 'tester' })).toContain(other);
    expect(JSON.parse(await call(client, 'tmops_list_features', {}))).toMatchObject({ features: [{ feature: OURS }] });
    // For all that it reaches.
    expect(JSON.parse(await call(client, 'tmops_pause', {}))).toMatchObject({ features: [{ feature: OURS }] });
    expect((await product.status(THEIRS)).paused).toBeNull();
    await call(client, 'tmops_resume', { feature: OURS });
    await client.close();
  });

  it('is not begun with a name that is none', async () => {
    const { exitCode, stderr } = await product.cli('mcp', '--feature', '../x');
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('A feature name is 3 to 20')]);
  });

  it('reaches the others where the configuration says so', async () => {
    await product.configure({
      play: 'tools/play.yaml',
      config: 'features: {concurrent_limit: 20}\nevidence: {enabled: false}\naccess: {across_features: true}',
    });
    const client = await clientOf('--feature', OURS);
    expect(JSON.parse(await call(client, 'tmops_get_status', { feature: THEIRS }))).toMatchObject({ feature: THEIRS });
    await client.close();
  });
});

describe('who asked', () => {
  it('stands on every line of the journal, with the workspace', async () => {
    const lines = [...(await product.events(OURS)), ...(await product.events(THEIRS))];
    const uid = process.getuid?.() ?? 0;
    const [first] = lines;
    expect(first).toMatchObject({ kind: 'run.initialised', principal: `cli:${uid}` });
    expect(new Set(lines.map(({ workspace }) => workspace)).size).toBe(1);
    expect(lines.filter(({ workspace, principal }) => !workspace || !principal)).toEqual([]);
    const by = (kind: string) => lines.filter((line) => line.kind === kind).map(({ principal }) => principal);
    expect(by('run.paused')).toEqual([`mcp:${uid}`]);
    expect(new Set(by('prompt.intended'))).toEqual(new Set([`tmops:${uid}`]));
  });

  it('stands in the log, with what was refused', async () => {
    const lines = await linesOf<Record<string, unknown>>(product.path('.logs', 'tmops.log'));
    const uid = process.getuid?.() ?? 0;
    expect(lines.filter(({ workspace, principal }) => !workspace || !principal)).toEqual([]);
    expect(lines).toContainEqual(
      expect.objectContaining({
        ...{ msg: 'asked', operation: 'stop', feature: THEIRS, code: 'access-other-feature' },
        principal: `agent:${uid}/${OURS}/orchestrator`,
      }),
    );
  });
});

it('goes on with a journal of before there were principals', async () => {
  await product.endSupervisor();
  const file = product.path(THEIRS, 'current', 'journal.jsonl');
  const old = (await readFile(file, 'utf8')).replaceAll(/,"workspace":"[^"]*","principal":"[^"]*"/g, '');
  await copyFile(file, `${file}.kept`);
  await writeFile(file, old);
  const { cursor } = await product.json<{ cursor: number }>('status', THEIRS);
  expect(cursor).toBeGreaterThanOrEqual(old.trimEnd().split('\n').length);
  await product.json('pause', THEIRS);
  const lines = await product.events(THEIRS);
  expect(lines[0]).not.toHaveProperty('principal');
  expect(lines.at(-1)).toMatchObject({ kind: 'run.paused', principal: `cli:${process.getuid?.() ?? 0}` });
});

it('says loudly what leaves agents unguarded: at the start, in the status and by doctor', async () => {
  await product.json('stop', THEIRS);
  await product.configure({
    play: 'tools/play.yaml',
    config: `  claude_code: {permission_mode: bypassPermissions}
features: {concurrent_limit: 20}
evidence: {enabled: false}
unsafe: {permission_bypass: true}`,
  });
  const said = 'UNSAFE: Agents run in the permission mode bypassPermissions. (unsafe.permission_bypass)';
  expect((await product.cli('start', THEIRS)).stdout).toContain(said);
  expect((await product.cli('status', THEIRS)).stdout.replaceAll(/\s+/g, ' ')).toContain(said);
  expect((await product.cli('doctor')).stdout.replaceAll(/\s+/g, ' ')).toContain(said);
});
