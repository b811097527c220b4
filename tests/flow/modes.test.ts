import { existsSync } from 'node:fs';
import { lstat, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { agentsOf, openStep } from '../rig/flow.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/**
 * Whatever the umask of the shell that tmops is called from: what tmops makes is for its user alone. That of the human's is
 * theirs: the repository, and what stood there before. Agents and what git checks out into the worktree follow umask 077.
 */

const FEATURE = 'auth-api';
let product: Product;

afterEach(() => product.dispose());

/** `MODE PATH` of all below the folders that group or others could do something with; no link is followed. */
async function openToOthers(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const seen = await lstat(path);
    // The mode of a link says nothing.
    if (seen.isSymbolicLink()) return;
    if ((seen.mode & 0o077) !== 0) found.push(`${(seen.mode & 0o7777).toString(8)} ${path}`);
    if (seen.isDirectory()) for (const name of await readdir(path)) await visit(join(path, name));
  };
  for (const folder of folders) if (existsSync(folder)) await visit(folder);
  return found;
}

/** Names of all below the folder, relative to it; no link is followed. */
async function namesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const below = entries.map(async (entry) => {
    const inside = entry.isDirectory() ? await namesBelow(join(folder, entry.name)) : [];
    return [entry.name, ...inside.map((name) => join(entry.name, name))];
  });
  return (await Promise.all(below)).flat();
}

/** All that tmops has made: `.tmops`, the worktrees beside the root, the socket and the pipes. */
function made(): string[] {
  const place = socketOfWorkspace(product.repo.root);
  if (!place.ok) throw new Error(place.failure.sentence);
  const { socketPath } = place;
  // Of the sockets' folder only what is this workspace's: others may be at work.
  return [product.path(), `${product.repo.root}.tmops`, socketPath, socketPath.replace(/\.sock$/, '.pipes')];
}

it('what a feature leaves is for its user alone, called under umask 000', { timeout: 60_000 }, async () => {
  product = await openProduct({ play: 'instant', umask: '000' });
  await product.json('init', FEATURE);
  await writeFile(product.path(FEATURE, 'current', 'TASK_SPEC.md'), '# A specification\n\nDo it.\n');
  await product.json('start', FEATURE);
  await product.reached(FEATURE, 'the end', ({ phase }) => phase === 'completed');
  expect(await openToOthers(made())).toEqual([]);
  // Ids of conversations are random and say nothing of what they belong to.
  const ids = Object.values(await agentsOf(product, FEATURE)).map(({ session_id }) => session_id);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(4);
  const names = await namesBelow(product.path());
  const run = `${FEATURE}/runs/initial`;
  for (const name of ['journal.jsonl', 'journal.jsonl.lock', 'state.json', 'metrics.json', 'agents/setup.json'])
    expect(names).toContain(`${run}/${name}`);
  for (const name of ['hook.sh', 'launch/argv', 'launch/env', 'process', 'write-hook.mjs'])
    expect(names).toContain(`${run}/agents/tester/${name}`);
  for (const name of ['.supervisor/lock', '.supervisor/wake', '.logs/tmops.log', 'FEATURES.txt'])
    expect(names).toContain(name);
});

it(
  'so is what a message, a recovery and a cleanup leave, and what is renewed, under umask 022',
  { timeout: 60_000 },
  async () => {
    product = await openProduct({ play: 'wait', umask: '022' });
    await product.json('init', FEATURE);
    await product.json('start', FEATURE);
    const first = await openStep(product, FEATURE);
    await product.json('message', FEATURE, 'tester', 'a text of two lines\nwhich goes into a file');
    const { pid } = (await agentsOf(product, FEATURE))['tester'] ?? {};
    process.kill(pid ?? 0, 'SIGKILL');
    await until('the recovery is told', async () =>
      (await namesBelow(product.path(FEATURE, 'runs'))).some((name) => name.endsWith('recovery-001.md')),
    );
    await product.put(FEATURE, `checkpoints/${first.file}`, checkpointText(FEATURE, 'Orchestrator', 'Tester'));
    await product.reached(FEATURE, 'the next step', ({ step }) => step !== first.step);
    await product.json('stop', FEATURE);
    await product.endSupervisor();
    await product.json('list');
    // The one file that was written from outside, by somebody with another umask.
    const theirs = product.path(FEATURE, 'runs', 'initial', 'checkpoints', first.file);
    expect((await openToOthers(made())).filter((each) => !each.endsWith(theirs))).toEqual([]);
    await product.json('cleanup', FEATURE, '--discard');
    const names = await namesBelow(product.path());
    expect(
      names.some((name) => /^\.archive\/[^/]+$/.test(name)) && names.some((name) => name.startsWith('.backups/')),
    ).toBe(true);
    expect((await openToOthers(made())).filter((each) => !each.endsWith(first.file))).toEqual([]);
  },
);
