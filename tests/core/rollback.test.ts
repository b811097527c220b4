import { describe, expect, it } from 'vitest';
import { decide } from '../../src/core/decide.ts';
import type { CheckStage } from '../../src/core/event.ts';
import type { Trees } from '../../src/core/rolled-back.ts';
import { outstanding, react } from '../../src/core/react.ts';
import type { Request } from '../../src/core/request.ts';
import { pointOf, reportsFrom, targetOf, withdrawnFrom, writtenBefore } from '../../src/core/rollback.ts';
import { checksOf, openPrompts, presentStep, type Run } from '../../src/core/run.ts';
import { workflowSchema, type Workflow } from '../../src/core/workflow.ts';
import { begin, checkpoint, deliver, identity, kinds, news, put, small, started, type Story } from '../rig/run.ts';

const role = (title: string, more: object = {}) => ({ title, instructions: `${title}.md`, ...more });

/** The shipped star in small: who may write what is as it is there. */
const star: Workflow = workflowSchema.parse({
  ...small,
  tests: ['test/**'],
  generated: ['coverage/**'],
  roles: {
    lead: role('Lead', { allow_writes: [], required: true }),
    tester: role('Tester', { allow_writes: ['{tests}'] }),
    coder: role('Coder', { deny_writes: ['{tests}'] }),
    judge: role('Judge', { allow_writes: [] }),
  },
  steps: [
    { id: 'plan', role: 'lead', prompt: 'Plan', checkpoint: '001.md' },
    { id: 'testing', role: 'tester', prompt: 'Test', checkpoint: '002.md', evidence: { before: 'tests-pass' } },
    { id: 'code', role: 'coder', prompt: 'Code', checkpoint: '003.md' },
    { id: 'judging', role: 'judge', prompt: 'Judge', checkpoint: '004.md' },
    { id: 'summary', role: 'lead', prompt: 'Sum up', checkpoint: 'SUMMARY.md', kind: 'summary' },
  ],
});

const NOW: Trees = { head: 'h-now', index: 'i-now', files: 'f-now' };
const THEN: Trees = { head: 'h-then', index: 'h-then', files: 'f-then' };
const back = (step: string): Request => ({
  ...{ kind: 'roll-back', step, by: 'cli', why: '', from: NOW, to: THEN, checkpoints: ['checkpoints/003.md'] },
});
const UNDO: Request = { kind: 'undo-rollback', by: 'cli', from: NOW, checkpoints: [] };
const done = (number = 1, direction: 'back' | 'undo' = 'back'): Request => ({
  ...{ kind: 'rolled-back', number, direction, commit: null, late: null },
});
const refusal = (story: Story, request: Request) => {
  const decision = decide(story.run, request, story.at + 1);
  return decision.ok ? null : decision.refusal;
};
const step = ({ run }: Story): string | null => presentStep(run)?.step.id ?? null;

/** Passes each check that is wanted, and says by its snapshot which one it was. */
function prove(story: Story, id: string, stage: CheckStage): void {
  const check = checksOf(story.run, id)[stage];
  if (check?.kind !== 'running') return;
  const found = { ok: true, snapshot: `${id}-${stage}-${story.at}`, shown: [] } as const;
  put(story, { kind: 'check-found', step: id, stage, claim: check.claim, tookMs: 1, found });
}

/** Carries the run on until the step is asked for and its turn has ended, or until all is done. */
function carriedTo(last: string | null, story = surveyed()): Story {
  for (const each of star.steps) {
    if (!('role' in each) || story.run.done[each.id]) continue;
    prove(story, each.id, 'before');
    const asked = openPrompts(story.run, each.role).at(-1);
    if (asked) deliver(story, asked.id);
    if (each.id === last) return story;
    checkpoint(story, each.checkpoint);
    prove(story, each.id, 'after');
  }
  return story;
}

function surveyed(): Story {
  const story = started(star, { evidence: true });
  put(story, { kind: 'surveyed' });
  for (const prompt of story.run.prompts) deliver(story, prompt.id);
  return story;
}

const FILES = ['test/a.js', 'src/a.js', 'README.md', 'coverage/x', '.tmops/x'];

describe('what goes', () => {
  const rows: [string, number, string[]][] = [
    ['to the beginning: tests and code', 0, ['test/a.js', 'src/a.js', 'README.md']],
    ['to the tester: code, not the tests', 1, ['src/a.js', 'README.md']],
    ['to the coder: code, not the tests', 2, ['src/a.js', 'README.md']],
    ['to the judge: no file of the project', 3, []],
    ['to the summary: no file of the project', 4, []],
  ];
  it.each(rows)('%s', (_what, index, files) => {
    expect(FILES.filter(withdrawnFrom(star, index))).toEqual(files);
  });

  it('follows the write rules: without any, all that came after the step', () => {
    for (const index of [0, 1, 2])
      expect(FILES.filter(withdrawnFrom(small, index))).toEqual(['test/a.js', 'src/a.js', 'README.md', 'coverage/x']);
  });

  it('counts a module among those who write anything', () => {
    const linted = { ...star, steps: [...star.steps, { id: 'lint', module: 'lint', with: {} }] };
    expect(FILES.filter(withdrawnFrom(linted, 4))).toEqual(['src/a.js', 'README.md']);
    expect(writtenBefore(linted, 5)('anything')).toBe(true);
    expect(['test/a.js', 'src/a.js'].map(writtenBefore(star, 2))).toEqual([true, false]);
  });

  it('of the reports, those of the step and all after it, and the figures', () => {
    expect(reportsFrom(star, 3)).toEqual([
      'checkpoints/004.md',
      'checkpoints/SUMMARY.md',
      'SUMMARY.md',
      'metrics.json',
    ]);
  });
});

