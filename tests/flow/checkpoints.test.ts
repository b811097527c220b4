import { appendFile, copyFile, link, mkdir, readFile, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { openStep, partsWorkflow, stepDone, watchersOf, type OpenStep } from '../rig/flow.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';

const FEATURE = 'auth-api';
const STEPS = 30;

/** One role that writes one part after the other, so that each test takes the step that is open. */
const SOLO = partsWorkflow('solo', Array<string>(STEPS).fill('writer'));
const SHORT = partsWorkflow('short', Array<string>(3).fill('writer'));

const config = (workflow: string): string => `features:
  concurrent_limit: 20
  default_phases: [writer]
workflow: tools/${workflow}.yaml
checkpoints:
  unfinished_ms: 300`;

let product: Product;

beforeAll(async () => {
  product = await openProduct({
    play: 'wait',
    config: config('solo'),
    files: { 'tools/solo.yaml': SOLO, 'tools/short.yaml': SHORT },
  });
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
});
afterAll(() => product.dispose());

const whole = (feature = FEATURE): string => checkpointText(feature, 'Writer', 'Writer', 'A part');

const open = (feature = FEATURE): Promise<OpenStep> => openStep(product, feature);
const done = (step: string, feature = FEATURE): Promise<number> => stepDone(product, feature, step);

const isDone = async (step: string, feature = FEATURE): Promise<boolean> =>
  (await product.events(feature)).some((event) => event.kind === 'step.completed' && event.step === step);

/** Waits until the status tells of the file, and gives the sentence. */
async function told(file: string, feature = FEATURE): Promise<string> {
  const fits = ({ attention }: OutputOf<'status'>) => attention.find(({ sentence }) => sentence.includes(file));
  const status = await product.reached(feature, `the status tells of ${file}`, (view) => fits(view) !== undefined);
  expect(status.checkpoints.find((each) => each.file === file)?.state).toMatch(/^(open|refused)$/);
  return fits(status)?.sentence ?? '';
}

describe('a checkpoint ends its step', () => {
  it.each<[string, (place: OpenStep) => Promise<void>]>([
    ['created under its own name', ({ path }) => writeFile(path, whole())],
    ['renamed into place', ({ file }) => product.put(FEATURE, `checkpoints/${file}`, whole())],
    [
      'rewritten over one that is not in order',
      async ({ path, file }) => {
        await writeFile(path, whole().replace('Writer', 'Reader'));
        await told(file);
        await writeFile(path, whole());
      },
    ],
    [
      'written while the supervisor was down',
      async ({ path }) => {
        await product.endSupervisor();
        await writeFile(path, whole());
        await product.status(FEATURE);
      },
    ],
    [
      'written while the supervisor and its guard were killed',
      async ({ path }) => {
        await killWatch();
        await writeFile(path, whole());
        await product.status(FEATURE);
      },
    ],
  ])('%s', async (_how, write) => {
    const place = await open();
    await write(place);
    await done(place.step);
    expect((await open()).step).not.toBe(place.step);
  });

  it('not before it is whole, however slowly it is written', async () => {
    const { step, path } = await open();
    const pieces = whole().match(/[^]{1,25}/g) ?? [];
    await writeFile(path, '');
    let last = 0;
    for (const piece of pieces) {
      last = Date.now();
      await appendFile(path, piece);
      await pause(40);
    }
    expect(await done(step)).toBeGreaterThanOrEqual(last);
  });

  it('not while a half of it is missing, which the status then says', async () => {
    const { step, file, path } = await open();
    const [first = '', second = ''] = whole().split('## Next Action\n');
    await writeFile(path, `${first}## Next Action\n`);
    expect(await told(file)).toBe(`${file}, line 11: found "## Next Action", expected text below \`## Next Action\`.`);
    expect(await isDone(step)).toBe(false);
    await appendFile(path, second);
    await done(step);
  });

  it('not when it is faulty, and what was wrong is over with the file', async () => {
    const { step, file, path } = await open();
    await writeFile(path, 'nonsense\n');
    expect(await told(file)).toContain(`${file}, line 1`);
    await unlink(path);
    await product.reached(
      FEATURE,
      'nothing is wrong any more',
      ({ checkpoints }) => checkpoints.find((each) => each.file === file)?.problem === null,
    );
    expect(await isDone(step)).toBe(false);
    await writeFile(path, whole());
    await done(step);
  });

  it('not while it awaits a human’s review', async () => {
    const { step, file, path } = await open();
    const review = whole().replace('## Next', '## Gate Status\n- Status: AWAITING_HUMAN_REVIEW\n\n## Next');
    await writeFile(path, review);
    expect(await told(file)).toBe(`${file} asks for a human review.`);
    expect((await product.status(FEATURE)).waitsFor).toBe(
      `${file} asks for a human review: tmops approve ${FEATURE}, or tmops reject ${FEATURE}.`,
    );
    expect(await isDone(step)).toBe(false);
    await writeFile(path, review.replace('AWAITING_HUMAN_REVIEW', 'APPROVED'));
    await done(step);
  });
});

async function killWatch(): Promise<void> {
  process.kill((await watchersOf(product)).guard, 'SIGKILL');
  await product.endSupervisor('SIGKILL');
}

describe('a file that proves nothing leaves its step open, and the status says what is wrong with it', () => {
  const elsewhere = (): string => product.path(FEATURE, 'elsewhere.md');

  it.each<[string, (place: OpenStep) => Promise<unknown>, string]>([
    [
      'a symbolic link',
      async ({ path }) => {
        await writeFile(elsewhere(), whole());
        await symlink(elsewhere(), path);
      },
      ': found "it is a symbolic link", expected a regular file.',
    ],
    [
      'a file with a second name',
      async ({ path }) => {
        await writeFile(elsewhere(), whole());
        await link(elsewhere(), path);
      },
      ': found "it has 2 names (hard links)", expected a regular file.',
    ],
    ['a folder', ({ path }) => mkdir(path), ': found "it is a folder", expected a regular file.'],
    ['a FIFO', ({ path }) => execa('mkfifo', [path]), ': found "it is a FIFO", expected a regular file.'],
    [
      'one from another role',
      ({ path }) => writeFile(path, whole().replace('**From:** Writer', '**From:** Tester')),
      ', line 3: found "From: Tester", expected From: writer.',
    ],
    [
      'one of another feature',
      ({ path }) => writeFile(path, whole('other-api')),
      ', line 6: found "Feature: other-api", expected Feature: auth-api.',
    ],
    [
      'one that is no text',
      ({ path }) => writeFile(path, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1, 2])),
      ', line 1: found "a NUL character", expected text.',
    ],
    [
      'one in another encoding',
      ({ path }) => writeFile(path, Buffer.from(whole().replace('Done', 'Fa\u00e7ade'), 'latin1')),
      ', line 9: found "bytes that are no UTF-8", expected text in UTF-8.',
    ],
    [
      'one without a title',
      ({ path }) => writeFile(path, whole().replace('# A part\n', '')),
      ', line 2: found "**From:** Writer", expected a title that starts with `# `.',
    ],
    [
      'one that is too large',
      ({ path }) => writeFile(path, whole().padEnd(300_000, 'x')),
      ': found "it has 300000 bytes, more than 262144"',
    ],
  ])('%s', async (_what, put, words) => {
    const place = await open();
    const { step, file, path } = place;
    try {
      await put(place);
      expect(await told(file)).toContain(`${file}${words}`);
      expect(await isDone(step)).toBe(false);
    } finally {
      for (const each of [path, elsewhere()]) await rm(each, { recursive: true, force: true });
    }
    await writeFile(path, whole());
    await done(step);
  });

  it('one beside the folder of checkpoints', async () => {
    const { step, file, path } = await open();
    const { worktree } = await product.status(FEATURE);
    for (const place of [worktree, product.repo.root, product.path(FEATURE), product.path(FEATURE, 'current')])
      await writeFile(`${place}/${file}`, whole());
    // Seen to be refused after those, so that they have been passed over.
    await writeFile(path, whole('other-api'));
    await told(file);
    expect(await isDone(step)).toBe(false);
    await writeFile(path, whole());
    await done(step);
  });

  it('one that is older than the run', async () => {
    const { step, file, path } = await open();
    await writeFile(`${path}.part`, whole());
    await utimes(`${path}.part`, new Date(), new Date(Date.now() - 3_600_000));
    await execa('mv', [`${path}.part`, path]);
    const status = await product.reached(FEATURE, 'it is said to be older', ({ waitsFor }) =>
      waitsFor.includes('older'),
    );
    expect(status.waitsFor).toBe(`${file} is older than this run; it has to be written anew.`);
    expect(await isDone(step)).toBe(false);
    await writeFile(path, whole());
    await done(step);
  });
});

