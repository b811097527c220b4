import { chmod, chown, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operations, type Operation } from '../../src/app/table.ts';
import { version } from '../../src/compose/package.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { connectLink, type Link } from '../../src/link/client.ts';
import { openStep } from '../rig/flow.ts';
import { openProduct, type Product } from '../rig/product.ts';

/** Without a configuration that is valid, and that nobody else may have written, nothing is done and each operation says why. */

const FEATURE = 'auth-api';
const MODULE = 'export const execute = () => {};\n';
const LAYOUT = 'name: own\nwindows:\n  - roles: rest\n';

let product: Product;
let link: Link;
const file = (...parts: string[]): string => join(product.repo.root, ...parts);

beforeAll(async () => {
  product = await openProduct({
    play: 'wait',
    config: 'modules:\n  check: tools/check.mjs\nlayout: tools/own.yaml',
    files: { 'tools/check.mjs': MODULE, 'tools/own.yaml': LAYOUT },
  });
  for (const name of ['tmops.config.yaml', 'tools/check.mjs', 'tools/own.yaml']) await chmod(file(name), 0o664);
  for (const feature of [FEATURE, 'new-api']) await product.json('init', feature);
  await product.json('start', FEATURE);
  await openStep(product, FEATURE);
  // It does nothing by itself then.
  await product.json('pause', FEATURE);
  await product.reached(FEATURE, 'quiet', ({ panes }) => panes.every(({ state }) => state === 'idle'));
  const place = socketOfWorkspace(product.repo.root);
  const connected = place.ok ? await connectLink(place.socketPath, version) : null;
  if (!connected?.ok) throw new Error('the supervisor does not listen');
  link = connected.link;
}, 60_000);
afterAll(async () => {
  link.close();
  await product.dispose();
});

/** What an operation would do if it were allowed to. */
const VALID: Readonly<Record<string, unknown>> = {
  feature: FEATURE,
  role: 'tester',
  prompt: 1,
  as: 'delivered',
  choice: 'Yes',
  text: 'a text',
  to: 'tester',
  reason: 'why not',
  waitMs: 0,
  timeoutMs: 0,
};
const inputOf = ({ name, input }: Operation): Record<string, unknown> => ({
  ...Object.fromEntries(Object.entries(VALID).filter(([key]) => Object.hasOwn(input.shape, key))),
  // One that is still to be made, and one that is still to begin.
  ...(name === 'init'
    ? { feature: 'third-api' }
    : name === 'start' || name === 'cleanup'
      ? { feature: 'new-api' }
      : {}),
});

/** Everything that an operation could have an effect on. */
async function world(): Promise<object> {
  const names = await readdir(product.path(FEATURE, 'runs', 'initial'), { recursive: true });
  return {
    features: (await readdir(product.path())).filter((name) => !name.startsWith('.')),
    names: names.filter((name) => !name.includes('.tmp')).sort(),
    journals: await Promise.all(
      [FEATURE, 'new-api'].map((feature) =>
        readFile(product.path(feature, 'runs', 'initial', 'journal.jsonl'), 'utf8'),
      ),
    ),
    branches: await product.repo.git(['branch', '--list']),
    refs: await product.repo.git(['for-each-ref', 'refs/tmops']),
    worktrees: await product.repo.git(['worktree', 'list']),
    panes: await product.server.run('list-panes', '-a', '-F', '#{session_name} #{pane_id} #{pane_dead}'),
  };
}

/** Asks for each operation of the table, as a door does; none may be done, and each says these words. */
async function allRefuse(words: readonly string[]): Promise<void> {
  const before = await world();
  for (const operation of Object.values(operations).filter(({ name }) => name !== 'doctor')) {
    for (const env of [{}, { env: { ...product.env } }]) {
      const reply = await link.call(operation.name, inputOf(operation), {
        door: 'mcp',
        cwd: product.repo.root,
        ...env,
      });
      if (reply.ok) throw new Error(`${operation.name} was done`);
      expect(reply.failure.code, operation.name).toBe('configuration');
      for (const word of words) expect(reply.failure.sentence, operation.name).toContain(word);
    }
  }
  expect(await world()).toEqual(before);
  // The one that is there to say what is wrong.
  const { exitCode, stdout } = await product.cli('doctor');
  expect(exitCode).not.toBe(0);
  for (const word of words) expect(stdout.replaceAll(/\s+/g, ' ')).toContain(word.replaceAll(/\s+/g, ' '));
}

const isWell = async (): Promise<void> => {
  expect((await link.call('status', { feature: FEATURE }, { door: 'mcp', cwd: product.repo.root })).ok).toBe(true);
};

describe('each operation refuses, without effect, while the configuration', () => {
  it('cannot be read, has an unknown key, or a value that is not allowed', { timeout: 60_000 }, async () => {
    const good = await readFile(file('tmops.config.yaml'), 'utf8');
    for (const [text, words] of [
      ['features: [', ['tmops.config.yaml:']],
      [`${good}\nlayuot: x\n`, ['unknown key layuot', 'did you mean layout?']],
      [`${good}\nisolation: chroot\n`, ['isolation cannot be "chroot"']],
    ] as const) {
      await writeFile(file('tmops.config.yaml'), text);
      await allRefuse(words);
    }
    await writeFile(file('tmops.config.yaml'), good);
    await isWell();
  });

  it.each([
    ['tmops.config.yaml', 'this file may have been written by somebody else'],
    ['tools/check.mjs', '"tools/check.mjs" may have been written by somebody else'],
    ['tools/own.yaml', '"tools/own.yaml" may have been written by somebody else'],
  ])('is, or names, a file that anybody may write: %s', { timeout: 60_000 }, async (name, words) => {
    await chmod(file(name), 0o666);
    await allRefuse([
      words,
      `${file(name)} is writable by every user of this machine (mode 0666)`,
      `chmod o-w '${file(name)}'`,
    ]);
    await chmod(file(name), 0o644);
    await isWell();
  });

  // Only root can give a file away.
  it.runIf(process.getuid?.() === 0)('belongs to another user', { timeout: 60_000 }, async () => {
    await chown(file('tmops.config.yaml'), 65534, 65534);
    await allRefuse([`${file('tmops.config.yaml')} is of another user (65534)`, 'sudo chown "$(id -un)"']);
    await chown(file('tmops.config.yaml'), 0, 0);
    await isWell();
  });
});

it('role instructions that anybody may write are not used', async () => {
  const own = file('tmops_v6_portable', 'instance_instructions', '02_tester.md');
  await product.repo.write('tmops_v6_portable/instance_instructions/02_tester.md', '# Tester\n');
  await chmod(own, 0o666);
  const reply = await link.call(
    'start',
    { feature: 'new-api', baseline: 'waived' },
    { door: 'mcp', cwd: product.repo.root, env: { ...product.env } },
  );
  expect(reply).toMatchObject({
    ok: false,
    failure: { hint: expect.stringContaining(`chmod o-w '${own}'`) as string },
  });
});
