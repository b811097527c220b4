import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findMcpServers } from '../../../src/adapters/agents/claude-servers.ts';

let root: string;
let configFile: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tmops-servers-'));
  configFile = join(root, 'claude.json');
});

afterEach(() => rm(root, { recursive: true, force: true }));

const user = (value: unknown) => writeFile(configFile, JSON.stringify(value));

it('finds the named servers, the project’s before the user’s, and nothing else', async () => {
  await writeFile(
    join(root, '.mcp.json'),
    JSON.stringify({ mcpServers: { db: { command: 'project-db' }, tmops: { command: 'tmops' } } }),
  );
  await user({
    mcpServers: { db: { command: 'user-db' }, mail: { command: 'mail' } },
    projects: { [root]: { mcpServers: { wiki: { command: 'wiki' } } } },
  });
  expect(findMcpServers(['db', 'wiki', 'mail', 'none'], { root, configFile })).toEqual({
    found: { db: { command: 'project-db' }, wiki: { command: 'wiki' }, mail: { command: 'mail' } },
    missing: ['none'],
  });
});

it.each([
  ['no file at all', null],
  ['no JSON', '{'],
  ['another shape', '[1]'],
  ['servers of another shape', '{"mcpServers": 7}'],
])('names everything as missing with %s', async (_what, text) => {
  if (text !== null) await writeFile(configFile, text);
  expect(findMcpServers(['db'], { root, configFile })).toEqual({ found: {}, missing: ['db'] });
});

it('reads nothing when nothing is named', () => {
  expect(findMcpServers([], { root: '/nowhere', configFile: '/nowhere' })).toEqual({ found: {}, missing: [] });
});
