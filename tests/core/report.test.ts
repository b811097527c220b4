import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOutOfReminders, REMIND_AFTER_MS, silentSince } from '../../src/core/advance.ts';
import { decide } from '../../src/core/decide.ts';
import { dueAt } from '../../src/core/due.ts';
import type { Event } from '../../src/core/event.ts';
import { evolve } from '../../src/core/evolve.ts';
import { callOf, plainWords, REPORT_CHARS, type ReportKind } from '../../src/core/reported.ts';
import { newRun, presentStep, type Run } from '../../src/core/run.ts';
import { isAgentStep } from '../../src/core/workflow.ts';
import {
  begin,
  briefed,
  checkpoint,
  deliver,
  identity,
  kinds,
  news,
  put,
  settings,
  small,
  spareIds,
  type Story,
} from '../rig/run.ts';

const report = (story: Story, what: ReportKind, text: string, role = 'lead') =>
  put(story, { kind: 'role-report', role, what, text });
const refusal = (story: Story, role = 'lead') => {
  const decision = decide(story.run, { kind: 'role-report', role, what: 'question', text: 'why?' }, story.at + 1);
  return decision.ok ? null : decision.refusal;
};
const standing = ({ run }: Story) => Object.keys(run.reports);
const replayed = ({ events }: Story) => events.reduce<Run>(evolve, newRun);
const TREES = { head: 'h', index: 'i', files: 'f' };

/** The lead works on the first step, or has ended its turn. */
function working(turn: 'open' | 'ended' = 'open'): Story {
  const story = briefed();
  deliver(story, 3, { turn });
  return story;
}
function asking(turn: 'open' | 'ended' = 'open'): Story {
  const story = working();
  report(story, 'question', 'Which port?');
  if (turn === 'ended') news(story, 'lead', { kind: 'turn-ended', last: '', background: 0 });
  return story;
}
/** The first step is done, and the worker, at the second, asks. */
function workerAsks(): Story {
  const story = working('ended');
  checkpoint(story, '001-plan.md');
  deliver(story, 4, { turn: 'open' });
  report(story, 'question', 'Which port?', 'worker');
  return story;
}

describe('what a role reports', () => {
  it('is noted with when and where it was said', () => {
    const story = working();
    expect(report(story, 'blocked', 'No network')).toEqual([
      { kind: 'role.reported', role: 'lead', what: 'blocked', text: 'No network' },
    ]);
    const { at, run } = story;
    expect(run.reports).toEqual({
      lead: { what: 'blocked', text: 'No network', at, seq: run.seq, prompt: 3, step: 'plan' },
    });
    expect(callOf(run, 'lead')?.text).toBe('No network');
    expect(callOf(run, 'worker')).toBeNull();
  });

  it('said again in the same words is no news; other words, or of another kind, stand in its place', () => {
    const story = asking();
    expect(report(story, 'question', ' Which port?\n')).toEqual([]);
    expect(kinds(report(story, 'blocked', 'Which port?'))).toEqual(['role.reported']);
    report(story, 'progress', 'Half of it');
    expect(story.run.reports['lead']).toMatchObject({ what: 'progress', text: 'Half of it' });
    expect(callOf(story.run, 'lead')).toBeNull();
  });

  it('is noted while the run is paused, or a human holds the pane', () => {
    const story = working();
    put(story, { kind: 'pause', by: 'cli', why: 'w' });
    put(story, { kind: 'take', roles: [], by: 'cli' });
    expect(kinds(report(story, 'question', 'Which port?'))).toEqual(['role.reported']);
  });

  it.each(['nobody', 'constructor', '__proto__', ''])('is refused of %j, with the roles there are', (role) => {
    expect(refusal(working(), role)).toEqual({
      reason: 'unknown-role',
      received: role,
      allowed: ['lead', 'worker'],
    });
  });

  it('is refused of a run that does not go on', () => {
    const fresh = begin();
    expect(refusal(fresh)?.reason).toBe('not-running');
    put(fresh, { kind: 'initialise', identity });
    put(fresh, { kind: 'queue', by: 'cli', workflow: small, settings, place: 1 });
    expect(refusal(fresh)?.reason).toBe('queued');
    const stopped = working();
    put(stopped, { kind: 'stop', by: 'cli', why: 'w' });
    expect(refusal(stopped)).toEqual({ reason: 'not-running', received: 'lead', allowed: ['start'] });
    const done = working();
    for (const file of ['001-plan.md', '002-work.md', '003-close.md']) checkpoint(done, file);
    expect(refusal(done)?.reason).toBe('completed');
  });
});