describe('where it goes to', () => {
  it('is a step, or the first step of a role; one that was not come to is refused with those there are', () => {
    const story = carriedTo('code');
    const named = (word: string) => {
      const found = targetOf(story.run, word);
      return 'reason' in found ? found.reason : found.step.id;
    };
    expect(['code', 'coder', 'tester', 'lead', 'judge', 'nobody'].map(named)).toEqual([
      ...['code', 'code', 'testing', 'plan', 'step-ahead', 'unknown-phase'],
    ]);
    expect(refusal(story, back('judging'))).toMatchObject({ allowed: ['plan', 'testing', 'code'] });
    expect(refusal(story, back('nobody'))?.allowed).toContain('coder');
  });

  it('is how the project was when the step first began, also after it was opened anew', () => {
    const story = carriedTo('judging');
    const first = pointOf(story.run, 'code');
    expect(first).toMatchObject({ kind: 'kept', commit: expect.stringMatching(/^code-before-/) as string });
    put(story, { kind: 'redo', step: 'code', by: 'cli', why: '' });
    carriedTo('judging', story);
    expect(pointOf(story.run, 'code')).toEqual(first);
    expect(checksOf(story.run, 'code').before).not.toEqual(story.run.points['code']);
    put(story, { kind: 'redo', step: 'testing', by: 'cli', why: '' });
    expect(story.run.points['code']).toBeUndefined();
  });

  it('is where the feature began, if nothing was kept, and unknown of a run begun by hand', () => {
    const run: Run = { ...begin().run, workflow: star, identity: { ...identity, base: 'b'.repeat(40) } };
    expect(pointOf(run, 'code')).toEqual({ commit: 'b'.repeat(40), kind: 'base' });
    expect(pointOf({ ...run, identity }, 'code')).toBeNull();
  });
});

