import { copyFile, link, mkdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { openStep, partsWorkflow, stepDone, type OpenStep } from '../rig/flow.ts';
import { linesOf } from '../rig/json-lines.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/**
 * The customer's scenario. What such files are to the reader is also in checkpoints.test.ts (how they come and go) and in
 * tests/core (every text); here each of them stands in a run, and what follows is looked at from outside.
 */

const FEATURE = 'auth-api';
const NEWS = 'news.jsonl';
const CONFIG = `features:
  concurrent_limit: 20
  default_phases: [writer]
workflow: tools/solo.yaml
checkpoints:
  unfinished_ms: 300
notify:
  command: [sh, -c, 'cat >> ${NEWS}']`;

let product: Product;

beforeAll(async () => {
  const solo = partsWorkflow('solo', Array<string>(40).fill('writer'));
  product = await openProduct({ play: 'wait', config: CONFIG, files: { 'tools/solo.yaml': solo } });
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
});
afterAll(() => product.dispose());

const whole = (feature = FEATURE): string => checkpointText(feature, 'Writer', 'Writer', 'A part');
const elsewhere = (): string => product.path(FEATURE, 'elsewhere.md');
const put =
  (text: string | Buffer) =>
  ({ path }: OpenStep): Promise<void> =>
    writeFile(path, text);

/** Nine levels of nine: half a billion scalars, were anybody to expand it. */
const YAML_BOMB = Array.from({ length: 9 }, (_, level) => {
  const name = String.fromCharCode(97 + level);
  const items = level === 0 ? '"lol"' : `*${String.fromCharCode(96 + level)}`;
  return `${name}: &${name} [${Array<string>(9).fill(items).join(',')}]`;
}).join('\n');
const JSON_BOMB = `${'{"a":['.repeat(20_000)}1${']}'.repeat(20_000)}`;

interface Case {
  readonly what: string;
  readonly write: (place: OpenStep) => Promise<unknown>;
  /** What the status says behind the file's name. */
  readonly words: string;
}

const CASES: readonly Case[] = [
  { what: 'malformed', write: put('nonsense\n'), words: ', line 1: found "nonsense", expected a title' },
  {
    what: 'truncated in the middle of its last section',
    write: ({ path }) => writeFile(path, whole().slice(0, whole().indexOf('Writer goes on'))),
    words: ', line 11: found "## Next Action", expected text below `## Next Action`.',
  },
  {
    what: 'truncated within its header',
    write: put(whole().slice(0, 30)),
    words: ', line 4: found "**T", expected a section that starts with `## `.',
  },
  { what: 'empty', write: put(''), words: ', line 1: found "", expected a checkpoint; the file is empty.' },
  {
    what: 'a program',
    write: ({ path }) => copyFile('/bin/true', path),
    words: ', line 1: found "a NUL character", expected text.',
  },
  {
    what: 'text with bytes of no text in it',
    write: put(Buffer.concat([Buffer.from(whole()), Buffer.from([0xff, 0xfe, 0x80, 0x0a])])),
    words: ', line 13: found "bytes that are no UTF-8", expected text in UTF-8.',
  },
  {
    what: 'huge, with nearly nothing on the disk',
    async write({ path }) {
      await writeFile(path, whole());
      await truncate(path, 8 * 1024 ** 4);
    },
    words: ': found "it has 8796093022208 bytes, more than 262144", expected a regular file.',
  },
  {
    what: 'a YAML bomb in the front matter',
    write: put(`---\n${YAML_BOMB}\n---\n${whole()}`),
    words: ', line 2: found "a: &a ["lol","lol"',
  },
  {
    what: 'a JSON bomb in the front matter',
    write: put(`---\n${JSON_BOMB.slice(0, 200_000)}\n---\n${whole()}`),
    words: ', line 2: found "{"a":[{"a":[',
  },
  {
    what: 'a YAML bomb in the place of the body',
    write: put(`${whole().split('## ')[0] ?? ''}${YAML_BOMB}\n`),
    words: ', line 16: found "i: &i [*h,*h,*h,*h,*h,*h,*h,*h,*h]", expected a section that starts with `## `.',
  },
  {
    what: 'a JSON bomb in the body',
    write: put(whole().replace('- Done: yes', JSON_BOMB.slice(0, 200_000))),
    words: ', line 9: found "{"a":[{"a":[',
  },
  {
    what: 'of another role',
    write: put(whole().replace('**From:** Writer', '**From:** Tester')),
    words: ', line 3: found "From: Tester", expected From: writer.',
  },
  {
    what: 'of another feature',
    write: put(whole('other-api')),
    words: ', line 6: found "Feature: other-api", expected Feature: auth-api.',
  },
  {
    what: 'a symbolic link',
    async write({ path }) {
      await writeFile(elsewhere(), whole());
      await symlink(elsewhere(), path);
    },
    words: ': found "it is a symbolic link", expected a regular file.',
  },
  {
    what: 'a link to a file of the system',
    write: ({ path }) => symlink('/etc/passwd', path),
    words: ': found "it is a symbolic link", expected a regular file.',
  },
  {
    what: 'a second name of another file',
    async write({ path }) {
      await writeFile(elsewhere(), whole());
      await link(elsewhere(), path);
    },
    words: ': found "it has 2 names (hard links)", expected a regular file.',
  },
  { what: 'a folder', write: ({ path }) => mkdir(path), words: ': found "it is a folder", expected a regular file.' },
  {
    what: 'a FIFO that nobody writes into',
    write: ({ path }) => execa('mkfifo', [path]),
    words: ': found "it is a FIFO", expected a regular file.',
  },
  {
    what: 'a socket',
    write: ({ path }) => execa(process.execPath, ['-e', BIND, path], { reject: false }),
    words: ': found "it is a socket", expected a regular file.',
  },
];

/** Binds a socket in its folder, whose whole path may be too long for one, and dies with its name left behind. */
const BIND = `const { dirname, basename } = require('node:path');
process.chdir(dirname(process.argv[1]));
require('node:net').createServer().listen(basename(process.argv[1]), () => process.kill(process.pid, 'SIGKILL'));`;

const problemOf = ({ attention }: OutputOf<'status'>, file: string) =>
  attention.find(({ code, sentence }) => code === 'checkpoint-refused' && sentence.startsWith(file));

/** What may not change while a file is refused: what is done, and what the state file says. */
async function standing(): Promise<{ done: string[]; state: Record<string, unknown> }> {
  const state = JSON.parse(await readFile(product.path(FEATURE, 'current', 'state.json'), 'utf8')) as {
    completed_steps: string[];
    step: string;
    phase: string;
  };
  const done = (await product.events(FEATURE)).flatMap((event) =>
    event.kind === 'step.completed' ? [event.step] : [],
  );
  return { done, state: { step: state.step, phase: state.phase, completed: state.completed_steps } };
}

async function isRefused({ write, words }: Pick<Case, 'write' | 'words'>): Promise<void> {
  const place = await openStep(product, FEATURE);
  const { step, file, path } = place;
  const before = await standing();
  try {
    await write(place);
    const status = await product.reached(
      FEATURE,
      `the status tells of ${file}`,
      (view) => problemOf(view, file) !== undefined,
    );
    const told = problemOf(status, file);
    expect(told?.sentence).toContain(`${file}${words}`);
    expect(told?.hint).toBe(
      `Correct .tmops/${FEATURE}/current/checkpoints/${file}; it is read again as soon as it is saved.`,
    );
    expect((told?.sentence ?? '').length).toBeLessThan(400);
    const why = await product.json<OutputOf<'explain'>>('why', FEATURE);
    expect(why.reasons.find(({ code }) => code === 'checkpoint-refused')?.sentence).toBe(told?.sentence);
    expect(why.attention.map(({ sentence }) => sentence)).toContain(told?.sentence);
    expect(status).toMatchObject({ step, phase: 'running' });
    expect(await standing()).toEqual(before);
  } finally {
    for (const each of [path, elsewhere()]) await rm(each, { recursive: true, force: true });
  }
  await writeFile(path, whole());
  await stepDone(product, FEATURE, step);
}

describe('Scenario: Corrupted checkpoint files', () => {
  it('are told to the human who is away', async () => {
    const { step, file, path } = await openStep(product, FEATURE);
    await writeFile(path, 'nonsense\n');
    await until('a notice tells of it', async () =>
      (await linesOf<{ needs: { code: string; sentence: string }[] }>(`${product.repo.root}/${NEWS}`)).some(
        ({ needs }) => needs.some((need) => need.code === 'checkpoint-refused' && need.sentence.startsWith(file)),
      ),
    );
    await writeFile(path, whole());
    await stepDone(product, FEATURE, step);
  });

  it.each(CASES)('$what: refused with what is wrong; what is done stands; a corrected one goes on', isRefused, 60_000);

  // Making a device needs CAP_MKNOD; the test says so in its name where it cannot be had.
  it.runIf(process.getuid?.() === 0)('a device (made by root, as only root may)', () =>
    isRefused({
      write: ({ path }) => execa('mknod', [path, 'c', '1', '5']),
      words: ': found "it is a device", expected a regular file.',
    }),
  );

  // A checkpoint carries no nonce: it is the file of TeamOps, word for word. What stands for one is its time, against that
  // of the run, and its content: the very file that was sent back, or taken once, does not count again.
  it('of an older run: refused by its time; touching it is as good as writing it', async () => {
    const { step, file, path } = await openStep(product, FEATURE);
    const before = await standing();
    await writeFile(`${path}.part`, whole());
    await utimes(`${path}.part`, new Date(), new Date(Date.now() - 86_400_000));
    await execa('mv', [`${path}.part`, path]);
    const status = await product.reached(FEATURE, 'it is said to be older', ({ waitsFor }) =>
      waitsFor.includes('older'),
    );
    expect(status.waitsFor).toBe(`${file} is older than this run; it has to be written anew.`);
    const why = await product.json<OutputOf<'explain'>>('why', FEATURE);
    expect(why.reasons).toContainEqual(
      expect.objectContaining({ code: 'checkpoint-old', sentence: `${file} is older than this run.` }),
    );
    expect(await standing()).toEqual(before);
    await writeFile(path, whole());
    await stepDone(product, FEATURE, step);
  });

  it('corrupted after its step is done: the step stays done, and nothing is asked anew', async () => {
    const { step, path, file } = await openStep(product, FEATURE);
    await writeFile(path, whole());
    await stepDone(product, FEATURE, step);
    const next = await openStep(product, FEATURE);
    const asked = (await product.prompts(FEATURE, 'writer')).length;
    await writeFile(path, Buffer.from([0, 1, 2, 3]));
    await writeFile(next.path, 'nonsense\n');
    const status = await product.reached(
      FEATURE,
      'the present one is told of',
      (view) => problemOf(view, next.file) !== undefined,
    );
    expect(problemOf(status, file)).toBeUndefined();
    expect((await standing()).done).toContain(step);
    expect(await product.prompts(FEATURE, 'writer')).toHaveLength(asked);
    await writeFile(next.path, whole());
    await stepDone(product, FEATURE, next.step);
  });

  it('found by a supervisor that was killed meanwhile: refused by the next one in the same words', async () => {
    const { step, file, path } = await openStep(product, FEATURE);
    await product.endSupervisor('SIGKILL');
    await writeFile(path, whole('other-api'));
    const status = await product.reached(FEATURE, 'it is told of', (view) => problemOf(view, file) !== undefined);
    expect(problemOf(status, file)?.sentence).toContain('found "Feature: other-api", expected Feature: auth-api.');
    await writeFile(path, whole());
    await stepDone(product, FEATURE, step);
  });

  it('many after one another, while each is still being written: the right one at the end goes on', async () => {
    const { step, path } = await openStep(product, FEATURE);
    for (let round = 0; round < 50; round += 1)
      await writeFile(path, round % 2 === 0 ? JSON_BOMB : Buffer.alloc(1_000_000, round));
    await writeFile(path, whole());
    await stepDone(product, FEATURE, step);
  });
});