describe('words', () => {
  it('are cut to what is kept, at whole characters', () => {
    const story = working();
    report(story, 'question', 'x'.repeat(REPORT_CHARS - 1) + '🙂'.repeat(50));
    expect(story.run.reports['lead']?.text).toBe('x'.repeat(REPORT_CHARS - 1));
  });

  it.each([
    ['a\u001b[31mred\u001b[0m\u0007', 'a [31mred [0m'],
    ['one\r\ntwo\rthree\n', 'one\ntwo\nthree'],
    ['sk-12345678\u200b90abcdef', 'sk-12345678 90abcdef'],
    ['\u202Eturned\u009b2J \u2028 end\u0000', 'turned 2J   end'],
    ['tab\tand\u00a0blank', 'tab and blank'],
    ['\ud800 half', 'half'],
    ['\u0007', ''],
  ])('%j are kept as %j', (text, kept) => {
    expect(plainWords(text)).toBe(kept);
  });

  it('hold nothing that acts on a terminal, whatever is said', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2500 }), (text) => {
        const kept = plainWords(text);
        expect(kept.replaceAll('\n', '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(kept.length).toBeLessThanOrEqual(REPORT_CHARS);
        expect(plainWords(kept)).toBe(kept);
      }),
    );
  });
});

describe('a report stands until', () => {
  const message = (story: Story, role = 'lead'): number => {
    put(story, { kind: 'message', role, line: 'Port 80.', file: null });
    return story.run.prompts.length;
  };
  const exit = (story: Story) =>
    put(story, { kind: 'agent-exited', role: 'lead', generation: 1, exit: { kind: 'code', code: 1 }, spareId: 'x' });
  const skip = (story: Story) => put(story, { kind: 'skip', step: null, by: 'cli', why: '' });

  it.each<[string, (story: Story) => unknown]>([
    ['the step of its role is done', (s) => checkpoint(s, '001-plan.md')],
    ['it is skipped', skip],
    ['it is asked for again', (s) => put(s, { kind: 'retry', by: 'cli', spareIds: spareIds(small) })],
    [
      'a message reached the role',
      (s) => {
        deliver(s, message(s), { turn: 'open' });
      },
    ],
    [
      'a human says that one did',
      (s) => {
        const prompt = message(s);
        put(s, { kind: 'delivery', prompt, news: { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } });
        put(s, { kind: 'delivery', prompt, news: { kind: 'stuck', outcome: 'indeterminate', reason: 'not seen' } });
        expect(standing(s)).toEqual(['lead']);
        put(s, { kind: 'settle-prompt', prompt, as: 'delivered', by: 'cli' });
      },
    ],
    [
      'a human took the pane and handed it back',
      (s) => {
        put(s, { kind: 'take', roles: ['lead'], by: 'cli' });
        expect(standing(s)).toEqual(['lead']);
        put(s, { kind: 'give', roles: ['lead'], by: 'cli', spareIds: {} });
      },
    ],
    ['the run is stopped', (s) => put(s, { kind: 'stop', by: 'cli', why: 'w' })],
    ['its conversation is lost', (s) => put(s, { kind: 'conversation-lost', role: 'lead' })],
  ])('%s', (_until, act) => {
    const story = asking();
    act(story);
    expect(standing(story)).toEqual([]);
    expect(replayed(story)).toEqual(story.run);
  });

  it.each<[string, (story: Story) => unknown]>([
    ['a message waits to be typed', (s) => message(s)],
    [
      'the other role gets one',
      (s) => {
        deliver(s, message(s, 'worker'));
      },
    ],
    [
      'the other pane is handed back',
      (s) => [
        put(s, { kind: 'take', roles: ['worker'], by: 'cli' }),
        put(s, { kind: 'give', roles: ['worker'], by: 'cli', spareIds: {} }),
      ],
    ],
    ['its agent crashes and goes on', exit],
    [
      'the run is paused and resumed',
      (s) => [put(s, { kind: 'pause', by: 'cli', why: 'w' }), put(s, { kind: 'resume', by: 'cli', spareIds: {} })],
    ],
    ['a supervisor takes the run up', (s) => put(s, { kind: 'watch-again', pid: 1, gapMs: 5 })],
  ])('not when %s', (_what, act) => {
    const story = asking();
    act(story);
    expect(standing(story)).toEqual(['lead']);
    expect(replayed(story)).toEqual(story.run);
  });

  it('a message that was wanted before it is no answer to it', () => {
    const story = working();
    const early = message(story);
    report(story, 'question', 'Which port?');
    deliver(story, early, { turn: 'open' });
    expect(standing(story)).toEqual(['lead']);
  });

  it("not when another role's step is done or skipped", () => {
    const story = workerAsks();
    report(story, 'progress', 'Waiting');
    skip(story);
    expect(standing(story)).toEqual(['lead']);
  });

  it('the run goes back to where it had not been made, also when that is undone', () => {
    const story = working('ended');
    report(story, 'progress', 'Planned', 'worker');
    checkpoint(story, '001-plan.md');
    report(story, 'blocked', 'No port', 'lead');
    put(story, { kind: 'roll-back', step: 'work', by: 'cli', why: '', from: TREES, to: TREES, checkpoints: [] });
    expect(standing(story).sort()).toEqual(['lead', 'worker']);
    put(story, { kind: 'rolled-back', number: 1, direction: 'back', commit: null, late: null });
    // The worker said it while the plan was made, and back there the run is not.
    expect(standing(story)).toEqual(['worker']);
    report(story, 'question', 'Again?', 'lead');
    put(story, { kind: 'undo-rollback', by: 'cli', from: TREES, checkpoints: [] });
    put(story, { kind: 'rolled-back', number: 1, direction: 'undo', commit: null, late: null });
    expect(standing(story)).toEqual(['worker']);
    put(story, { kind: 'redo', step: 'plan', by: 'cli', why: '' });
    expect(standing(story)).toEqual([]);
    expect(replayed(story)).toEqual(story.run);
  });

  it('all is done', () => {
    const story = working();
    checkpoint(story, '001-plan.md');
    checkpoint(story, '002-work.md');
    report(story, 'question', 'Which port?', 'worker');
    checkpoint(story, '003-close.md');
    expect([story.run.life.kind, standing(story)]).toEqual(['completed', []]);
  });
});

