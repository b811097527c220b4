import { expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { evolve } from '../../src/core/evolve.ts';
import { recoveriesAfter, recoveryFile, recoveryText, type Recovery } from '../../src/core/recovery.ts';
import { newRun, type Run } from '../../src/core/run.ts';
import { briefed, deliver, put, started, type Story } from '../rig/run.ts';

const recoveriesOf = (events: readonly Event[]): readonly Recovery[] => {
  let run: Run = newRun;
  let all: readonly Recovery[] = [];
  for (const event of events) {
    run = evolve(run, event);
    all = recoveriesAfter(all, run, event);
  }
  return all;
};
const killed = (story: Story, role: string) =>
  put(story, {
    kind: 'agent-exited',
    role,
    generation: story.run.agents[role]?.generation ?? 0,
    exit: { kind: 'signal', signal: 'SIGKILL' },
    spareId: 'spare',
  });

/** The lead is asked for the first step. */
const roleOf = (story: Story): string => story.run.prompts.at(-1)?.role ?? '';

it('tells what went with an agent, how it went on, and what a human can do', () => {
  const story = briefed();
  const role = roleOf(story);
  const asked = story.run.prompts.at(-1);
  deliver(story, asked?.id ?? 0, { turn: 'open' });
  killed(story, role);
  const [recovery] = recoveriesOf(story.events);
  expect(recovery).toMatchObject({
    number: 1,
    what: { kind: 'agent', role },
    lost: [{ role, prompt: asked?.id, taken: true }],
  });
  const text = recovery ? recoveryText(recovery, story.run) : '';
  expect(text).toContain(`# Recovery 1: the ${role}'s agent ended`);
  expect(text).toContain('signal SIGKILL');
  expect(text).toContain(`- The turn of the ${role} on prompt ${asked?.id ?? 0}: "${asked?.line ?? ''}`);
  expect(text).toMatch(new RegExp(`The ${role} was started again with its own conversation`));
  expect(text).toContain(`tmops take ${story.run.identity?.feature ?? ''} ${role}`);
  expect(recovery && recoveryFile(recovery)).toBe('recovery-001.md');
});

it('is over for a role when it takes a prompt, and the next death is the next recovery', () => {
  const story = briefed();
  const role = roleOf(story);
  deliver(story, story.run.prompts.at(-1)?.id ?? 0, { turn: 'open' });
  killed(story, role);
  killed(story, role);
  const all = recoveriesOf(story.events);
  expect(all.map(({ number }) => number)).toEqual([1, 2]);
  expect(all[0]?.open).toEqual([]);
  expect(all[0]?.wentOn.at(-1)?.sentence).toBe(`The ${role} ended again. The next recovery tells how it went on.`);
  expect(all[1]?.open).toEqual([role]);
});

it('of a lost session holds all roles, and says where no turn was under way', () => {
  const story = briefed();
  put(story, { kind: 'session-lost', why: 'the tmux server is gone', spareIds: {} });
  const [recovery] = recoveriesOf(story.events);
  expect(recovery?.open).toEqual(Object.keys(story.run.agents));
  expect(recovery ? recoveryText(recovery, story.run) : '').toContain('the tmux server is gone');
});

it('is none for an agent that was ended on purpose, nor for a run in which nothing died', () => {
  const story = started();
  const role = Object.keys(story.run.agents)[0] ?? '';
  put(story, { kind: 'agent-exited', role, generation: 1, exit: { kind: 'code', code: 0 }, spareId: 'spare' });
  expect(recoveriesOf(story.events)).toEqual([]);
});
