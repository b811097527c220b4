import { describe, expect, it } from 'vitest';
import type { CheckStage, Event, Settings } from '../../src/core/event.ts';
import type { Request } from '../../src/core/request.ts';
import { checksOf, type Check } from '../../src/core/run.ts';
import { workflowSchema } from '../../src/core/workflow.ts';
import { checkStep } from '../../src/engine/check-step.ts';
import type { CrewParts } from '../../src/engine/crew.ts';
import { openRunLoop, type RunLoop } from '../../src/engine/loop.ts';
import type { Change, Prover, TestRun } from '../../src/engine/ports.ts';
import { checkpoint, deliver, put, small, started, T0, type Story } from '../rig/run.ts';
import { until } from '../rig/wait.ts';

const role = (title: string, more: object = {}) => ({ title, instructions: `${title}.md`, ...more });

/** A lead who may write nothing, a tester, a worker who may not touch tests, and one whom nothing is denied. */
const workflow = workflowSchema.parse({
  ...small,
  tests: ['test/**'],
  generated: ['**/__pycache__/**'],
  roles: {
    lead: role('lead', { allow_writes: [], required: true }),
    tester: role('tester', { allow_writes: ['{tests}'] }),
    worker: role('worker', { deny_writes: ['{tests}'] }),
    free: role('free'),
  },
  steps: [
    {
      ...{ id: 'testing', role: 'tester', prompt: 'Test', checkpoint: '001.md' },
      evidence: { before: 'tests-pass', tests: 'fail', without_added: 'tests-pass' },
    },
    { id: 'trigger', role: 'lead', prompt: 'Trigger', checkpoint: '002.md' },
    { id: 'work', role: 'worker', prompt: 'Work', checkpoint: '003.md', evidence: { tests: 'pass' } },
    { id: 'rest', role: 'free', prompt: 'Rest', checkpoint: '004.md' },
  ],
});

const PASSED: TestRun = { kind: 'passed', why: '', tail: '# pass 3', tookMs: 5 };
const FAILED: TestRun = { kind: 'failed', why: 'exit code 1', tail: 'not ok', tookMs: 5 };
const NOT_RUN: TestRun = { kind: 'not-run', why: 'they did not end within 600 s', tail: 'slow', tookMs: 5 };
const change = (path: string, how: Change['how'] = 'modified'): Change => ({ path, how });

/** A prover that plays: what the tests do, and what changed, by the names of the trees that are compared. */
interface Part {
  readonly baseline?: TestRun;
  readonly tests?: TestRun;
  readonly without?: TestRun;
  readonly changes?: Readonly<Record<string, readonly Change[]>>;
  readonly keep?: () => Promise<string>;
}

