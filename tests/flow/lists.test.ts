import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { version } from '../../src/compose/package.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { connectLink } from '../../src/link/client.ts';
import { openProduct, type Product } from '../rig/product.ts';

let product: Product;
/** The journal of `torn`, as it was written. */
let journal: { readonly file: string; readonly text: string };
beforeAll(async () => {
  product = await openProduct({ play: 'wait' });
  for (const feature of ['going', 'new-api', 'torn']) await product.json('init', feature);
  await product.json('start', 'going');
  const file = product.path('torn', 'current', 'journal.jsonl');
  journal = { file, text: await readFile(file, 'utf8') };
});
afterAll(() => product.dispose());

const list = async (): Promise<OutputOf<'list'>['features']> => (await product.json<OutputOf<'list'>>('list')).features;

it('tells each feature’s state, also of one by hand and beside one whose journal is spoilt', async () => {
  await mkdir(product.path('by-hand'), { recursive: true });
  await product.endSupervisor();
  await writeFile(journal.file, `nonsense\n${journal.text}`);
  const branch = (feature: string): string => `feature/${feature}`;
  expect(await list()).toMatchObject([
    { feature: 'by-hand', phase: 'by hand', waitsFor: 'It has no run that tmops could take up: tmops init by-hand.' },
    { feature: 'going', run: 'initial', phase: 'running', role: 'orchestrator', branch: branch('going') },
    { feature: 'new-api', run: 'initial', phase: 'initialised', step: null, role: null, branch: branch('new-api') },
    { feature: 'torn', phase: 'unavailable', branch: branch('torn'), attention: 1 },
  ]);
  const { exitCode, stderr } = await product.cli('status', 'torn');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/The journal \S+\/torn\/runs\/initial\/journal\.jsonl cannot be used: line 1/);
  await writeFile(journal.file, journal.text);
  expect((await list()).find(({ feature }) => feature === 'torn')).toMatchObject({ phase: 'initialised' });
});

it.each([
  [['read-pane', 'going', 'stranger'], /going has no pane for the role "stranger"\.\n.*orchestrator, tester/],
  [['read-pane', 'new-api', 'tester'], /new-api has no pane for the role "tester"\.\n.*it was not started/],
  [['read-checkpoint', 'going'], /No step of going is done yet\.\n.*discovery, testing/],
  [
    ['read-checkpoint', 'going', 'discovery'],
    /There is no 001-discovery-trigger\.md of going: the orchestrator has not/,
  ],
  [['read-checkpoint', 'going', 'spec'], /going has no step "spec"\.\n.*discovery/],
  [['read-checkpoint', 'new-api'], /new-api was not started, so that it has no steps yet\.\n.*tmops start new-api/],
  [['status', 'by-hand'], /There is no feature "by-hand" in this workspace\./],
  [['stop', 'nowhere'], /There is no feature "nowhere" in this workspace\./],
])('%j is refused in words', async (words, told) => {
  const { exitCode, stdout, stderr } = await product.cli(...words);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(told);
});

it('a feature that was stopped has no pane to read', async () => {
  await product.json('start', 'new-api');
  const { prompts } = await product.reached('new-api', 'all are briefed', (status) =>
    status.waitsFor.includes('works on'),
  );
  expect(prompts.length).toBeGreaterThan(0);
  await product.json('stop', 'new-api');
  const { exitCode, stderr } = await product.cli('read-pane', 'new-api', 'tester');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('The tester of new-api has no pane now.');
});

it('knows no other operations', async () => {
  const place = socketOfWorkspace(product.repo.root);
  const connected = place.ok ? await connectLink(place.socketPath, version) : null;
  if (!connected?.ok) throw new Error('there is no supervisor');
  const reply = await connected.link.call('explode', {}, { door: 'socket', cwd: product.repo.root });
  connected.link.close();
  expect(reply).toMatchObject({ ok: false, failure: { code: 'unknown-operation' } });
});
