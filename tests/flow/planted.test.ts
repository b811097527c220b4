import { lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { execa, execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { checkSupervisorPlace, socketOfWorkspace, supervisorPlace } from '../../src/compose/places.ts';
import { version } from '../../src/compose/package.ts';
import { connectLink, type Link } from '../../src/link/client.ts';
import type { LinkReply } from '../../src/link/protocol.ts';
import { openStep } from '../rig/flow.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/**
 * A link, a pipe, a device, a socket or a folder in the place of whatever tmops reads or writes in `.tmops`: refused with the
 * path, at once, and nothing is changed where a link leads. What is planted stays: it could be somebody's.
 */

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let product: Product;
let link: Link;
let outside: string;
const planted: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  product = await openProduct({ play: 'wait', config: 'features:\n  concurrent_limit: 20' });
  outside = join(product.repo.base, 'outside');
  await mkdir(join(outside, 'folder'), { recursive: true });
  await writeFile(join(outside, 'file'), 'theirs\n');
});
afterEach(async () => {
  for (const undo of planted.splice(0).reverse()) await undo();
  await untouched();
});
afterAll(async () => {
  await product.dispose();
});

/** What links lead to is as it was. */
async function untouched(): Promise<void> {
  expect(await readdir(outside, { recursive: true })).toEqual(['file', 'folder']);
  expect(await readFile(join(outside, 'file'), 'utf8')).toBe('theirs\n');
}

type What = 'link' | 'link into nothing' | 'pipe' | 'folder' | 'socket' | 'device';

/** Only root can make one. */
const canMakeDevices = (() => {
  const path = `/tmp/tmops-null-${process.pid}`;
  const made = !execaSync('mknod', [path, 'c', '1', '3'], { reject: false }).failed;
  execaSync('rm', ['-f', path]);
  return made;
})();

const WHATS: readonly What[] = [
  ...(['link', 'link into nothing', 'pipe', 'folder', 'socket'] as const),
  ...(canMakeDevices ? (['device'] as const) : []),
];

/** Where each case takes a supervisor of its own; all are refused in one place. */
const FEW: readonly What[] = ['link', 'pipe'];

/** Puts it in the place of what is there, which comes back after the test. */
async function plant(what: What | 'folder link', path: string): Promise<void> {
  const aside = `${path}.was`;
  const was = await lstat(path).catch(() => null);
  if (was) await rename(path, aside);
  await mkdir(dirname(path), { recursive: true });
  const server = await put(what, path);
  planted.push(async () => {
    // It was neither replaced nor taken away.
    expect(kindOf(await lstat(path)), path).toBe(what.includes('link') ? 'link' : what);
    server?.close();
    await rm(path, { recursive: true, force: true });
    if (was) await rename(aside, path);
  });
}

async function put(what: What | 'folder link', path: string): Promise<Server | null> {
  if (what === 'link') await symlink(join(outside, 'file'), path);
  else if (what === 'folder link') await symlink(join(outside, 'folder'), path);
  else if (what === 'link into nothing') await symlink(join(outside, 'nothing'), path);
  else if (what === 'pipe') await execa('mkfifo', [path]);
  else if (what === 'device') await execa('mknod', [path, 'c', '1', '3']);
  else if (what === 'folder') await mkdir(path);
  else return listening(path);
  return null;
}

/** Made under a short name: a socket's path has a limit. */
async function listening(path: string): Promise<Server> {
  const short = join('/tmp', `tmops-planted-${process.pid}`);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(short, resolve));
  await rename(short, path);
  return server;
}

function kindOf(seen: Awaited<ReturnType<typeof lstat>>): string {
  if (seen.isSymbolicLink()) return 'link';
  if (seen.isDirectory()) return 'folder';
  if (seen.isFIFO()) return 'pipe';
  return seen.isSocket() ? 'socket' : 'device';
}

