import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { checkpointText, openProduct, type Product, type ProductOptions } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

type Adopted = OutputOf<'adopt'>;

let product: Product | null = null;
afterEach(async () => {
  await product?.dispose();
  product = null;
});

const open = async (options: ProductOptions = {}): Promise<Product> =>
  (product = await openProduct({
    framework: true,
    play: 'instant',
    ...options,
    config: `evidence:\n  enabled: false\n${options.config ?? ''}`,
  }));

const DAY_S = 86_400;
const BY_HAND = [
  ['001-discovery-trigger.md', 'Orchestrator', 'Tester'],
  ['003-tests-complete.md', 'Tester', 'Orchestrator'],
  ['004-impl-trigger.md', 'Orchestrator', 'Implementer'],
  ['005-impl-complete.md', 'Implementer', 'Orchestrator'],
  ['006-verify-trigger.md', 'Orchestrator', 'Verifier'],
  ['007-verify-complete.md', 'Verifier', 'Orchestrator'],
  ['SUMMARY.md', 'Orchestrator', 'Human'],
] as const;

/** What a human does with the framework alone, yesterday: its script, a specification, and the first checkpoints. */
async function byHand({ repo, path }: Product, count: number, feature = 'auth-api'): Promise<void> {
  await execa('bash', [join(repo.toolsDir, 'init_feature_multi.sh'), feature], {
    cwd: repo.root,
    env: repo.environment,
    extendEnv: false,
  });
  const run = path(feature, 'runs', 'initial');
  const yesterday = Date.now() / 1000 - DAY_S;
  await writeFile(join(run, 'TASK_SPEC.md'), '# Mine\n\nBuild it.\n');
  await utimes(join(run, 'TASK_SPEC.md'), yesterday, yesterday);
  for (const [index, [file, from, to]] of BY_HAND.slice(0, count).entries()) {
    const target = join(run, file === 'SUMMARY.md' ? '.' : 'checkpoints', file);
    await writeFile(target, checkpointText(feature, from, to));
    await utimes(target, yesterday + 60 * index, yesterday + 60 * index);
  }
}

/** Every file of the feature and of git, by its content, but for what tmops keeps for itself. */
async function stateOf({ repo, path }: Product): Promise<Record<string, string>> {
  const files = await readdir(path(), { recursive: true, withFileTypes: true });
  const ours = /\/(\.supervisor|\.logs|\.audit)(\/|$)|\/(journal\.jsonl.*|state\.json)$/;
  const told: Record<string, string> = {};
  for (const file of files.filter((each) => each.isFile())) {
    const name = join(file.parentPath, file.name);
    if (!ours.test(name))
      told[name] = createHash('sha256')
        .update(await readFile(name))
        .digest('hex');
  }
  told['git'] = [await repo.git(['status', '--porcelain']), await repo.git(['worktree', 'list'])].join('\n');
  return told;
}

const problemOf = async ({ cli }: Product, ...args: string[]): Promise<{ code: string; hint: string }> => {
  const { exitCode, stderr } = await cli('--json', ...args);
  expect(exitCode).toBe(1);
  return JSON.parse(stderr) as { code: string; hint: string };
};

