import { describe, expect, it } from 'vitest';
import type { Dialog } from '../../src/core/screen.ts';
import { briefed, deliver, kinds, put, settings, small, spareIds, started, type Story } from '../rig/run.ts';

const dialog: Dialog = { name: 'permission', text: 'Run rm?', choices: ['Yes', 'No'], hint: 'Answer it.' };
const stateOf = (story: Story) => story.run.agents['lead']?.state;
const ask = (story: Story, what = dialog) => put(story, { kind: 'agent-asking', role: 'lead', dialog: what });
const answer = (story: Story) => put(story, { kind: 'agent-answered', role: 'lead' });

describe('a question of an agent', () => {
  const working = (): Story => {
    const story = briefed();
    deliver(story, 3, { turn: 'open' });
    return story;
  };
  const starting = (): Story => {
    const story = started();
    put(story, { kind: 'agent-exited', role: 'lead', generation: 1, exit: { kind: 'code', code: 1 }, spareId: 'n' });
    return story;
  };

  it.each([
    ['idle', briefed],
    ['busy', working],
    ['starting', starting],
  ] as const)('leads back to where it was %s', (before, begin) => {
    const story = begin();
    expect(stateOf(story)).toMatchObject({ kind: before });
    expect(kinds(ask(story))).toEqual(['agent.asking']);
    expect(stateOf(story)).toMatchObject({ kind: 'asking', dialog, before });
    answer(story);
    expect(stateOf(story)).toMatchObject({ kind: before });
  });

  it('is noted once; another one in its place leads back just as far', () => {
    const story = working();
    ask(story);
    expect(ask(story)).toEqual([]);
    ask(story, { ...dialog, text: 'Run mv?' });
    expect(stateOf(story)).toMatchObject({ kind: 'asking', dialog: { text: 'Run mv?' }, before: 'busy' });
    answer(story);
    expect(answer(story)).toEqual([]);
  });
});

it('a turn that was interrupted is over; there is none to interrupt in an idle agent', () => {
  const story = briefed();
  expect(put(story, { kind: 'agent-interrupted', role: 'lead' })).toEqual([]);
  deliver(story, 3, { turn: 'open' });
  put(story, { kind: 'agent-interrupted', role: 'lead' });
  expect(stateOf(story)).toMatchObject({ kind: 'idle', failed: null });
});

it('an agent that could not be started stays so, with what is to be done, until the next start', () => {
  const story = briefed();
  const told = { sentence: 'There is no program x.', hint: 'Install it.' };
  put(story, { kind: 'agent-failed', role: 'lead', ...told });
  expect(stateOf(story)).toMatchObject({ kind: 'failed', ...told });
  const again = put(story, { kind: 'start', by: 'cli', workflow: small, settings, spareIds: spareIds(small) });
  expect(again).toContainEqual(expect.objectContaining({ kind: 'agent.launched', role: 'lead' }));
});

it('a prompt that the agent never took is wanted again under its number', () => {
  const story = briefed();
  const tell = (what: Extract<Parameters<typeof put>[1], { kind: 'delivery' }>['news']) =>
    put(story, { kind: 'delivery', prompt: 3, news: what });
  tell({ kind: 'intended', pane: '%0', generation: 1, sha256: 'x' });
  tell({ kind: 'typed' });
  expect(story.run.prompts[2]?.stage.kind).toBe('typed');
  tell({ kind: 'reopened', why: 'the agent is gone' });
  expect(story.run.prompts[2]).toMatchObject({ stage: { kind: 'wanted' }, attempts: 1 });
  deliver(story, 3);
  expect(story.run.prompts[2]).toMatchObject({ stage: { kind: 'taken' }, attempts: 2 });
});
