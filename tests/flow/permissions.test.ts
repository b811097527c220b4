import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { execa, execaSync } from 'execa';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import type { ProblemView } from '../../src/app/views.ts';
import { journaled, openStep, partsWorkflow, stepDone, watchersOf, wordsTo } from '../rig/flow.ts';
import { linesOf } from '../rig/json-lines.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { checkpointText, openProduct, program, type Product, type ProductOptions } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/**
 * The customer's scenario. Tests run as root in some places, whom permissions do not bind. What binds root too is used there
 * (a mount, a read-only bind mount, an immutable file), and for permissions the product runs as another user. Each needs
 * something of the machine; what cannot be had is named in the title of the test that is left out.
 */

vi.setConfig({ testTimeout: 120_000 });

const FEATURE = 'auth-api';
const NEWS = 'news.jsonl';
const NOBODY = 65534;
const CONFIG = `features:
  concurrent_limit: 20
  default_phases: [writer]
workflow: tools/solo.yaml
checkpoints:
  unfinished_ms: 300
notify:
  command: [sh, -c, 'cat >> ${NEWS}']`;

const works = (command: string, ...args: readonly string[]): boolean =>
  !execaSync(command, args, { reject: false }).failed;

/** Whether this machine lets the test do it; tried on a folder of its own. */
function can(what: (folder: string) => boolean): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'tmops-may-'));
  try {
    return what(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const canMount = can((folder) => works('mount', '-t', 'tmpfs', 'none', folder) && works('umount', folder));
const canFix = can((folder) => works('chattr', '+i', folder) && works('chattr', '-i', folder));
/** Another user has to be able to read the built product, which may lie in a home of root. */
const canBeNobody =
  process.getuid?.() === 0 &&
  works('setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', process.execPath, program, '--version');

let product: Product;
const undo: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
  await product.dispose();
});

async function opened(options: ProductOptions = {}): Promise<void> {
  const solo = partsWorkflow('solo', Array<string>(5).fill('writer'));
  product = await openProduct({ play: 'wait', config: CONFIG, files: { 'tools/solo.yaml': solo }, ...options });
}

async function started(): Promise<void> {
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
}

const whole = (): string => checkpointText(FEATURE, 'Writer', 'Writer', 'A part');

const disk = ({ attention }: OutputOf<'status'>): ProblemView | undefined =>
  attention.find(({ code }) => code === 'disk');

const isFullFor = (view: OutputOf<'status'>): boolean => disk(view)?.sentence.startsWith('Nothing can') === true;

const toldOfDisk = async (): Promise<ProblemView> => {
  const status = await product.reached(FEATURE, 'the status tells of the disk', (view) => disk(view) !== undefined);
  return disk(status) ?? { code: '', sentence: '', hint: '' };
};
const wellAgain = (): Promise<unknown> =>
  product.reached(FEATURE, 'nothing is wrong with the disk', (view) => disk(view) === undefined);

async function told(...args: string[]): Promise<ProblemView & { readonly exitCode: number }> {
  const { exitCode, stderr } = await product.cli('--json', ...args);
  return { ...(JSON.parse(stderr) as ProblemView), exitCode };
}

/** Every line of the journal is one, and the state file is a whole one. Both are read as another program would. */
async function isWhole(): Promise<void> {
  const journal = await readFile(product.path(FEATURE, 'current', 'journal.jsonl'), 'utf8');
  expect(journal.endsWith('\n')).toBe(true);
  const seqs = journal
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  JSON.parse(await readFile(product.path(FEATURE, 'current', 'state.json'), 'utf8'));
}

const stateIsNew = (): Promise<unknown> =>
  until('state.json tells of the last event', async () => {
    const state = JSON.parse(await readFile(product.path(FEATURE, 'current', 'state.json'), 'utf8')) as {
      sequence: number;
    };
    return state.sequence === (await product.events(FEATURE)).at(-1)?.seq;
  });