describe('what the supervisor keeps', () => {
  it.each(WHATS)('as a %s, each of its files: refused, also by the command line', async (what) => {
    const { dir, lockFile, pidFile, commandFile, wakeFile, guardLog } = supervisorPlace(product.repo.root);
    const files = [lockFile, pidFile, commandFile, wakeFile, guardLog, product.path('.logs', 'tmops.log')];
    await mkdir(dir, { recursive: true });
    for (const file of files) {
      await plant(what, file);
      await expect(checkSupervisorPlace(product.repo.root)).rejects.toMatchObject({ path: file });
      for (const undo of planted.splice(0)) await undo();
    }
    await plant(what, what === 'pipe' ? lockFile : commandFile);
    const { exitCode, stderr } = await product.cli('list');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/\.supervisor\/(lock|command) is a.* not a regular file/s);
    expect(stderr).toContain(`put it aside: mv '`);
  });

  it.each(['.supervisor', '.logs', ''])('a link in the place of its folder .tmops/%s', async (name) => {
    await plant('folder link', product.path(name));
    const { exitCode, stderr } = await product.cli('list');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(`${product.path(name)} is a link, which is not followed: it leads to ${outside}/folder`);
  });
});

describe('what a run keeps', () => {
  beforeAll(async () => {
    for (const feature of ['first', 'second']) await product.json('init', feature);
    const place = socketOfWorkspace(product.repo.root);
    const connected = place.ok ? await connectLink(place.socketPath, version) : null;
    if (!connected?.ok) throw new Error('the supervisor does not listen');
    link = connected.link;
  });
  afterAll(() => {
    link.close();
  });

  const ask = (op: string, input: object): Promise<LinkReply> =>
    link.call(op, input, { door: 'socket', cwd: product.repo.root, env: { ...product.env } }, { timeoutMs: 10_000 });

  const refusal = async (op: string, input: object): Promise<string> => {
    const reply = await ask(op, input);
    if (reply.ok) throw new Error(`${op} was done: ${JSON.stringify(reply.output)}`);
    expect(reply.failure.code).not.toBe('internal-error');
    return `${reply.failure.sentence} ${reply.failure.hint}`;
  };

  let copies = 0;
  /** A run as that of `first`, which no supervisor has opened yet. */
  async function copyOfRun(): Promise<{ readonly feature: string; readonly run: string }> {
    copies += 1;
    const feature = `copy-${copies}`;
    const run = product.path(feature, 'runs', 'initial');
    await mkdir(join(run, 'checkpoints'), { recursive: true });
    await symlink('runs/initial', product.path(feature, 'current'));
    const journal = await readFile(product.path('first', 'runs', 'initial', 'journal.jsonl'), 'utf8');
    await writeFile(join(run, 'journal.jsonl'), journal.replaceAll('first', feature));
    return { feature, run };
  }

  it.each(WHATS)('its journal, or its lock, as a %s', async (what) => {
    for (const name of ['journal.jsonl', 'journal.jsonl.lock']) {
      const { feature, run } = await copyOfRun();
      await plant(what, join(run, name));
      expect(await refusal('status', { feature })).toContain(`${join(run, name)} is a`);
    }
  });

  it.each(WHATS)(
    'its state as a %s: it is neither read nor written, and the journal tells of the run',
    async (what) => {
      const { feature, run } = await copyOfRun();
      await plant(what, join(run, 'state.json'));
      expect((await ask('status', { feature })).ok).toBe(true);
    },
  );

  it.each([[''], ['runs'], ['runs/initial']])('the folder %j of a feature as a link', async (name) => {
    const { feature } = await copyOfRun();
    const path = product.path(feature, name).replace(/\/$/, '');
    const real = join(product.repo.base, `real-${feature}`);
    // Where it leads, everything is as it should be; and stays as it is.
    await rename(path, real);
    await symlink(real, path);
    planted.push(() => rename(real, `${real}.seen`));
    const before = await readdir(real, { recursive: true });
    expect(await refusal('status', { feature })).toContain(
      `${path} is a link, which is not followed: it leads to ${real}`,
    );
    expect(await refusal('start', { feature })).toContain(path);
    expect(await readdir(real, { recursive: true })).toEqual(before);
  });

  it.each(['..', '.', '/', '../first/runs/initial', '/etc/passwd', 'runs/..', 'runs/initial/checkpoints', 'runs/-rf'])(
    'current, which leads to %s',
    async (target) => {
      for (const name of ['current', 'runs/current']) {
        const { feature } = await copyOfRun();
        const path = product.path(feature, name);
        await rm(product.path(feature, 'current'));
        await symlink(target, path);
        const before = await readdir(product.path(feature));
        for (const op of ['status', 'start', 'stop', 'adopt'])
          expect((await refusal(op, { feature })).replaceAll('"', '')).toContain(`${path} leads to ${target}`);
        expect(await readdir(product.path(feature))).toEqual(before);
        expect(await readlink(path)).toBe(target);
      }
    },
  );

  it('the list tells of each that cannot be opened, and of the others', async () => {
    const { feature, run } = await copyOfRun();
    await plant('pipe', join(run, 'journal.jsonl'));
    const reply = await ask('list', {});
    if (!reply.ok) throw new Error(reply.failure.sentence);
    const { features } = reply.output as OutputOf<'list'>;
    expect(features.find((each) => each.feature === feature)).toMatchObject({ phase: 'unavailable' });
    expect(features.find((each) => each.feature === 'first')).toMatchObject({ phase: 'initialised' });
  });

  it.each(['agents', 'roles', 'agents/tester', 'agents/tester/launch', 'agents/tester/events'])(
    'the folder %s as a link: nothing is started',
    async (name) => {
      copies += 1;
      const feature = `linked-${copies}`;
      await ask('init', { feature });
      const path = product.path(feature, 'runs', 'initial', name);
      await plant('folder link', path);
      expect(await refusal('start', { feature, baseline: 'waived' })).toContain(`${path} is a link`);
      await ask('stop', { feature });
    },
  );

  it('state.json of a run that is going: told until it is put aside', async () => {
    await ask('start', { feature: 'second', baseline: 'waived' });
    const path = product.path('second', 'runs', 'initial', 'state.json');
    await openStep(product, 'second');
    await ask('pause', { feature: 'second' });
    // It is written once more when that is noted, which must not meet what is planted on the way.
    await until('all of it is written', async () => {
      const { sequence } = JSON.parse(await readFile(path, 'utf8')) as { sequence: number };
      return sequence === (await product.status('second')).cursor;
    });
    await plant('link', path);
    await ask('resume', { feature: 'second' });
    const told = (view: OutputOf<'status'>) => view.attention.find(({ code }) => code === 'disk');
    const { attention } = await product.reached('second', 'the trouble', (view) => told(view) !== undefined);
    expect(attention[0]?.sentence).toContain(`${path} is a link, which is not followed`);
    expect(attention[0]?.hint).toContain(`mv '${path}' '${path}'.aside`);
    await rename(path, `${path}.aside`);
    await product.reached('second', 'that it is well', (view) => told(view) === undefined);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ feature: 'second' });
    planted.splice(0);
  });

  it('an event of an agent that is a link or a pipe is passed over, and the next one is taken', async () => {
    const events = product.path('second', 'runs', 'initial', 'agents', 'tester', 'events');
    const name = (ms: number): string => join(events, `${ms}000000-1.json`);
    await plant('pipe', name(Date.now()));
    await plant('link', name(Date.now() + 1));
    await ask('message', { feature: 'second', role: 'tester', text: 'go on', waitMs: 5000 });
    await product.reached('second', 'the message was taken', ({ prompts }) =>
      prompts.some(({ purpose, outcome }) => purpose.startsWith('message') && outcome === 'accepted'),
    );
  });

  it.each(WHATS)('the list of features as a %s: none is added', async (what) => {
    await plant(what, product.path('FEATURES.txt'));
    expect(await refusal('init', { feature: 'third' })).toContain('FEATURES.txt');
    expect(await readdir(product.path())).not.toContain('third');
  });

  it.each(['.archive', '.backups', '.cleanup'])('%s as a link: nothing is put away through it', async (name) => {
    await plant('folder link', product.path(name));
    expect(await refusal('cleanup', { feature: 'first', discard: true })).toContain(product.path(name));
    expect((await ask('status', { feature: 'first' })).ok).toBe(true);
  });

  it('its folder of prompts as a link: what would have to be a file is not typed', async () => {
    const path = product.path('second', 'runs', 'initial', 'prompts');
    await plant('folder link', path);
    const message = { feature: 'second', role: 'tester', text: 'two\nlines', waitMs: 0 };
    expect(await refusal('message', message)).toContain(`${path} is a link, which is not followed`);
  });
});