describe('in a run of its own', () => {
  it('a checkpoint that was written ahead skips no step and has to be written again', async () => {
    await product.configure({ play: 'wait', config: config('short') });
    await product.json('init', 'ahead');
    await product.json('start', 'ahead');
    const first = await open('ahead');
    const put = async (file: string): Promise<void> => {
      await product.put('ahead', `checkpoints/${file}`, whole('ahead'));
      // So that times of files tell their order.
      await pause(20);
    };
    await put('103-part.md');
    await put('102-part.md');
    await put(first.file);
    await product.reached(
      'ahead',
      'the second is there too early',
      ({ waitsFor }) => waitsFor === '102-part.md was written before 101-part.md; it has to be written again.',
    );
    await put('102-part.md');
    await product.reached(
      'ahead',
      'the third is there too early',
      ({ waitsFor }) => waitsFor === '103-part.md was written before 102-part.md; it has to be written again.',
    );
    await put('103-part.md');
    await open('ahead');
    await put('SUMMARY.md');
    await product.reached('ahead', 'the summary is taken from checkpoints/', ({ phase }) => phase === 'completed');
    await product.json('stop', 'ahead');
  });

  it('checkpoints of the run before, copied with their times, begin no step of a retry', async () => {
    await product.configure({ play: 'wait', config: config('short') });
    await product.json('init', 'again');
    const old = product.path('again', 'runs', 'initial', 'checkpoints', '101-part.md');
    await writeFile(old, whole('again'));
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(old, hourAgo, hourAgo);
    await product.json('init', 'again', '--run-type', 'retry');
    const copy = product.path('again', 'runs', 'retry', 'checkpoints', '101-part.md');
    await copyFile(old, copy);
    await utimes(copy, hourAgo, hourAgo);
    await product.json('start', 'again');
    const { step } = await open('again');
    expect(step).toBe('part-1');
    expect((await product.status('again')).waitsFor).toContain('is older than this run');
    await writeFile(copy, whole('again'));
    await done('part-1', 'again');
    expect(await readFile(old, 'utf8')).toBe(whole('again'));
    await product.json('stop', 'again');
  });
});