/** Each step was asked for once, by whoever was there. */
async function eachAskedOnce(): Promise<void> {
  const asked = (await wordsTo(product, FEATURE, 'writer')).filter((words) => words.startsWith('Write part'));
  expect(asked).toEqual([...new Set(asked)]);
}

/** What the tool answers, as an MCP client sees it. */
async function mcp(tool: string, args: Record<string, unknown>): Promise<{ isError?: boolean; text: string }> {
  const client = await mcpClient(product);
  try {
    const answer = (await client.callTool({ name: tool, arguments: args })) as {
      isError?: boolean;
      content: { text: string }[];
    };
    return {
      ...(answer.isError === undefined ? {} : { isError: answer.isError }),
      text: answer.content[0]?.text ?? '',
    };
  } finally {
    await client.close();
  }
}

describe('Scenario: Filesystem permission errors', () => {
  it.runIf(canMount)('the disk is full (a small tmpfs; needs leave to mount)', async () => {
    await opened();
    await mkdir(product.path(), { recursive: true });
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=0700', 'none', product.path()]);
    undo.push(
      () => execa('umount', ['--lazy', product.path()]),
      () => product.endSupervisor(),
    );
    undo.push(() => product.cli('stop', FEATURE));
    await started();
    const { step, file, path } = await openStep(product, FEATURE);
    const { supervisor } = await watchersOf(product);
    const asked = (await product.prompts(FEATURE, 'writer')).length;
    // What is written over in place needs no room, so that files of this length can come while there is none.
    const text = whole();
    await writeFile(path, text.replace('Writer', 'xxxxxx'));
    const ballast = product.path('ballast');
    await fill(ballast);
    undo.push(() => rm(ballast, { force: true }));
    // The last page of the journal takes some lines more.
    const tell = async (letter: string): Promise<boolean> => {
      const found = letter.repeat(6);
      await over(path, text.replace('Writer', found));
      const isTold = ({ attention }: OutputOf<'status'>): boolean =>
        attention.some(({ sentence }) => sentence.includes(found));
      return isFullFor(await product.reached(FEATURE, 'it is told', (view) => isFullFor(view) || isTold(view)));
    };
    let isFull = false;
    for (const letter of 'abcdefghijklmnopqrstuvwyzABCDEFGHIJKLMNOPQRSTUV') {
      isFull = await tell(letter);
      if (isFull) break;
    }
    expect(isFull).toBe(true);

    const problem = await toldOfDisk();
    expect(problem.sentence).toMatch(/^Nothing can be written down, so that nothing is done: .*ENOSPC/);
    expect(problem.hint).toContain(`df -h '${product.path(FEATURE, 'runs', 'initial', 'journal.jsonl')}'`);
    const why = await product.json<OutputOf<'explain'>>('why', FEATURE);
    expect(why.reasons[0]).toMatchObject({ code: 'disk' });
    expect(await told('pause', FEATURE)).toMatchObject({ code: 'disk', exitCode: 1 });
    expect(await told('message', FEATURE, 'writer', 'Go on.')).toMatchObject({ code: 'disk', exitCode: 1 });
    const called = await mcp('tmops_pause', { feature: FEATURE });
    expect(called.isError).toBe(true);
    expect(called.text).toContain('df -h');
    await until(
      'a notice tells of it',
      async () =>
        (await linesOf<{ needs: { code: string }[] }>(join(product.repo.root, NEWS))).some(({ needs }) =>
          needs.some(({ code }) => code === 'disk'),
        ),
      { withinMs: 25_000 },
    );

    // What comes meanwhile counts afterwards.
    await over(path, text);
    await until('the file is the right one', async () => (await readFile(path, 'utf8')) === text);
    expect((await product.status(FEATURE)).step).toBe(step);
    await isWhole();
    expect(await product.prompts(FEATURE, 'writer')).toHaveLength(asked);

    await rm(ballast);
    await stepDone(product, FEATURE, step);
    expect((await openStep(product, FEATURE)).file).not.toBe(file);
    await wellAgain();
    await stateIsNew();
    await isWhole();
    await eachAskedOnce();
    expect((await watchersOf(product)).supervisor).toBe(supervisor);
    expect((await readdir(product.path(FEATURE, 'current'))).filter((name) => /\.tmp$|torn/.test(name))).toEqual([]);
  });

  it.runIf(canFix)('the journal may not be changed (chattr +i, which binds root; needs leave for it)', async () => {
    await opened();
    await started();
    const journal = product.path(FEATURE, 'runs', 'initial', 'journal.jsonl');
    const { step, path } = await openStep(product, FEATURE);
    const { supervisor } = await watchersOf(product);
    const asked = (await product.prompts(FEATURE, 'writer')).length;
    await execa('chattr', ['+i', journal]);
    undo.push(() => execa('chattr', ['-i', journal], { reject: false }));
    await writeFile(path, whole());
    const problem = await toldOfDisk();
    expect(problem.sentence).toMatch(/^Nothing can be written down, so that nothing is done: .*EPERM/);
    expect(problem.hint).toContain(`chattr -i '${journal}'`);
    expect(await told('message', FEATURE, 'writer', 'Go on.')).toMatchObject({ code: 'disk', exitCode: 1 });
    expect(await product.prompts(FEATURE, 'writer')).toHaveLength(asked);
    await isWhole();
    await execa('chattr', ['-i', journal]);
    await stepDone(product, FEATURE, step);
    await openStep(product, FEATURE);
    await wellAgain();
    await isWhole();
    await eachAskedOnce();
    expect((await watchersOf(product)).supervisor).toBe(supervisor);
  });

  it.runIf(canMount)('.tmops is read-only (a bind mount, which binds root; needs leave to mount)', async () => {
    await opened();
    await started();
    const { step, path } = await openStep(product, FEATURE);
    const { supervisor } = await watchersOf(product);
    // The journal is open already and goes on being written; everything else is refused.
    const aside = join(product.repo.base, 'aside');
    await mkdir(aside);
    // Made read-only where nobody has a file of it open, which would refuse that.
    await execa('mount', ['--bind', product.path(), aside]);
    undo.push(() => execa('umount', ['--lazy', aside]));
    await execa('mount', ['-o', 'remount,ro,bind', aside]);
    await execa('mount', ['--bind', aside, product.path()]);
    undo.push(() => execa('umount', ['--lazy', product.path()]));
    await product.json('pause', FEATURE);
    const problem = await toldOfDisk();
    expect(problem.sentence).toMatch(/^What is kept beside the journal cannot be renewed: .*EROFS/);
    expect(problem.hint).toMatch(/findmnt -T .*remount,rw/);
    expect(await told('init', 'other-api')).toMatchObject({ code: 'disk', exitCode: 1 });
    expect((await mcp('tmops_init_feature', { feature: 'other-api' })).text).toContain('remount,rw');
    await product.json('resume', FEATURE);
    await isWhole();
    await execa('mount', ['-o', 'remount,rw,bind', product.path()]);
    await wellAgain();
    await stateIsNew();
    await writeFile(path, whole());
    await stepDone(product, FEATURE, step);
    expect((await watchersOf(product)).supervisor).toBe(supervisor);
    await product.json('init', 'other-api');
  });
});

