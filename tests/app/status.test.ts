import { describe, expect, it } from 'vitest';
import { attentionOf } from '../../src/app/attention.ts';
import { outcomeOf, statusOf } from '../../src/app/status.ts';
import { statusOutput } from '../../src/app/views.ts';
import { waitsFor } from '../../src/app/waits-for.ts';
import { workflowSchema } from '../../src/core/workflow.ts';
import {
  begin,
  briefed,
  checkpoint,
  deliver,
  identity,
  news,
  put,
  remindedOfSilence,
  settings,
  small,
  started,
  type Story,
} from '../rig/run.ts';

const fault = { file: '001-plan.md', line: 3, found: '**From:** Tester', expected: 'From names lead' };

describe('waits for', () => {
  const rows: [string, () => Story, RegExp][] = [
    ['a start', () => withInit(), /^It waits to be started: tmops start auth-api\.$/],
    ['the look at the disk', () => started(), /looking at the checkpoints on disk/],
    ['instructions to be read', () => surveyed(), /The lead is reading its instructions/],
    ['a prompt on its way', () => briefed(), /Prompt 3 is on its way to the lead\./],
    [
      'a prompt that is held, with the reason',
      () => held(),
      /Prompt 3 is on its way to the lead: a draft stands there/,
    ],
    ['work', () => working(), /The lead works on 001-plan\.md/],
    [
      'a checkpoint to be corrected',
      () => after(working(), (s) => put(s, { kind: 'checkpoint-refused', fault, sha256: null })),
      /001-plan\.md is there but not in order/,
    ],
    [
      'a review',
      () => after(working(), (s) => checkpoint(s, '001-plan.md', { gate: 'human' })),
      /asks for a human review/,
    ],
    [
      'a fresh checkpoint in place of an old one',
      () => after(working(), (s) => checkpoint(s, '001-plan.md', { mtimeMs: 5 })),
      /older than this run/,
    ],
    [
      'a checkpoint that was written ahead',
      () => ahead(),
      /was written before 001-plan\.md; it has to be written again/,
    ],
    [
      'an agent that is not running',
      () =>
        after(working(), (s) =>
          put(s, { kind: 'agent-exited', role: 'lead', generation: 1, exit: { kind: 'code', code: 0 }, spareId: 'x' }),
        ),
      /The lead's agent is not running/,
    ],
    [
      'its turn in the queue',
      () => after(withInit(), (s) => put(s, { kind: 'queue', by: 'cli', workflow: small, settings, place: 1 })),
      /^It waits in the queue: it begins by itself when there is room; tmops stop auth-api takes it out\.$/,
    ],
    [
      'a human once its step took too long',
      () => overran(),
      /^The step plan took too long, and nothing more is asked of the lead; see attention\.$/,
    ],
    [
      'nothing once stopped',
      () => after(working(), (s) => put(s, { kind: 'stop', by: 'cli', why: 'asked to' })),
      /It was stopped by cli \(asked to\); tmops start auth-api goes on/,
    ],
  ];
  it.each(rows)('%s', (_what, story, expected) => {
    expect(waitsFor(story().run)).toMatch(expected);
  });
});