function played(part: Part): { readonly prover: Prover; readonly calls: string[] } {
  const calls: string[] = [];
  const note = <T>(call: string, value: T): Promise<T> => {
    calls.push(call);
    return Promise.resolve(value);
  };
  return {
    calls,
    prover: {
      keep: (_worktree, name) => part.keep?.() ?? note(`keep ${name}`, name.replace(/^.*\//, '')),
      changed: (_worktree, from, to) => note(`compare ${from} ${to}`, part.changes?.[from] ?? []),
      test: () => Promise.reject(new Error('no role runs tests here')),
      tested: ({ argv }) => note(`test ${argv.join(' ')}`, part.tests ?? PASSED),
      baseline: () => note('baseline', part.baseline ?? PASSED),
      testWithout: ({ commit, files }) => note(`without ${files.join(' ')} in ${commit}`, part.without ?? PASSED),
    },
  };
}

interface Bench {
  readonly story: Story;
  readonly loop: RunLoop;
  readonly events: Event[];
  /** Performs the check that is under way and gives what the run knows of it then. */
  check(step: string, stage: CheckStage, part: Part, testCommand?: readonly string[] | null): Promise<Check | null>;
  calls(): readonly string[];
}

/** Goes on from a story told without an engine. */
function bench(story: Story): Bench {
  const events: Event[] = [];
  const store = { append: (some: readonly Event[]) => Promise.resolve(void events.push(...some)) };
  const clock = { now: () => story.at, sleep: () => Promise.resolve() };
  const loop = openRunLoop(story.run, store, clock, () => undefined);
  let calls: readonly string[] = [];
  return {
    story,
    loop,
    events,
    calls: () => calls,
    async check(step, stage, part, testCommand = ['npm', 'test']) {
      const { prover, calls: made } = played(part);
      calls = made;
      const setup = { testCommand, env: { PATH: '/bin' } } as unknown as CrewParts['setup'];
      await checkStep({ loop, clock, setup }, prover, { step, stage }, new AbortController().signal);
      const { before, after } = checksOf(loop.run(), step);
      return stage === 'before' ? before : after;
    },
  };
}

/** Everybody has read their instructions; the check before the first step is wanted. */
function ready(over: Partial<Settings> = {}): Story {
  const story = started(workflow, { evidence: true, ...over });
  put(story, { kind: 'surveyed' });
  for (const prompt of [1, 2, 3, 4]) deliver(story, prompt);
  return story;
}

const found = (story: Story, step: string, stage: CheckStage): void => {
  const claim = checksOf(story.run, step)[stage]?.claim ?? null;
  const passed = { ok: true, snapshot: `${step}-${stage}`, shown: [] } as const;
  put(story, { kind: 'check-found', step, stage, claim, tookMs: 1, found: passed });
};

/** The step is asked for and claimed; those before it are done. */
function claimed(step: 'testing' | 'trigger' | 'work', over: Partial<Settings> = {}): Story {
  const story = ready(over);
  for (const [index, id] of ['testing', 'trigger', 'work'].entries()) {
    if (checksOf(story.run, id).before?.kind === 'running') found(story, id, 'before');
    deliver(story, story.run.prompts.length);
    checkpoint(story, `00${index + 1}.md`);
    if (id === step) return story;
    found(story, id, 'after');
  }
  return story;
}

const failed = (check: Check | null) => (check?.kind === 'failed' ? check.finding : null);
const shown = (check: Check | null) => (check?.kind === 'passed' ? check.shown : null);

describe('before a step', () => {
  it('the tests pass, and the tree is kept after they ran', async () => {
    const { check, calls } = bench(ready());
    const before = await check('testing', 'before', {});
    expect(before).toMatchObject({ kind: 'passed', snapshot: 'testing-before' });
    expect(shown(before)).toEqual(['The tests pass, as they should.']);
    expect(calls()).toEqual(['baseline', 'keep auth-api/initial/testing-before']);
  });

  it('that they fail is for a human, who may let it stand; then it is compared all the same', async () => {
    const { check, loop, story } = bench(ready());
    const before = await check('testing', 'before', { baseline: FAILED });
    expect(failed(before)).toEqual({
      verdict: 'refuted',
      rule: 'baseline',
      sentence: "The project's tests fail before the work begins (exit code 1).",
      files: [],
      tail: 'not ok',
    });
    await loop.submit({ kind: 'approve', by: 'cli', comment: null });
    expect(checksOf(loop.run(), 'testing').before).toMatchObject({ kind: 'waived', snapshot: 'testing-before' });
    expect(loop.run().prompts.at(-1)).toMatchObject({ role: 'tester', purpose: { kind: 'step' } });
    const later = bench({ ...story, run: loop.run() });
    deliver(later.story, 5);
    checkpoint(later.story, '001.md');
    const after = await bench(later.story).check('testing', 'after', {
      tests: FAILED,
      changes: { 'testing-before': [change('src/a.js')] },
    });
    expect(failed(after)).toMatchObject({ rule: 'write-rules', files: ['src/a.js'] });
  });

  it('that they could not be run is inconclusive, and that there are none is said', async () => {
    expect(failed(await bench(ready()).check('testing', 'before', { baseline: NOT_RUN }))).toMatchObject({
      verdict: 'inconclusive',
      rule: 'could-not-check',
      sentence: 'The tests could not be run: they did not end within 600 s.',
    });
    const { check, calls } = bench(ready());
    expect(shown(await check('testing', 'before', {}, null))).toEqual([
      'The tests were not run: no test command is known.',
    ]);
    expect(calls()).toEqual(['keep auth-api/initial/testing-before']);
  });

  it('whose baseline is waived only the tree is kept', async () => {
    const { check, calls } = bench(ready({ baseline: 'waived' }));
    expect(shown(await check('testing', 'before', {}))).toEqual([]);
    expect(calls()).toEqual(['keep auth-api/initial/testing-before']);
  });

  it('what goes wrong with git is inconclusive, with its words', async () => {
    const keep = (): Promise<string> => Promise.reject(new Error('git add ended with exit code 128'));
    expect(failed(await bench(ready()).check('testing', 'before', { keep }))).toMatchObject({
      verdict: 'inconclusive',
      sentence: 'It could not be checked: git add ended with exit code 128',
    });
  });
});

describe('after the tester', () => {
  const added = [change('test/a.js', 'added'), change('test/b.js', 'added')];

  it('its tests fail, and without the files it added they pass', async () => {
    const { check, calls } = bench(claimed('testing'));
    const changes = { 'testing-before': [...added, change('test/old.js')] };
    expect(shown(await check('testing', 'after', { tests: FAILED, changes }))).toEqual([
      '3 files changed, as the role may.',
      'The tests fail, as they should (exit code 1).',
      'Without the 2 files it added they pass.',
    ]);
    expect(calls()).toEqual([
      'keep auth-api/initial/testing-after',
      'compare testing-before testing-after',
      'test npm test',
      'without test/a.js test/b.js in testing-after',
    ]);
  });

  it('tests that pass are refuted with what they printed, and the scratch tree is not needed', async () => {
    const { check, calls, loop } = bench(claimed('testing'));
    await check('testing', 'after', { tests: PASSED, changes: { 'testing-before': added } });
    expect(calls().at(-1)).toBe('test npm test');
    // Sent back: what was found is in the file that the role is pointed at.
    expect(loop.run().prompts.at(-1)).toMatchObject({
      role: 'tester',
      purpose: { kind: 'correction', step: 'testing' },
      text: expect.stringMatching(/new tests have to fail[^]*# pass 3/) as string,
    });
  });

  it.each<[string, Part, string, readonly string[]]>([
    [
      'they fail without them too',
      { without: FAILED, changes: { 'testing-before': added } },
      'it is not shown that the new ones are what fails',
      ['test/a.js', 'test/b.js'],
    ],
    [
      'they could not be run without them',
      { without: NOT_RUN, changes: { 'testing-before': added } },
      'could not be run without the files that the tester added: they did not end within 600 s.',
      ['test/a.js', 'test/b.js'],
    ],
    ['nothing was added', { changes: { 'testing-before': [change('test/old.js')] } }, 'added no files', []],
  ])('red is inconclusive where %s', async (_what, part, sentence, files) => {
    const finding = failed(await bench(claimed('testing')).check('testing', 'after', { tests: FAILED, ...part }));
    expect(finding).toMatchObject({ verdict: 'inconclusive', rule: 'red-for-their-own-sake', files });
    expect(finding?.sentence).toContain(sentence);
  });

  it('with a waived baseline red is enough', async () => {
    const { check, calls } = bench(claimed('testing', { baseline: 'waived' }));
    const after = await check('testing', 'after', { tests: FAILED, changes: { 'testing-before': added } });
    expect(after?.kind).toBe('passed');
    expect(calls().some((call) => call.startsWith('without'))).toBe(false);
  });

  it('files elsewhere are refuted before any test runs, by name; what tests leave behind counts for nobody', async () => {
    const { check, calls, events } = bench(claimed('testing'));
    const changes = [
      ...added,
      change('src/a.js', 'deleted'),
      change('lib/__pycache__/x.pyc', 'added'),
      change('package.json'),
    ];
    await check('testing', 'after', { tests: FAILED, changes: { 'testing-before': changes } });
    expect(calls().some((call) => call.startsWith('test'))).toBe(false);
    expect(events.find((event) => event.kind === 'check.failed')).toMatchObject({
      finding: {
        verdict: 'refuted',
        rule: 'write-rules',
        sentence: "The step testing changed 2 files that are not the tester's to change: it may write test/**.",
        files: ['src/a.js', 'package.json'],
      },
      snapshot: 'testing-after',
    });
  });
});

describe('after those who may write nothing, or no tests', () => {
  it('nothing was changed', async () => {
    const { check } = bench(claimed('trigger'));
    expect(shown(await check('trigger', 'after', {}))).toEqual(['Nothing was changed.']);
    const refuted = bench(claimed('trigger'));
    await refuted.check('trigger', 'after', { changes: { 'trigger-before': [change('src/a.js')] } });
    expect(refuted.loop.run().prompts.at(-1)?.text).toContain('it may write nothing in the project');
  });

  it('the worker’s tests pass, and it changed none', async () => {
    const { check, calls } = bench(claimed('work'));
    const changes = { 'work-before': [change('src/a.js', 'added'), change('package.json')] };
    expect(shown(await check('work', 'after', { changes }))).toEqual([
      '2 files changed, as the role may.',
      'The tests pass, as they should.',
    ]);
    expect(calls()).toContain('compare testing-after work-after');
  });

  it('the worker’s tests fail', async () => {
    const { check, events } = bench(claimed('work'));
    await check('work', 'after', { tests: FAILED, changes: { 'work-before': [change('src/a.js')] } });
    expect(events.find((event) => event.kind === 'check.failed')).toMatchObject({
      finding: { verdict: 'refuted', rule: 'tests-green', sentence: 'The tests fail (exit code 1).', tail: 'not ok' },
    });
  });

  it('a test that was changed since the tester left it is found, whoever did it; its own work is not', async () => {
    const { check, events } = bench(claimed('work'));
    const own = [change('src/a.js')];
    const since = [change('src/a.js'), change('src/b.js'), change('test/a.js')];
    await check('work', 'after', { changes: { 'work-before': own, 'testing-after': since } });
    expect(events.find((event) => event.kind === 'check.failed')).toMatchObject({
      finding: {
        verdict: 'refuted',
        rule: 'write-rules',
        sentence: 'A file that the worker may not change was changed since the step testing.',
        files: ['test/a.js'],
      },
    });
  });
});

describe('a check', () => {
  /** The tests go on until they are told to end. */
  function hanging() {
    const seen: string[] = [];
    const prover: Prover = {
      ...played({}).prover,
      baseline: (_order, signal) =>
        new Promise((resolve) => {
          seen.push('begun');
          signal.addEventListener('abort', () => {
            seen.push('called off');
            resolve(NOT_RUN);
          });
        }),
    };
    return { prover, seen, begun: until('the tests run', () => seen.includes('begun')) };
  }
  const setup = { testCommand: ['npm', 'test'], env: {} } as unknown as CrewParts['setup'];
  const clock = { now: () => T0, sleep: () => Promise.resolve() };

  it.each<[string, Request]>([
    ['the run is stopped', { kind: 'stop', by: 'cli', why: 'asked to' }],
    ['its step is skipped', { kind: 'skip', step: 'testing', by: 'cli', why: '' }],
  ])('is broken off when %s, and nothing of it is left to be taken up', async (_what, request) => {
    const { loop } = bench(ready());
    const { prover, begun, seen } = hanging();
    const checking = checkStep(
      { loop, clock, setup },
      prover,
      { step: 'testing', stage: 'before' },
      new AbortController().signal,
    );
    await begun;
    await loop.submit(request);
    await checking;
    expect(seen).toEqual(['begun', 'called off']);
    expect(checksOf(loop.run(), 'testing').before).toBeNull();
  });

  it('is broken off when the run is closed, and stays wanted', async () => {
    const { loop, events } = bench(ready());
    const { prover, begun } = hanging();
    const closing = new AbortController();
    const checking = checkStep({ loop, clock, setup }, prover, { step: 'testing', stage: 'before' }, closing.signal);
    await begun;
    closing.abort();
    await checking;
    expect(events).toEqual([]);
    expect(checksOf(loop.run(), 'testing').before?.kind).toBe('running');
  });

  it('that nobody wants does nothing', async () => {
    const { check, calls } = bench(ready());
    await check('work', 'before', {});
    await check('testing', 'after', {});
    expect(calls()).toEqual([]);
  });

  it('is not there for a role that may write everything and whose tests nobody asks for', async () => {
    const story = claimed('work');
    const { check, loop, events } = bench(story);
    await check('work', 'after', {});
    expect(events.map(({ kind }) => kind)).toEqual(['check.passed', 'step.completed', 'step.began', 'prompt.wanted']);
    expect(checksOf(loop.run(), 'rest')).toMatchObject({ before: null, after: null });
  });
});