describe('what the next supervisor reads', () => {
  const RUN = ['second', 'runs', 'initial'] as const;
  beforeEach(() => product.endSupervisor());

  it.each(FEW)('what the run was set up with as a %s: refused until it is put aside', async (what) => {
    const setup = product.path(...RUN, 'agents', 'setup.json');
    await plant(what, setup);
    const { exitCode, stderr } = await product.cli('status', 'second');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(`${setup} is a`);
    for (const undo of planted.splice(0)) await undo();
    expect(await product.status('second')).toMatchObject({ feature: 'second', phase: 'running' });
  });

  it.each([
    ['gone', null, 'it is not there'],
    ['cut short', '{"socket":nu', 'it is not JSON'],
    ['of another shape', '{"socket":1}', 'socket: '],
  ])('what the run was set up with is %s: nobody is told that it goes on', async (_, text, why) => {
    const setup = product.path(...RUN, 'agents', 'setup.json');
    const was = await readFile(setup, 'utf8');
    await rm(setup);
    if (text !== null) await writeFile(setup, text);
    const { exitCode, stderr } = await product.cli('status', 'second');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(`${setup}: ${why}`);
    expect(stderr).toContain('Nobody watches the run meanwhile');
    const { features } = await product.json<OutputOf<'list'>>('list');
    expect(features.find(({ feature }) => feature === 'second')).toMatchObject({ phase: 'unavailable' });
    await writeFile(setup, was);
    expect(await product.status('second')).toMatchObject({ phase: 'running' });
  });

  it.each(FEW)('what an agent and its launcher note as a %s: the run goes on without it', async (what) => {
    const agent = product.path(...RUN, 'agents', 'tester');
    for (const name of ['process', 'exit', 'rehearsal/status.json']) await plant(what, join(agent, name));
    const { phase, panes } = await product.status('second');
    expect(phase).toBe('running');
    expect(panes.find(({ role }) => role === 'tester')).toMatchObject({ state: 'idle' });
  });

  it('a run that is over is told as it was, without what it was started with', async () => {
    await product.json('stop', 'second');
    await product.endSupervisor();
    const setup = product.path(...RUN, 'agents', 'setup.json');
    const was = await readFile(setup, 'utf8');
    await rm(setup);
    expect(await product.status('second')).toMatchObject({ phase: 'stopped' });
    await product.endSupervisor();
    await writeFile(setup, was);
    await product.json('start', 'second', '--baseline', 'waived');
    await openStep(product, 'second');
  });

  it('without a copy of it the record begins anew, as the refusal says', async () => {
    await rm(product.path(...RUN, 'agents', 'setup.json'));
    const { stderr } = await product.cli('status', 'second');
    const run = product.path(...RUN);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(`move journal.jsonl and agents out of ${run}, and tmops init`);
    await product.server.run('kill-session', '-t', '=tmops-second');
    for (const name of ['journal.jsonl', 'agents']) await rename(join(run, name), join(outside, '..', `${name}.aside`));
    await product.json('init', 'second');
    await product.json('start', 'second', '--baseline', 'waived');
    await openStep(product, 'second');
  });
});
