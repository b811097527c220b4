import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import type { Run } from '../../src/core/run.ts';
import type { LiveRun } from '../../src/engine/live-run.ts';
import type { Failing } from '../../src/engine/disk.ts';
import { keepNotices, REPEAT_AFTER_MS, STANDS_FOR_MS, type Need, type Notices } from '../../src/engine/notify.ts';
import { handClock, type HandClock } from '../rig/clock.ts';
import { briefed, T0 } from '../rig/run.ts';

const { run } = briefed();
const event = (kind: Event['kind']): Event => ({ kind, seq: 1, at: T0 }) as Event;

let clock: HandClock;
let notices: Notices;
let needs: Need[];
let failing: Failing | null;
let told: string[];
let problems: unknown[];

const need = (code: string, sentence = code): Need => ({ code, sentence, hint: 'h' });
const live = { loop: { run: () => run, failing: () => failing } } as LiveRun;
const happens = (kind: Event['kind'] = 'agent.worked', state: Run = run): void => {
  notices.heard(state, event(kind));
};
/** What was told since the last call. */
const heard = (): string[] => told.splice(0);

beforeEach(() => {
  [needs, told, problems, failing] = [[], [], [], null];
  clock = handClock(T0);
  notices = keepNotices({
    clock,
    runs: () => [live],
    needsOf: (_run, journal) => [...needs, ...(journal ? [need('disk')] : [])],
    tell: (news) => told.push(news.kind === 'completed' ? 'completed' : news.needs.map((each) => each.sentence).join()),
    onError: (error) => problems.push(error),
  });
});
afterEach(async () => {
  await notices.stop();
  expect(problems).toEqual([]);
});

describe('news', () => {
  it('is told once of a need that comes up, and again when another one does', async () => {
    happens();
    await clock.pass(STANDS_FOR_MS);
    expect(heard()).toEqual([]);
    needs = [need('asks')];
    happens();
    await clock.pass(STANDS_FOR_MS);
    expect(heard()).toEqual(['asks']);
    for (let minutes = 0; minutes < 30; minutes += 1) {
      happens();
      await clock.pass(60_000);
    }
    expect(heard()).toEqual([]);
    needs = [need('asks'), need('gate')];
    happens();
    await clock.pass(STANDS_FOR_MS);
    expect(heard()).toEqual(['gate']);
  });

  it('is told of a second need of the same kind', async () => {
    needs = [need('asks', 'tester')];
    happens();
    await clock.pass(STANDS_FOR_MS);
    needs = [need('asks', 'tester'), need('asks', 'verifier')];
    happens();
    await clock.pass(REPEAT_AFTER_MS + 20_000);
    expect(heard()).toEqual(['tester', 'tester,verifier']);
  });

  it('is told of what a role says in place of what it said before, and not of how far it is', async () => {
    const says = (what: 'question' | 'progress', words: string): void => {
      needs = what === 'question' ? [need('role-question', words)] : [];
      notices.heard(run, { kind: 'role.reported', role: 'lead', what, text: words, seq: 1, at: T0 });
    };
    says('question', 'Which port?');
    await clock.pass(REPEAT_AFTER_MS + 20_000);
    expect(heard()).toEqual(['Which port?']);
    says('question', 'Which host?');
    await clock.pass(STANDS_FOR_MS);
    expect(heard()).toEqual(['Which host?']);
    says('progress', 'Half of it');
    await clock.pass(REPEAT_AFTER_MS + 20_000);
    expect(heard()).toEqual([]);
  });

  it('is not told of what goes by itself', async () => {
    needs = [need('dead')];
    happens();
    await clock.pass(STANDS_FOR_MS / 2);
    needs = [];
    await clock.pass(60_000);
    expect(heard()).toEqual([]);
  });

  it('of one kind comes once a minute at most, however it comes and goes, and none is lost', async () => {
    for (let second = 0; second < 40; second += 2) {
      needs = second % 4 === 0 ? [need('held')] : [];
      happens();
      await clock.pass(2000);
    }
    expect(heard()).toEqual(['held']);
    needs = [need('held')];
    await clock.pass(REPEAT_AFTER_MS);
    expect(heard()).toEqual(['held']);
  });

  it('is told of what time alone brings', async () => {
    happens();
    await clock.pass(60_000);
    needs = [need('silent')];
    await clock.pass(16_000);
    expect(heard()).toEqual(['silent']);
    failing = { what: 'journal', since: T0, why: 'ENOSPC', code: 'ENOSPC', path: '/j' };
    await clock.pass(16_000);
    expect(heard()).toEqual(['disk']);
  });

  it('is not told again by the next supervisor', async () => {
    needs = [need('gate')];
    happens('supervisor.began');
    await clock.pass(REPEAT_AFTER_MS);
    expect(heard()).toEqual([]);
    needs = [];
    happens();
    await clock.pass(STANDS_FOR_MS);
    needs = [need('gate')];
    happens();
    await clock.pass(STANDS_FOR_MS);
    expect(heard()).toEqual(['gate']);
  });

  it('is told of the end at once, and of a new run afresh', async () => {
    needs = [need('gate')];
    happens();
    await clock.pass(STANDS_FOR_MS);
    happens('run.completed');
    expect(heard()).toEqual(['gate', 'completed']);
    const identity = { ...run.identity!, run: 'retry' };
    live.loop.run = () => ({ ...run, identity });
    happens('agent.worked', { ...run, identity });
    await clock.pass(STANDS_FOR_MS);
    live.loop.run = () => run;
    expect(heard()).toEqual(['gate']);
  });
});
