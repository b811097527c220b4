import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { greenCode, isAlive, playText, redTest, wordsTo, write, type Cue } from '../rig/flow.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/** What roles of the shipped workflow do in a rehearsal; whoever is not named does an honest day's work. */
interface Team {
  readonly tester?: Partial<Cue>;
  readonly implementer?: Partial<Cue>;
  readonly verifier?: Partial<Cue>;
  /** Done when a checkpoint is sent back. */
  readonly corrections?: readonly Cue[];
}

const run = (...argv: string[]): object => ({ run: { argv, expect: 'any' } });
/** Written as a shell would: no hook is asked. */
const byBash = (path: string, content: string): object =>
  run('node', '-e', `require('node:fs').writeFileSync(${JSON.stringify(path)}, ${JSON.stringify(content)})`);

function team({ tester, implementer, verifier, corrections = [] }: Team): string {
  const orchestrator = (when: string, file: string): Cue => ({ role: 'orchestrator', when, file });
  return playText([
    ...corrections,
    orchestrator('[BEGIN]: Start orchestration', '001-discovery-trigger.md'),
    orchestrator('Tester has completed', '004-impl-trigger.md'),
    orchestrator('Implementer has completed', '006-verify-trigger.md'),
    orchestrator('Verifier has completed', 'SUMMARY.md'),
    {
      ...{ role: 'tester', when: '[BEGIN]: Start test writing', acts: [redTest], file: '003-tests-complete.md' },
      ...tester,
    },
    {
      ...{
        role: 'implementer',
        when: '[BEGIN]: Start implementation',
        acts: [greenCode],
        file: '005-impl-complete.md',
      },
      ...implementer,
    },
    { ...{ role: 'verifier', when: '[BEGIN]: Start verification', file: '007-verify-complete.md' }, ...verifier },
  ]);
}

const AGAIN = '[CORRECTION]';
const LAX_TEST = write('tests/{feature}.test.mjs', 'export {};\n');
const RED_TEST = "import '../src/{feature}.mjs';\n";
const testing = (changes: Partial<Cue>): Cue => ({
  ...{ role: 'tester', when: AGAIN, file: '003-tests-complete.md' },
  ...changes,
});

const PLAYS: Readonly<Record<string, string>> = {
  honest: team({}),
  // Its tests pass before there is any code, also when it is told.
  lax: team({ tester: { acts: [LAX_TEST] }, corrections: [testing({ acts: [LAX_TEST] })] }),
  // Writes code where no hook sees it, and takes it away when it is told.
  sneaky: team({
    tester: { acts: [redTest, byBash('src/sneaky.mjs', 'export {};\n')] },
    corrections: [testing({ acts: [run('rm', 'src/sneaky.mjs')] })],
  }),
  // Writes code with its file tool, and does its own work when it is reminded.
  forward: team({
    tester: { acts: [write('src/forward.mjs', 'export {};\n')] },
    corrections: [testing({ when: '[CONTINUE]', acts: [redTest] })],
  }),
  // Breaks a test that was there before.
  wrong: team({
    tester: { acts: [redTest, write('test/sum.test.js', "throw new Error('broken');\n")] },
    corrections: [testing({ acts: [run('git', 'checkout', '--', 'test/sum.test.js')] })],
  }),
  // Makes the tests pass by changing them.
  meddling: team({
    implementer: { acts: [byBash('tests/{feature}.test.mjs', 'export {};\n')] },
    corrections: [
      {
        ...{ role: 'implementer', when: AGAIN, file: '005-impl-complete.md' },
        acts: [byBash('tests/{feature}.test.mjs', RED_TEST), greenCode],
      },
    ],
  }),
  // Repairs what it was to look at.
  tidying: team({
    verifier: { acts: [byBash('src/sum.js', 'export const sum = (a, b) => b + a;\n')] },
    corrections: [
      {
        ...{ role: 'verifier', when: AGAIN, file: '007-verify-complete.md' },
        acts: [run('git', 'checkout', '--', 'src/sum.js')],
      },
    ],
  }),
};