describe('attention', () => {
  const rows: [string, () => Story, string, RegExp][] = [
    [
      'a refused checkpoint, with file, line and expectation',
      () => after(working(), (s) => put(s, { kind: 'checkpoint-refused', fault, sha256: null })),
      'checkpoint-refused',
      /001-plan\.md, line 3: found "\*\*From:\*\* Tester", expected From names lead/,
    ],
    [
      'a prompt held for a human',
      () => held(),
      'held-for-human',
      /Prompt 3 for the lead is held for human: a draft stands there/,
    ],
    ['a prompt in doubt', () => doubtful(), 'indeterminate', /Prompt 3/],
    [
      'a question',
      () =>
        after(working(), (s) =>
          put(s, {
            kind: 'agent-asking',
            role: 'lead',
            dialog: {
              name: 'permission',
              text: 'Do you want\u001b[31m to?',
              choices: ['1. Yes'],
              hint: 'Answer it in the pane.',
            },
          }),
        ),
      'needs-answer',
      /asks \(permission\): "Do you want/,
    ],
    [
      'a failed turn',
      () => after(working(), (s) => news(s, 'lead', { kind: 'turn-failed', error: 'server_error', last: '' })),
      'turn-failed',
      /"server_error"/,
    ],
    [
      'an ended agent',
      () =>
        after(working(), (s) =>
          put(s, { kind: 'agent-exited', role: 'lead', generation: 1, exit: { kind: 'code', code: 0 }, spareId: 'x' }),
        ),
      'agent-ended',
      /exit code 0/,
    ],
    [
      'a review',
      () => after(working(), (s) => checkpoint(s, '001-plan.md', { gate: 'human' })),
      'awaits-review',
      /asks for a human review/,
    ],
  ];
  it.each<[string, () => Story, string, RegExp, string]>([
    [
      'an agent that takes much memory',
      () => after(working(), (s) => put(s, { ...MEMORY, level: 'warning' })),
      'memory-high',
      /^The lead's agent, with all that it started, takes 5 GB, more than features\.memory_warning \(4 GB\)\.$/,
      'tmops read-pane auth-api lead',
    ],
    [
      'an agent that takes too much',
      () => after(working(), (s) => put(s, { ...MEMORY, level: 'limit' })),
      'memory-limit',
      /more than features\.memory_limit \(4 GB\); no new turn begins\.$/,
      'tmops resume auth-api',
    ],
    [
      'one that was resumed all the same',
      () =>
        after(working(), (s) => [
          put(s, { ...MEMORY, level: 'limit' }),
          put(s, { kind: 'resume', by: 'cli', spareIds: {} }),
        ]),
      'memory-limit',
      /; it was resumed all the same\.$/,
      'tmops resume auth-api',
    ],
    [
      'a step over its limit',
      () => overran(),
      'phase-limit',
      /^The step plan has taken longer than its limit of 10 min; the lead's turn is being interrupted\.$/,
      'tmops retry auth-api',
    ],
    [
      'a step over its limit whose turn was interrupted',
      () => after(overran(), (s) => put(s, { kind: 'agent-interrupted', role: 'lead' })),
      'phase-limit',
      /; the lead's turn was interrupted\.$/,
      "tmops message auth-api lead 'Go on.'",
    ],
    [
      'a turn that could not be interrupted',
      () => after(overran(), (s) => put(s, { kind: 'interrupt-failed', step: 'plan', role: 'lead', why: 'it asks' })),
      'phase-limit',
      /could not be interrupted: "it asks"\.$/,
      'tmops attach auth-api',
    ],
    [
      'a run that could not begin when its turn had come',
      () =>
        after(withInit(), (s) => [
          put(s, { kind: 'queue', by: 'cli', workflow: small, settings, place: 1 }),
          put(s, { kind: 'leave-queue', by: 'tmops', why: '', problem: PROBLEM }),
        ]),
      'no-spec',
      /^It could not begin when its turn had come: TASK_SPEC\.md is missing\.$/,
      'tmops init auth-api',
    ],
  ])('Scenario: Resource exhaustion: %s', (_what, story, code, sentence, hint) => {
    const { run, at } = story();
    const found = attentionOf(run, at).filter((each) => each.code === code);
    expect(found).toHaveLength(1);
    expect(found[0]?.sentence).toMatch(sentence);
    expect(found[0]?.hint).toContain(hint);
  });

  it.each(rows)('%s', (_what, story, code, sentence) => {
    const { run, at } = story();
    const found = attentionOf(run, at).find((each) => each.code === code);
    expect(found?.sentence).toMatch(sentence);
    expect(found?.hint).not.toBe('');
  });

  it('a silent agent, only after the time the configuration gives', () => {
    const { run, at } = after(working(), remindedOfSilence);
    expect(attentionOf(run, at + settings.silentAfterMs - 60_000)).toEqual([]);
    expect(attentionOf(run, at + settings.silentAfterMs + 60_000)).toMatchObject([
      {
        code: 'agent-silent',
        sentence: expect.stringMatching(/for 31 min, and a reminder changed nothing\.$/) as string,
      },
    ]);
  });

  it('a failed module', () => {
    const workflow = workflowSchema.parse({ ...small, steps: [{ id: 'gate', module: 'lint' }, ...small.steps] });
    const story = started(workflow);
    put(story, { kind: 'surveyed' });
    put(story, { kind: 'module-failed', step: 'gate', stage: 'execute', why: 'no lint', rolledBack: true });
    expect(attentionOf(story.run, story.at)).toMatchObject([
      { code: 'module-failed', sentence: expect.stringMatching(/"no lint" It was rolled back/) as string },
    ]);
    expect(waitsFor(story.run)).toMatch(/The module lint failed/);
  });
});

it('names the outcome of a prompt out of the closed set', () => {
  const outcome = (story: Story) => outcomeOf(story.run.prompts[2]!);
  expect(outcome(briefed())).toBe('wanted');
  expect(outcome(held())).toBe('held_for_human');
  expect(outcome(doubtful())).toBe('indeterminate');
  expect(outcome(working())).toBe('accepted');
  expect(
    outcome(after(doubtful(), (s) => put(s, { kind: 'settle-prompt', prompt: 3, as: 'delivered', by: 'cli' }))),
  ).toBe('accepted');
});

it('is of the shape that is promised, at every point of a run', () => {
  for (const story of [withInit(), started(), surveyed(), briefed(), held(), working(), ahead()]) {
    expect(() =>
      statusOutput.parse(statusOf(story.run, { attach: 'tmux attach', now: story.at, failing: null, queue: null })),
    ).not.toThrow();
  }
});

function after(story: Story, act: (story: Story) => unknown): Story {
  act(story);
  return story;
}

const withInit = (): Story => after(begin(), (story) => put(story, { kind: 'initialise', identity }));
const surveyed = (): Story => after(started(), (story) => put(story, { kind: 'surveyed' }));
const held = (): Story =>
  after(briefed(), (story) =>
    put(story, {
      kind: 'delivery',
      prompt: 3,
      news: { kind: 'held', outcome: 'held_for_human', reason: 'a draft stands there' },
    }),
  );
const MEMORY = { kind: 'memory-seen', role: 'lead', bytes: 5 * 2 ** 30, above: 4 * 2 ** 30 } as const;
const PROBLEM = { code: 'no-spec', sentence: 'TASK_SPEC.md is missing.', hint: 'tmops init auth-api' };

function overran(): Story {
  return after(started(small, { phaseLimitMs: 600_000 }), (story) => {
    put(story, { kind: 'surveyed' });
    for (const id of [1, 2]) deliver(story, id);
    deliver(story, 3, { turn: 'open' });
    story.at += 600_000;
    put(story, { kind: 'time-passed' });
  });
}

const working = (): Story =>
  after(briefed(), (story) => {
    deliver(story, 3, { turn: 'open' });
  });

function doubtful(): Story {
  return after(briefed(), (story) => {
    put(story, { kind: 'delivery', prompt: 3, news: { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } });
    put(story, { kind: 'delivery', prompt: 3, news: { kind: 'stuck', outcome: 'indeterminate', reason: 'not seen' } });
  });
}

function ahead(): Story {
  return after(working(), (story) => {
    checkpoint(story, '002-work.md');
    checkpoint(story, '001-plan.md');
  });
}
