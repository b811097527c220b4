import { afterEach, describe, expect, it } from 'vitest';
import { HAND_BACK_NOTICE_MS } from '../../src/core/due.ts';
import { callOf } from '../../src/core/reported.ts';
import { holderOf } from '../../src/core/run.ts';
import { borderOf, headlineOf, keepBorders } from '../../src/engine/borders.ts';
import type { Stop } from '../../src/engine/ports.ts';
import { handClock } from '../rig/clock.ts';
import { loopFrom, playedTerminal } from '../rig/ports.ts';
import { briefed, deliver, news, put, started, type Story } from '../rig/run.ts';

const border = ({ run, at }: Story, now = at): string => {
  const agent = run.agents['worker'];
  return agent ? borderOf(agent, holderOf(run, 'worker'), now, callOf(run, 'worker')) : '';
};
const use = (story: Story) =>
  put(story, { kind: 'human-seen', role: 'worker', sign: 'draft', stays: false, why: 'a draft' });
const take = (story: Story, ...roles: string[]) => put(story, { kind: 'take', roles, by: 'cli' });

describe('a border', () => {
  it('says what the agent does', () => {
    const story = started();
    expect(border(story)).toBe('idle');
  });

  it('says what the role wants of a human, in words of tmops, until a human holds the pane', () => {
    const story = started();
    const reports = (what: 'blocked' | 'question' | 'progress') =>
      put(story, { kind: 'role-report', role: 'worker', what, text: '#[fg=red]Rm?' });
    reports('question');
    expect(border(story)).toBe('has a question');
    news(story, 'worker', { kind: 'prompt-taken', text: 'Go on', injected: true });
    reports('blocked');
    expect(border(story)).toBe('working, says it is blocked');
    take(story, 'worker');
    expect(border(story)).toBe('human, working');
    put(story, { kind: 'give', roles: [], by: 'cli', spareIds: {} });
    reports('progress');
    expect(border(story)).toBe('working');
  });

  it('says that a human holds the pane, and what the agent does besides', () => {
    const story = briefed();
    take(story, 'worker');
    expect(border(story)).toBe('human');
    put(story, { kind: 'give', roles: [], by: 'cli', spareIds: {} });
    put(story, { kind: 'message', role: 'worker', line: 'm', file: null });
    deliver(story, 4, { turn: 'open' });
    use(story);
    expect(border(story)).toBe('human, working');
  });

  it('counts down to the hand-back', () => {
    const story = briefed();
    use(story);
    story.at += 120_000;
    put(story, { kind: 'time-passed' });
    expect(border(story)).toBe(`human, goes back in ${HAND_BACK_NOTICE_MS / 1000} s`);
    expect(border(story, story.at + HAND_BACK_NOTICE_MS - 400)).toBe('human, goes back in 1 s');
    expect(border(story, story.at + HAND_BACK_NOTICE_MS + 400)).toBe('human, goes back in 1 s');
  });
});

describe('the status line', () => {
  it('names the step and who works', () => {
    expect(headlineOf(briefed().run)).toBe('auth-api: plan (1/3), lead');
  });

  it('says who is held by a human, and that the run is paused', () => {
    const story = briefed();
    take(story, 'worker');
    expect(headlineOf(story.run)).toBe('auth-api: plan (1/3), lead · human: worker');
    put(story, { kind: 'pause', by: 'cli', why: 'asked to' });
    expect(headlineOf(story.run)).toBe('auth-api: plan (1/3), lead · paused · human: worker');
    put(story, { kind: 'resume', by: 'cli', spareIds: {} });
    put(story, { kind: 'give', roles: [], by: 'cli', spareIds: {} });
    expect(headlineOf(story.run)).toBe('auth-api: plan (1/3), lead');
  });
});

let stop: Stop | null = null;
afterEach(() => stop?.());

it('what is shown is renewed each second while a pane is about to go back, and not after', async () => {
  const story = briefed();
  use(story);
  const clock = handClock(story.at + 115_000);
  const { loop } = loopFrom(story.run, clock);
  const labels: string[] = [];
  const terminal = playedTerminal({
    label: (_pane, { role, state }) => {
      if (role === 'worker') labels.push(state);
      return Promise.resolve();
    },
  });
  stop = keepBorders(loop, terminal, clock, (error) => {
    throw error;
  });
  await clock.pass(5000);
  expect(labels).toEqual(['human']);
  await loop.submit({ kind: 'time-passed' });
  await clock.pass(3000);
  expect(labels.slice(1)).toEqual([10, 9, 8, 7].map((left) => `human, goes back in ${left} s`));
  await loop.submit({ kind: 'give', roles: [], by: 'cli', spareIds: {} });
  await clock.pass(60_000);
  expect(labels.slice(5)).toEqual(['idle']);
});