/** A whole run with the tests of its checks, on a busy machine. */
const RUN_WITHIN_MS = 90_000;
const CONFIG = 'features:\n  concurrent_limit: 20';

let product: Product;
beforeAll(async () => {
  const files = Object.fromEntries(Object.entries(PLAYS).map(([name, text]) => [`tools/${name}.yaml`, text]));
  product = await openProduct({ config: CONFIG, files });
});
afterAll(() => product.dispose());

type Status = OutputOf<'status'>;

async function initialised(play: string): Promise<{ feature: string; worktree: string }> {
  const feature = `${play}-api`;
  await product.configure({ play: `tools/${play}.yaml`, config: CONFIG });
  return { feature, worktree: (await product.json<OutputOf<'init'>>('init', feature)).worktree };
}

/** Starts a feature that plays what it is called after. */
async function started(play: string): Promise<{ feature: string; worktree: string }> {
  const made = await initialised(play);
  await product.json('start', made.feature);
  return made;
}

const completed = (feature: string): Promise<Status> =>
  product.reached(feature, `${feature} is completed`, ({ phase }) => phase === 'completed', RUN_WITHIN_MS);

/** Waits until the feature needs a human because of what was found, and gives the sentence. */
async function halted(feature: string, code: 'check-failed' | 'check-inconclusive'): Promise<string> {
  const problem = ({ attention }: Status) => attention.find((each) => each.code === code);
  return problem(await product.reached(feature, code, (status) => problem(status) !== undefined))?.sentence ?? '';
}

/** What the checks of a step found, in order. */
async function findings(feature: string, step: string): Promise<(string | readonly string[])[][]> {
  const events = await product.events(feature);
  return events.flatMap((event) =>
    event.kind === 'check.failed' && event.step === step ? [[event.finding.rule, event.finding.files]] : [],
  );
}

/** Why a checkpoint was sent back, as its role was told. */
async function correctionTo(feature: string, role: string): Promise<string> {
  const line = (await wordsTo(product, feature, role)).find((words) => words.startsWith(AGAIN)) ?? '';
  const file = /\S+\/prompts\/(\S+\.md)/.exec(line)?.[1] ?? '';
  return readFile(product.path(feature, 'current', 'prompts', file), 'utf8');
}

/** What the tester's terminal has shown, as the rehearsal agent keeps it. */
async function historyOf(feature: string, role: string): Promise<string> {
  const folder = product.path(feature, 'current', 'agents', role, 'rehearsal');
  const name = (await readdir(folder)).find((each) => /^[0-9a-f-]{36}\.jsonl$/.test(each)) ?? '';
  return join(folder, name);
}

const refs = (feature: string): Promise<string> =>
  product.repo.git(['for-each-ref', '--format=%(refname)', `refs/tmops/${feature}`]);

describe('an honest run', () => {
  let feature: string;
  let end: Status;
  beforeAll(async () => {
    ({ feature } = await started('honest'));
    end = await completed(feature);
  }, RUN_WITHIN_MS);

  it('is shown to be one, step by step', () => {
    const said = (step: string, stage: string) => end.checks.find((each) => each.step === step && each.stage === stage);
    expect(end.checks.map(({ state }) => state)).toEqual(Array(14).fill('passed'));
    expect(said('testing', 'before')?.said[0]).toMatch(/^The tests pass, as they should/);
    expect(said('testing', 'after')?.said).toEqual([
      '1 file changed, as the role may.',
      'The tests fail, as they should (exit code 1).',
      'Without the file it added they pass.',
    ]);
    expect(said('implementation', 'after')?.said).toEqual([
      '1 file changed, as the role may.',
      'The tests pass, as they should.',
    ]);
    expect(said('verification', 'after')?.said).toEqual(['Nothing was changed.']);
  });

  it('runs no tests twice between start and the step that begins from them', async () => {
    const passed = (await product.events(feature)).flatMap((event) =>
      event.kind === 'check.passed' && event.step === 'testing' && event.stage === 'before' ? event.shown : [],
    );
    expect(passed).toEqual(['The tests pass, as they should (they did so with the very same files before).']);
  });

  it('leaves branch and worktrees as the roles made them, and what was compared under refs/tmops', async () => {
    expect((await product.repo.git(['worktree', 'list'])).split('\n')).toHaveLength(2);
    expect(await refs(feature)).toContain(`refs/tmops/${feature}/initial/testing-after`);
    expect(await product.repo.git(['log', '--format=%s', `main..feature/${feature}`])).toBe('');
  });
});

