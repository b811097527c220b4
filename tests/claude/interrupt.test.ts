import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { journaled } from '../rig/flow.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi, type FakeApi } from './fake-api.ts';
import { teamPlay, type Act } from './plays.ts';

const FEATURE = 'greeting';
const WORKFLOW = JSON.stringify({
  name: 'alone',
  reminders: 0,
  roles: { writer: { title: 'Writer', instructions: '01_orchestrator.md' } },
  steps: [
    { id: 'draft', role: 'writer', prompt: 'Write the draft', checkpoint: '101-draft.md', limit: '6s' },
    { id: 'summary', role: 'writer', prompt: 'Sum up', checkpoint: 'SUMMARY.md', kind: 'summary' },
  ],
});

let api: FakeApi;
let product: Product;
let home: string;
afterEach(async () => {
  await product.dispose();
  await api.close();
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

async function open(act: Pick<Act, 'work'>): Promise<void> {
  const claude = await fetchClaude();
  api = await startFakeApi({
    play: teamPlay([{ words: 'Write the draft', from: 'Writer', to: 'Human', file: '101-draft.md', ...act }]),
  });
  home = await realpath(await mkdtemp(join(tmpdir(), 'tmops-home-')));
  const env = claudeEnvironment({ home, port: api.port });
  const names = Object.keys(env).filter((name) => /^(CLAUDE|ANTHROPIC_)/.test(name));
  product = await openProduct({
    provider: 'claude_code',
    config: `  claude_code:
    command: ${claude}
    env: [${names.join(', ')}]
    allow: ['Bash(node:*)']
features:
  default_phases: [writer]
workflow: tools/alone.yaml
evidence:
  enabled: false`,
    files: { 'tools/alone.yaml': WORKFLOW, 'wait.mjs': 'setInterval(() => undefined, 1000);\n' },
    env,
  });
  await claudeHome(home, { trusted: [product.repo.root] });
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
}

it('Scenario: Resource exhaustion: a turn of the real Claude Code that takes too long is ended by one Escape', async () => {
  await open({ work: () => [{ name: 'Bash', input: { command: 'node wait.mjs' } }] });
  const over = await product.reached(
    FEATURE,
    'its turn was interrupted',
    ({ attention, panes }) =>
      attention.some(({ sentence }) => sentence.includes("the writer's turn was interrupted")) &&
      panes.some(({ state }) => state === 'idle'),
    60_000,
  );
  expect(over).toMatchObject({ step: 'draft', phase: 'running' });
  expect(over.panes[0]?.holder).toBe('auto');
  const events = await product.events(FEATURE);
  expect(events.filter(({ kind }) => kind === 'interrupt.pressed')).toHaveLength(1);
  const pane = await product.json<OutputOf<'readPane'>>('read-pane', FEATURE, 'writer');
  expect(pane.untrusted_output).toContain('Interrupted');
  // It takes prompts as before.
  await product.json('retry', FEATURE);
  await journaled(
    product,
    FEATURE,
    'the retry was taken',
    (all) => all.filter((event) => event.kind === 'prompt.taken').length === 3,
    30_000,
  );
});