describe('a run made by hand up to the tests', () => {
  it('is adopted without a change to its files, and goes on to the end from its checkpoints', async () => {
    const made = await open();
    const { json, cli, reached, prompts, events, path } = made;
    await byHand(made, 2);
    const [listed] = (await json<OutputOf<'list'>>('list')).features;
    expect(listed).toMatchObject({ feature: 'auth-api', phase: 'by hand' });
    expect(listed?.waitsFor).toContain('tmops adopt auth-api');
    expect(await problemOf(made, 'start', 'auth-api')).toMatchObject({ code: 'unknown-feature' });
    const before = await stateOf(made);
    const adopted = await json<Adopted>('adopt', 'auth-api');
    expect(await stateOf(made)).toEqual(before);
    expect(adopted).toMatchObject({
      run: 'initial',
      branch: 'feature/auth-api',
      worktree: made.repo.root,
      adopted: true,
      specState: 'filled',
      next: 'The orchestrator is told "[CONFIRMED]: Tester has completed", and 004-impl-trigger.md is awaited (step implementation-trigger).',
      nextSteps: ['tmops start auth-api'],
    });
    expect(adopted.checkpoints.map(({ state }) => state)).toEqual([
      'done',
      'done',
      'open',
      ...Array<string>(4).fill('later'),
    ]);
    expect((await events('auth-api')).map((event) => event.kind)).toEqual(['run.initialised']);
    expect((await cli('status', 'auth-api')).stdout).toContain('tmops start auth-api');

    await json('start', 'auth-api');
    await reached('auth-api', 'it is completed', (status) => status.phase === 'completed', 60_000);
    const words = (await prompts('auth-api', 'orchestrator')).map(({ text }) => text.replace(/ \[tmops#\d+\]$/, ''));
    expect(words.slice(1)).toEqual([
      '[CONFIRMED]: Tester has completed',
      '[CONFIRMED]: Implementer has completed',
      '[CONFIRMED]: Verifier has completed',
    ]);
    expect((await prompts('auth-api', 'tester')).map(({ text }) => text)).toEqual([
      expect.stringContaining('roles/tester.md'),
    ]);
    const done = (await events('auth-api')).flatMap((event) => (event.kind === 'step.completed' ? [event.how] : []));
    expect(done.slice(0, 2)).toEqual(['found', 'found']);
    expect(await readFile(path('auth-api', 'current', 'TASK_SPEC.md'), 'utf8')).toBe('# Mine\n\nBuild it.\n');
  });

  it('is adopted once; a second time tells that it is known, and one of tmops’ own is too', async () => {
    const made = await open();
    await byHand(made, 1);
    await made.json('adopt', 'auth-api');
    expect(await made.json<Adopted>('adopt', 'auth-api')).toMatchObject({
      adopted: false,
      notes: ['tmops knew this run already (initialised).'],
    });
    expect((await made.events('auth-api')).length).toBe(1);
    await made.json('init', 'own-api');
    expect(await made.json<Adopted>('adopt', 'own-api')).toMatchObject({ adopted: false, run: 'initial' });
  });
});

describe('what is found is told', () => {
  it('a checkpoint that is half written', async () => {
    const made = await open();
    await byHand(made, 1);
    await writeFile(
      made.path('auth-api', 'current', 'checkpoints', '003-tests-complete.md'),
      '# Tests\n\n**From:** Tes',
    );
    const adopted = await made.json<Adopted>('adopt', 'auth-api');
    expect(adopted.checkpoints[1]).toMatchObject({ step: 'testing', state: 'refused' });
    expect(adopted.next).toMatch(/^003-tests-complete\.md, line \d+: found .+ it is read again/);
  });

  it('a checkpoint that asks for a human review', async () => {
    const made = await open();
    await byHand(made, 1);
    const text = `${checkpointText('auth-api', 'Tester', 'Orchestrator')}\n## Gate Status\nStatus: AWAITING_HUMAN_REVIEW\n`;
    await writeFile(made.path('auth-api', 'current', 'checkpoints', '003-tests-complete.md'), text);
    const adopted = await made.json<Adopted>('adopt', 'auth-api');
    expect(adopted.next).toContain('003-tests-complete.md asks for a human review: tmops approve auth-api');
    await made.json('start', 'auth-api');
    await made.reached('auth-api', 'it waits for the review', (status) =>
      status.attention.some(({ code }) => code === 'awaits-review'),
    );
  });

  it('that all is done, and the start notes it', async () => {
    const made = await open();
    await byHand(made, 7);
    expect(await made.json<Adopted>('adopt', 'auth-api')).toMatchObject({ next: 'All its steps are done.' });
    await made.json('start', 'auth-api');
    await made.reached('auth-api', 'it is completed', (status) => status.phase === 'completed');
    expect((await made.events('auth-api')).some((event) => event.kind === 'step.began')).toBe(false);
  });

  it('nothing but a specification: it begins at the first step', async () => {
    const made = await open();
    await byHand(made, 0);
    const { next } = await made.json<Adopted>('adopt', 'auth-api');
    expect(next).toContain('The orchestrator is told "[BEGIN]: Start orchestration for auth-api"');
  });
});

describe('in a worktree of the human’s own', () => {
  it('it is adopted there once .tmops leads to the root', async () => {
    const made = await open();
    const { repo, path } = made;
    await byHand(made, 2);
    await repo.git(['switch', '--quiet', 'main']);
    expect(await problemOf(made, 'adopt', 'auth-api')).toMatchObject({ code: 'adopt-not-checked-out' });
    const tree = join(repo.base, 'tree');
    await repo.git(['worktree', 'add', '--quiet', tree, 'feature/auth-api']);
    const refused = await problemOf(made, 'adopt', 'auth-api');
    expect(refused).toMatchObject({ code: 'adopt-not-linked', hint: `ln -s '../sample/.tmops' '${tree}/.tmops'` });
    await symlink('../sample/.tmops', join(tree, '.tmops'));
    expect(await made.json<Adopted>('adopt', 'auth-api')).toMatchObject({ adopted: true, worktree: tree });
    await made.json('start', 'auth-api');
    await made.reached('auth-api', 'it is completed', (status) => status.phase === 'completed', 60_000);
    expect(await readFile(path('auth-api', 'current', 'checkpoints', '005-impl-complete.md'), 'utf8')).not.toBe('');
  });
});

describe('what cannot be adopted is refused with its reason, and nothing is noted', () => {
  it.each([
    ['a feature that is not there', 'adopt-no-folder', () => Promise.resolve()],
    [
      'a run that no link names',
      'adopt-no-current',
      async (made: Product) => {
        await byHand(made, 1);
        await rm(made.path('auth-api', 'current'));
      },
    ],
    [
      'a link out of the feature',
      'adopt-link-out',
      async (made: Product) => {
        await byHand(made, 1);
        await rm(made.path('auth-api', 'current'));
        await symlink('/tmp', made.path('auth-api', 'current'));
      },
    ],
    [
      'a folder of runs that is a link',
      'adopt-in-the-way',
      async (made: Product) => {
        await mkdir(made.path('auth-api'), { recursive: true });
        await symlink('/tmp', made.path('auth-api', 'runs'));
      },
    ],
    [
      'a branch that is gone',
      'adopt-no-branch',
      async (made: Product) => {
        await byHand(made, 1);
        await made.repo.git(['switch', '--quiet', 'main']);
        await made.repo.git(['branch', '--quiet', '-D', 'feature/auth-api']);
      },
    ],
  ])('%s', async (_what, code, prepare) => {
    const made = await open();
    await prepare(made);
    expect(await problemOf(made, 'adopt', 'auth-api')).toMatchObject({ code });
    expect(await made.events('auth-api')).toEqual([]);
  });
});

describe('panes in which somebody talks with a Claude Code of their own', () => {
  /** Stands for Claude Code: what it leaves in its folder while it runs, and of a conversation. */
  async function talk(
    { server, repo }: Product,
    cwd = repo.root,
    spoken = true,
  ): Promise<{ pane: string; id: string }> {
    const id = randomUUID();
    const home = join(server.env['HOME'] ?? '', '.claude');
    await mkdir(join(home, 'projects', 'p'), { recursive: true });
    await mkdir(join(home, 'sessions'), { recursive: true });
    if (spoken) await writeFile(join(home, 'projects', 'p', `${id}.jsonl`), '{"type":"user"}\n');
    const script = `
      const fs = require('node:fs');
      const stat = fs.readFileSync('/proc/self/stat', 'utf8');
      const procStart = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
      const session = { pid: process.pid, procStart, sessionId: ${JSON.stringify(id)}, cwd: process.cwd(), status: 'idle' };
      fs.writeFileSync(${JSON.stringify(home)} + '/sessions/' + process.pid + '.json', JSON.stringify(session));
      setInterval(() => {}, 1000);`;
    const argv = ['sh', '-c', `node -e "$1" & wait`, 'sh', script];
    const pane = (await server.run('new-session', '-d', '-c', cwd, '-P', '-F', '#{pane_id}', ...argv)).trim();
    await until('it talks', async () => {
      const names = await readdir(join(home, 'sessions'));
      const texts = await Promise.all(names.map((name) => readFile(join(home, 'sessions', name), 'utf8')));
      return texts.some((text) => text.includes(id));
    });
    return { pane, id };
  }

  it('are noted by their conversations, which the roles are to carry on', async () => {
    const made = await open();
    await byHand(made, 2);
    const tester = await talk(made);
    const implementer = await talk(made);
    const panes = `tester=${tester.pane},implementer=${implementer.pane}`;
    const adopted = await made.json<Adopted>('adopt', 'auth-api', '--panes', panes);
    expect(adopted.conversations).toMatchObject([
      { role: 'tester', sessionId: tester.id, pane: tester.pane },
      { role: 'implementer', sessionId: implementer.id, pane: implementer.pane },
    ]);
    expect(adopted.nextSteps).toEqual([
      `End the tester's conversation in pane ${tester.pane} with /exit`,
      `End the implementer's conversation in pane ${implementer.pane} with /exit`,
      'tmops start auth-api',
    ]);
    expect((await made.events('auth-api')).map((event) => event.kind)).toEqual([
      'run.initialised',
      'conversation.adopted',
      'conversation.adopted',
    ]);
    // A rehearsal carries on no conversation of Claude Code: it begins its own.
    await made.json('start', 'auth-api');
    await made.reached('auth-api', 'it is completed', (status) => status.phase === 'completed', 60_000);
    const again = await problemOf(made, 'adopt', 'auth-api', '--panes', `tester=${tester.pane}`);
    expect(again).toMatchObject({ code: 'has-conversation' });
  });

  it('are refused where they are gone, say nothing, work elsewhere, or are named twice or for nobody', async () => {
    const made = await open();
    await byHand(made, 2);
    const here = await talk(made);
    const elsewhere = await talk(made, made.repo.base);
    const silent = await talk(made, made.repo.root, false);
    const shell = (await made.server.run('new-session', '-d', '-P', '-F', '#{pane_id}', 'sleep', '1000')).trim();
    const codes = [];
    for (const panes of [
      'tester=%999',
      `tester=${shell}`,
      `tester=${silent.pane}`,
      `tester=${elsewhere.pane}`,
      `tester=${here.pane},verifier=${here.pane}`,
      `nobody=${here.pane}`,
    ])
      codes.push((await problemOf(made, 'adopt', 'auth-api', '--panes', panes)).code);
    expect(codes).toEqual([
      'adopt-pane-gone',
      'adopt-no-conversation',
      'adopt-no-conversation',
      'adopt-works-elsewhere',
      'adopt-pane-twice',
      'unknown-role',
    ]);
    expect(await made.events('auth-api')).toEqual([]);
    const wrong = await made.cli('adopt', 'auth-api', '--panes', 'tester');
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('tester=%4')]);
  });
});
