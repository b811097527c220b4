import { afterEach, describe, expect, it } from 'vitest';
import { HAND_BACK_NOTICE_MS } from '../../src/core/due.ts';
import type { Event, Fact } from '../../src/core/event.ts';
import { evolve } from '../../src/core/evolve.ts';
import type { Request } from '../../src/core/request.ts';
import { openRunLoop, type RunLoop } from '../../src/engine/loop.ts';
import type { Clock, Stop } from '../../src/engine/ports.ts';
import { keepTime } from '../../src/engine/timekeeper.ts';
import { settings, started } from '../rig/run.ts';

/** A clock that goes on when it is told to, and counts who sleeps. */
class PlayedClock implements Clock {
  #now: number;
  /** By a clock that nobody can set, as timers are kept. */
  #elapsed = 0;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  most = 0;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        resolve();
      };
      const sleeper = { at: this.#elapsed + ms, wake };
      if (signal?.aborted === true) {
        wake();
        return;
      }
      this.#sleepers.add(sleeper);
      this.most = Math.max(this.most, this.#sleepers.size);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /** Sets the clock as somebody would; timers do not notice. */
  set(now: number): void {
    this.#now = now;
  }

  /** Lets time go by, waking one sleeper after the other. */
  async pass(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (;;) {
      const next = [...this.#sleepers].sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#now += next.at - this.#elapsed;
      this.#elapsed = next.at;
      next.wake();
      await settle();
    }
    this.#now += end - this.#elapsed;
    this.#elapsed = end;
  }
}

/** Everything that follows by itself has happened. */
async function settle(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Bench {
  readonly clock: PlayedClock;
  readonly loop: RunLoop;
  readonly kinds: () => string[];
  readonly told: () => number;
  readonly errors: unknown[];
  readonly ask: (request: Request) => Promise<void>;
  full: boolean;
}

let stop: Stop | null = null;
afterEach(async () => {
  await stop?.();
  stop = null;
});

/** A run with an idle agent, and the keeper of its time. */
function bench(facts: readonly Fact[] = []): Bench {
  const story = started();
  const clock = new PlayedClock(story.at);
  const journal: Event[] = [];
  const errors: unknown[] = [];
  const run = facts.reduce((state, fact) => evolve(state, { ...fact, seq: state.seq + 1, at: story.at }), story.run);
  let tellings = 0;
  const store = {
    append(events: readonly Event[]): Promise<void> {
      if (made.full) return Promise.reject(new Error('ENOSPC'));
      journal.push(...events);
      return Promise.resolve();
    },
  };
  const loop = openRunLoop(run, store, clock, () => undefined);
  const counted: RunLoop = {
    ...loop,
    submit(request) {
      if (request.kind === 'time-passed') tellings += 1;
      return loop.submit(request);
    },
  };
  const made: Bench = {
    clock,
    loop,
    kinds: () => journal.map((event) => event.kind),
    told: () => tellings,
    errors,
    async ask(request) {
      await loop.submit(request);
      await settle();
    },
    full: false,
  };
  stop = keepTime(counted, clock, (error) => errors.push(error));
  return made;
}

const parked = (clock: { now(): number }, ms: number): Fact => ({
  kind: 'agent.parked',
  role: 'lead',
  untilMs: clock.now() + ms,
  why: 'w',
});
const HOUR = 3_600_000;
const limit = (untilMs: number): Request => ({
  kind: 'agent-asking',
  role: 'lead',
  dialog: { name: 'limit', text: `until ${untilMs}`, choices: [], hint: 'h', limitUntilMs: untilMs },
});

describe('the time of a run', () => {
  it('is told when it has come, and not before', async () => {
    const { clock, kinds, told } = bench([parked({ now: () => started().at }, HOUR)]);
    await clock.pass(HOUR - 1);
    expect([kinds(), told()]).toEqual([[], 0]);
    await clock.pass(1);
    expect([kinds(), told()]).toEqual([['agent.unparked'], 1]);
    await clock.pass(24 * HOUR);
    expect(told()).toBe(1);
  });

  it('is kept anew when something sooner or later comes up, with one timer', async () => {
    const { clock, kinds, ask } = bench();
    await ask(limit(clock.now() + 2 * HOUR));
    await ask({ kind: 'agent-answered', role: 'lead' });
    await ask(limit(clock.now() + HOUR));
    await clock.pass(HOUR - 1);
    expect(kinds()).not.toContain('agent.unparked');
    await clock.pass(1);
    expect(kinds().filter((kind) => kind === 'agent.unparked')).toHaveLength(1);
    expect(clock.most).toBe(1);
  });

  it('announces that a pane goes back, and then gives it back', async () => {
    const { clock, kinds, ask } = bench();
    await ask({ kind: 'human-seen', role: 'lead', sign: 'typing', stays: false, why: 'w' });
    const { handBackAfterMs } = settings;
    await clock.pass((handBackAfterMs ?? 0) - HAND_BACK_NOTICE_MS - 1);
    expect(kinds()).toEqual(['pane.taken']);
    await clock.pass(1);
    expect(kinds()).toEqual(['pane.taken', 'pane.returning']);
    await clock.pass(HAND_BACK_NOTICE_MS - 1);
    expect(kinds()).not.toContain('pane.given');
    await clock.pass(1);
    expect(kinds()).toContain('pane.given');
  });

  it('is noticed within half a minute when the clock jumps ahead', async () => {
    const { clock, kinds } = bench([parked({ now: () => started().at }, 5 * HOUR)]);
    await clock.pass(1000);
    clock.set(clock.now() + 8 * HOUR);
    await clock.pass(40_000);
    expect(kinds()).toEqual(['agent.unparked']);
  });

  it('is not told early when the clock is set back', async () => {
    const { clock, kinds } = bench([parked({ now: () => started().at }, HOUR)]);
    await clock.pass(1000);
    clock.set(clock.now() - 2 * HOUR);
    await clock.pass(2 * HOUR);
    expect(kinds()).toEqual([]);
    await clock.pass(HOUR + 40_000);
    expect(kinds()).toEqual(['agent.unparked']);
  });

  it('is told again, at a calm pace, while the disk refuses', async () => {
    const made = bench([parked({ now: () => started().at }, 1000)]);
    made.full = true;
    await made.clock.pass(31_000);
    expect(made.errors.length).toBeGreaterThan(3);
    expect(made.errors.length).toBeLessThan(10);
    made.full = false;
    await made.clock.pass(6_000);
    expect(made.kinds()).toEqual(['agent.unparked']);
  });

  it('ends when it is told to, whether it sleeps or not', async () => {
    const { clock, told } = bench([parked({ now: () => started().at }, HOUR)]);
    await clock.pass(1000);
    await stop?.();
    expect(clock.sleeping).toBe(0);
    await clock.pass(2 * HOUR);
    expect(told()).toBe(0);
  });

  it('is not kept while nothing is due: it sleeps on', async () => {
    const { clock, told } = bench();
    await clock.pass(100 * HOUR);
    expect([told(), clock.most, clock.sleeping]).toEqual([0, 1, 1]);
  });
});