describe('a tester', () => {
  it(
    'whose tests pass is sent back once with the end of what they printed, then a human is asked',
    async () => {
      const { feature } = await started('lax');
      const sentence = await halted(feature, 'check-failed');
      expect(sentence).toContain('The tests pass, and new tests have to fail until the work is done.');
      expect(await findings(feature, 'testing')).toEqual([
        ['tests-red', []],
        ['tests-red', []],
      ]);
      expect((await wordsTo(product, feature, 'tester')).filter((words) => words.startsWith(AGAIN))).toHaveLength(1);
      const told = await correctionTo(feature, 'tester');
      expect(told).toContain('# 003-tests-complete.md does not hold');
      expect(told).toMatch(/^. pass 1$/m);
      expect((await product.status(feature)).step).toBe('testing');

      await product.json('approve', feature, '--comment', 'a characterisation test');
      await completed(feature);
      const waived = (await product.events(feature)).find((event) => event.kind === 'check.waived');
      expect(waived).toMatchObject({ step: 'testing', stage: 'after', comment: 'a characterisation test' });
    },
    RUN_WITHIN_MS,
  );

  it(
    'that writes code by Bash is found out, file by file, and may put it right',
    async () => {
      const { feature, worktree } = await started('sneaky');
      await completed(feature);
      expect(await findings(feature, 'testing')).toEqual([['write-rules', ['src/sneaky.mjs']]]);
      expect(await correctionTo(feature, 'tester')).toContain('- src/sneaky.mjs\n');
      expect(existsSync(join(worktree, 'src', 'sneaky.mjs'))).toBe(false);
    },
    RUN_WITHIN_MS,
  );

  it(
    'that writes code with its file tool is refused before it is written',
    async () => {
      const { feature, worktree } = await started('forward');
      await completed(feature);
      expect(existsSync(join(worktree, 'src', 'forward.mjs'))).toBe(false);
      expect(await findings(feature, 'testing')).toEqual([]);
      const history = await readFile(await historyOf(feature, 'tester'), 'utf8');
      expect(history).toContain(`tmops: the tester may not write ${worktree}/src/forward.mjs`);
    },
    RUN_WITHIN_MS,
  );

  it(
    'whose tests are red for another reason is for a human, who may ask again',
    async () => {
      const { feature } = await started('wrong');
      expect(await halted(feature, 'check-inconclusive')).toContain('it is not shown that the new ones are what fails');
      expect(await findings(feature, 'testing')).toEqual([['red-for-their-own-sake', [`tests/${feature}.test.mjs`]]]);
      expect(await wordsTo(product, feature, 'tester')).toHaveLength(2);
      await product.json('retry', feature);
      await completed(feature);
      expect(await correctionTo(feature, 'tester')).toContain('broken');
    },
    RUN_WITHIN_MS,
  );
});

describe('whoever comes after', () => {
  it(
    'the implementer that edits a test is found out, although the tests pass',
    async () => {
      const { feature } = await started('meddling');
      await completed(feature);
      expect(await findings(feature, 'implementation')).toEqual([['write-rules', [`tests/${feature}.test.mjs`]]]);
    },
    RUN_WITHIN_MS,
  );

  it(
    'the verifier that changes anything is found out',
    async () => {
      const { feature } = await started('tidying');
      await completed(feature);
      expect(await findings(feature, 'verification')).toEqual([['write-rules', ['src/sum.js']]]);
    },
    RUN_WITHIN_MS,
  );
});