describe('a role that waits for a human', () => {
  const step = ({ run }: Story) => {
    const present = presentStep(run)?.step;
    if (!present || !isAgentStep(present)) throw new Error('there is no step');
    return present;
  };
  const pass = (story: Story, ms: number) => {
    story.at += ms;
    return kinds(put(story, { kind: 'time-passed' }));
  };

  it('is not reminded, and once it has its answer it is', () => {
    const story = asking('ended');
    expect(dueAt(story.run)).toBe(Infinity);
    expect(pass(story, REMIND_AFTER_MS * 100)).toEqual([]);
    expect(isOutOfReminders(story.run, step(story))).toBe(false);
    expect(silentSince(story.run, step(story))).toBeNull();
    put(story, { kind: 'message', role: 'lead', line: 'Port 80.', file: null });
    deliver(story, story.run.prompts.length);
    expect(pass(story, REMIND_AFTER_MS)).toEqual(['prompt.wanted']);
  });

  it('is not reminded when its agent crashed and was started again', () => {
    const story = asking('ended');
    put(story, { kind: 'agent-exited', role: 'lead', generation: 1, exit: { kind: 'code', code: 1 }, spareId: 'x' });
    const facts = news(story, 'lead', { kind: 'session-started', sessionId: 'id-lead-0', source: 'resume' });
    expect(kinds(facts)).toEqual(['agent.session']);
  });

  it('is reminded as ever when it only says how far it is', () => {
    const story = working();
    report(story, 'progress', 'Half of it');
    news(story, 'lead', { kind: 'turn-ended', last: '', background: 0 });
    expect(pass(story, REMIND_AFTER_MS)).toEqual(['prompt.wanted']);
  });
});

it('a journal of before is replayed as it was', () => {
  const story = working();
  const old = story.events.map((event) => JSON.parse(JSON.stringify(event)) as Event);
  expect(old.reduce<Run>(evolve, newRun)).toEqual(story.run);
  expect(story.run.reports).toEqual({});
});