describe('taking work back', () => {
  it('is journaled before it is done; until then nothing begins, and what would judge it is refused', () => {
    const story = carriedTo('judging');
    const facts = put(story, back('coder'));
    expect(facts).toMatchObject([{ kind: 'rollback.began', number: 1, step: 'code', from: NOW, to: THEN }]);
    const event = story.events.at(-1);
    expect(event && react(story.run, event)).toEqual([{ do: 'roll-back', number: 1 }]);
    expect(outstanding(story.run)).toContainEqual({ do: 'roll-back', number: 1 });
    expect(step(story)).toBe('judging');
    for (const kind of ['skip', 'redo'] as const)
      expect(refusal(story, { kind, step: null, by: 'cli', why: '' })?.reason).toBe('rolling-back');
    expect(refusal(story, back('coder'))?.reason).toBe('rolling-back');
    put(story, { kind: 'message', role: 'lead', line: 'hello', file: null });
    const typed = { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } as const;
    expect(refusal(story, { kind: 'delivery', prompt: story.run.prompts.length, news: typed })?.reason).toBe('held');
    expect(kinds(checkpoint(story, '004.md'))).toEqual(['checkpoint.seen']);
  });

  it('opens the step and all after it once it is done, and asks for it from where it first began', () => {
    const story = carriedTo('judging');
    const before = checksOf(story.run, 'code').before;
    put(story, back('code'));
    expect(kinds(put(story, done()))).toEqual(['step.reopened', 'rollback.done']);
    expect(story.run.life).toMatchObject({ kind: 'running', surveyed: false });
    const event = story.events.at(-1);
    expect(event && react(story.run, event).slice(0, 2)).toEqual([{ do: 'watch' }, { do: 'ensure-agents' }]);
    expect(kinds(put(story, { kind: 'surveyed' }))).toEqual(['run.surveyed', 'step.began', 'prompt.wanted']);
    expect(step(story)).toBe('code');
    expect(checksOf(story.run, 'code').before).toEqual(before);
    expect(Object.keys(story.run.done)).toEqual(['plan', 'testing']);
    // The very file that was there before does not count again.
    const { sha256 = '', mtimeMs = 0 } = story.run.seen['003.md'] ?? {};
    put(story, { kind: 'checkpoint-gone', file: '003.md' });
    checkpoint(story, '003.md', { sha256, mtimeMs });
    expect(step(story)).toBe('code');
    expect(put(story, done())).toEqual([]);
  });

  it('does not ask again whether the tests pass before the tester, whose tests are kept', () => {
    const story = carriedTo('judging');
    put(story, back('tester'));
    put(story, done());
    expect(kinds(put(story, { kind: 'surveyed' }))).toEqual(['run.surveyed', 'step.began', 'prompt.wanted']);
    expect(step(story)).toBe('testing');
  });

  it('goes on with a run that was completed when somebody says so', () => {
    const story = carriedTo(null);
    expect(story.run.life.kind).toBe('completed');
    put(story, back('judge'));
    expect(outstanding(story.run)).toEqual([{ do: 'roll-back', number: 1 }]);
    expect(kinds(put(story, done()))).toEqual(['step.reopened', 'rollback.done', 'run.paused']);
    expect(kinds(put(story, { kind: 'surveyed' }))).toEqual(['run.surveyed']);
    expect(kinds(put(story, { kind: 'resume', by: 'cli', spareIds: {} }))).toContain('prompt.wanted');
    expect(step(story)).toBe('judging');
  });

  it('leaves a run stopped that was, for start to go on with', () => {
    const story = carriedTo('judging');
    put(story, { kind: 'stop', by: 'cli', why: 'asked to' });
    put(story, back('code'));
    const start: Request = {
      ...{ kind: 'start', by: 'cli', workflow: star, spareIds: {} },
      settings: story.run.settings ?? ({} as never),
    };
    expect(refusal(story, start)?.reason).toBe('rolling-back');
    expect(outstanding(story.run)).toEqual([{ do: 'close-session' }, { do: 'roll-back', number: 1 }]);
    put(story, done());
    expect([story.run.life.kind, step(story)]).toEqual(['stopped', 'code']);
  });

  const inTheWay: [string, (story: Story) => unknown, string][] = [
    ['an agent at work', (s) => news(s, 'judge', { kind: 'prompt-taken', text: 'x' }), 'agent-at-work'],
    ['a pane that a human holds', (s) => put(s, { kind: 'take', roles: ['lead'], by: 'cli' }), 'pane-held'],
    [
      'a prompt that is being typed',
      (s) => {
        put(s, { kind: 'message', role: 'lead', line: 'hello', file: null });
        const intended = { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } as const;
        put(s, { kind: 'delivery', prompt: s.run.prompts.length, news: intended });
      },
      'prompt-under-way',
    ],
    ['a check', (s) => checkpoint(s, '004.md'), 'step-at-work'],
  ];
  it.each(inTheWay)('is refused because of %s', (_what, act, reason) => {
    const story = carriedTo('judging');
    act(story);
    expect(refusal(story, back('code'))?.reason).toBe(reason);
  });

  it('is refused of a run that was never started', () => {
    const story = begin();
    put(story, { kind: 'initialise', identity });
    expect(refusal(story, back('code'))?.reason).toBe('not-running');
    expect(refusal(story, UNDO)?.reason).toBe('nothing-to-undo');
  });

  it('waits for somebody when it failed: taken up again, or undone as it is', () => {
    const story = carriedTo('judging');
    put(story, back('code'));
    put(story, { kind: 'rollback-failed', number: 1, why: 'no space' });
    expect(story.run.rollback?.failed).toBe('no space');
    expect(outstanding(story.run)).not.toContainEqual({ do: 'roll-back', number: 1 });
    expect(kinds(put(story, { kind: 'retry-rollback', by: 'cli' }))).toEqual(['rollback.retried']);
    expect(put(story, { kind: 'retry-rollback', by: 'cli' })).toEqual([]);
    expect(refusal(story, UNDO)?.reason).toBe('rolling-back');
    put(story, { kind: 'rollback-failed', number: 1, why: 'no space' });
    expect(put(story, UNDO)).toMatchObject([{ direction: 'undo', number: 1, to: NOW }]);
    put(story, done(1, 'undo'));
    expect([step(story), story.run.rollback]).toEqual(['judging', null]);
  });
});

describe('undoing it', () => {
  it('puts back what held before, also after further work, once', () => {
    const story = carriedTo('judging');
    const { done: before, checks, approved, points } = story.run;
    put(story, back('code'));
    put(story, done());
    put(story, { kind: 'surveyed' });
    put(story, { kind: 'pause', by: 'cli', why: '' });
    expect(put(story, UNDO)).toMatchObject([{ kind: 'rollback.began', direction: 'undo', number: 1, to: NOW }]);
    expect(kinds(put(story, done(1, 'undo')))).toEqual(['rollback.done']);
    expect(story.run).toMatchObject({ done: before, checks, approved, points, paused: { by: 'cli' } });
    expect(step(story)).toBe('judging');
    expect(refusal(story, UNDO)?.reason).toBe('nothing-to-undo');
    put(story, back('code'));
    expect(story.run.rollback?.number).toBe(2);
  });

  it('completes a run that had been completed', () => {
    const story = carriedTo(null);
    put(story, back('judge'));
    put(story, done());
    put(story, { kind: 'surveyed' });
    put(story, UNDO);
    put(story, done(1, 'undo'));
    expect(kinds(put(story, { kind: 'surveyed' }))).toEqual(['run.surveyed', 'run.completed']);
    expect(story.run.paused).toBeNull();
  });
});