/** The command of a hint that makes something one's own to write again, as it stands there. */
const chmodIn = (hint: string): string => /chmod -R u\+rwX '[^']+'/.exec(hint)?.[0] ?? 'false';

const asNobody = (command: string): Promise<unknown> =>
  execa('sh', ['-c', command], { cwd: product.repo.root, uid: NOBODY, gid: NOBODY });

describe.runIf(canBeNobody)('Scenario: Filesystem permission errors, as another user than root', () => {
  it('.tmops may not be written: nothing begins, and the command that is named repairs it', async () => {
    await opened({ uid: NOBODY });
    await mkdir(product.path(), { mode: 0o500 });
    await chown(product.path(), NOBODY, NOBODY);
    for (const args of [['init', FEATURE], ['list']]) {
      const problem = await told(...args);
      expect(problem).toMatchObject({ code: 'supervisor-not-started', exitCode: 3 });
      expect(problem.sentence).toContain(`${product.path()} cannot be written (EACCES)`);
      expect(problem.hint).toContain(`chmod -R u+rwX '${product.path()}'`);
    }
    expect(await readdir(product.path())).toEqual([]);
    await asNobody(chmodIn((await told('init', FEATURE)).hint));
    await started();
    await openStep(product, FEATURE);
  });

  it('the folder of the run is taken away, and that of the checkpoints', async () => {
    await opened({ uid: NOBODY });
    await started();
    const { step, path, file } = await openStep(product, FEATURE);
    const { supervisor } = await watchersOf(product);
    const run = product.path(FEATURE, 'runs', 'initial');
    undo.push(() => chmod(run, 0o700));
    await chmod(run, 0o500);
    await product.json('pause', FEATURE);
    const problem = await toldOfDisk();
    expect(problem.sentence).toMatch(/^What is kept beside the journal cannot be renewed: .*EACCES/);
    await asNobody(chmodIn(problem.hint));
    await wellAgain();
    await stateIsNew();
    await product.json('resume', FEATURE);

    await writeFile(`${path}.part`, whole());
    await chown(`${path}.part`, NOBODY, NOBODY);
    await chmod(join(run, 'checkpoints'), 0);
    await rename(`${path}.part`, path);
    const status = await product.reached(FEATURE, 'it is said that it may not be read', ({ attention }) =>
      attention.some(({ sentence }) => sentence.startsWith(file) && sentence.includes('permission denied')),
    );
    const hint = status.attention.find(({ sentence }) => sentence.startsWith(file))?.hint ?? '';
    await asNobody(chmodIn(hint));
    await stepDone(product, FEATURE, step);
    await isWhole();
    await eachAskedOnce();
    expect((await watchersOf(product)).supervisor).toBe(supervisor);
  });

  it('files of another user, as a call with sudo leaves them', async () => {
    await opened({ uid: NOBODY });
    await started();
    await openStep(product, FEATURE);
    const journal = product.path(FEATURE, 'runs', 'initial', 'journal.jsonl');
    const mark = product.path('.supervisor', 'command');
    await product.json('stop', FEATURE);
    await product.endSupervisor();
    await chown(journal, 0, 0);
    const closed = await told('status', FEATURE);
    expect(closed).toMatchObject({ code: 'disk', exitCode: 1 });
    expect(closed.sentence).toContain(journal);
    expect(closed.hint).toContain(`sudo chown -R "$(id -un)" '${product.path()}'`);
    await chown(journal, NOBODY, NOBODY);
    await product.json('start', FEATURE);
    await product.json('stop', FEATURE);
    await product.endSupervisor();
    await chown(mark, 0, 0);
    const began = performance.now();
    const refused = await told('status', FEATURE);
    expect(refused).toMatchObject({ code: 'supervisor-not-started', exitCode: 3 });
    expect(refused.sentence).toContain(`${mark} cannot be written (EACCES)`);
    expect(performance.now() - began).toBeLessThan(10_000);
    await chown(mark, NOBODY, NOBODY);
    await product.json('start', FEATURE);
    await journaled(product, FEATURE, 'it goes on', (events) => events.at(-1)?.kind !== 'run.stopped');
  });
});

/** Writes until there is no room left, not even a page. */
async function fill(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const size of [65_536, 4096]) {
      const block = Buffer.alloc(size, 'x');
      for (;;) {
        const written = await handle.write(block).catch((error: unknown) => {
          if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return null;
          throw error;
        });
        if (written === null || written.bytesWritten < size) break;
      }
    }
  } finally {
    await handle.close();
  }
}

/** Writes over a file of the same length, without giving its room away. */
async function over(file: string, text: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.write(text, 0);
  } finally {
    await handle.close();
  }
}