describe('start', () => {
  it('refuses a project whose tests fail, says how they ended, and begins all the same when told to', async () => {
    const { feature, worktree } = await initialised('red');
    await writeFile(join(worktree, 'test', 'sum.test.js'), "throw new Error('red from the beginning');\n");
    const { exitCode, stderr } = await product.cli('start', feature);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`do not pass before the work begins (node check.mjs in ${worktree}: exit code 1)`);
    expect(stderr).toMatch(/^ {2}\| .*red from the beginning/m);
    expect(stderr).toContain(`tmops start ${feature} --baseline waived`);
    expect(stderr).toContain('evidence.enabled: false');
    expect((await product.status(feature)).phase).toBe('initialised');
    expect(await refs(feature)).toBe('');

    await product.configure({ play: 'wait', config: CONFIG });
    await product.json('start', feature, '--baseline', 'waived');
    expect((await product.status(feature)).phase).toBe('running');
    await product.json('stop', feature);
    // It was not begun yet, or its own red would be held against it.
    expect((await product.cli('start', feature)).exitCode).toBe(1);
    await product.configure({ play: 'wait', config: `${CONFIG}\nevidence:\n  enabled: false` });
    await product.json('start', feature);
    await product.json('stop', feature);
  });

  it('refuses tests that cannot be run, or not in time', async () => {
    const { feature } = await initialised('odd');
    const refusal = async (config: string): Promise<string> => {
      await product.configure({ play: 'wait', config: `${CONFIG}\n${config}` });
      const { exitCode, stderr } = await product.cli('start', feature);
      expect(exitCode).toBe(1);
      return stderr;
    };
    expect(await refusal('project:\n  test_command: [no-such-program]')).toContain(
      'could not be run before the work begins (no-such-program in',
    );
    expect(await refusal('project:\n  test_command: sleep 1000\nevidence:\n  tests_within: 1s')).toContain(
      'they did not end within 1 s',
    );
  });
});

it(
  'goes on where a supervisor was killed in the middle of a check, and leaves nothing of it behind',
  async () => {
    const feature = 'torn-api';
    const { base } = product.repo;
    // Waits beside the repository to be let go, then runs the project's tests.
    const script = `echo $PWD >> ${base}/begun; while [ -e ${base}/hold ]; do sleep 0.05; done; exec node --test`;
    const config = `${CONFIG}\nproject:\n  test_command: [sh, -c, '${script}']`;
    await product.configure({ play: 'tools/honest.yaml', config });
    const { worktree } = await product.json<OutputOf<'init'>>('init', feature);
    await product.json('start', feature);
    const runs = async (): Promise<string[]> => (await readFile(join(base, 'begun'), 'utf8')).trim().split('\n');
    expect(await runs()).toEqual([worktree]);
    await writeFile(join(base, 'hold'), '');
    await until('its claim is being checked', async () => (await runs()).length > 1, { withinMs: 20_000 });
    const held = await processesIn(worktree, 'sleep 0.05');
    expect(held).not.toEqual([]);
    await product.endSupervisor('SIGKILL');
    await until('it is being checked anew', async () => (await runs()).length > 2, { withinMs: 20_000 });
    for (const pid of held) expect(await isAlive(pid), 'the tests of before').toBe(false);
    await rm(join(base, 'hold'));
    await completed(feature);
    expect(new Set((await runs()).map((folder) => (folder === worktree ? 'worktree' : 'scratch')))).toEqual(
      new Set(['worktree', 'scratch']),
    );
    expect((await runs()).filter((folder) => folder !== worktree && existsSync(folder))).toEqual([]);
  },
  RUN_WITHIN_MS,
);

/** Shells in that folder that run the script. */
async function processesIn(folder: string, words: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const seen = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      const argv = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return cwd === folder && argv.includes(words) ? [Number(pid)] : [];
    }),
  );
  return seen.flat();
}

it('says so where no test command is known, and goes by what the roles write', async () => {
  const bare = await openProduct({ play: 'wait', files: { 'package.json': '{ "name": "bare" }\n' } });
  try {
    await bare.json('init', 'bare-api');
    const { notes } = await bare.json<OutputOf<'start'>>('start', 'bare-api');
    expect(notes.join(' ')).toContain('No test command is known (project.test_command)');
  } finally {
    await bare.dispose();
  }
});
