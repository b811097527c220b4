import { decide } from '../core/decide.ts';
import type { Event, Fact } from '../core/event.ts';
import { evolve } from '../core/evolve.ts';
import { outstanding, react, type Command } from '../core/react.ts';
import type { Refusal, Request } from '../core/request.ts';
import type { Run } from '../core/run.ts';
import type { Clock } from './ports.ts';

/** Where facts are made durable. `append` resolves when they are on disk. */
export interface FactStore {
  append(events: readonly Event[]): Promise<void>;
}

export type Answer =
  { readonly ok: true; readonly events: readonly Event[] } | { readonly ok: false; readonly refusal: Refusal };

/** The journal takes nothing: since when, in ms since the epoch, and in the words of the error. */
export interface Failing {
  readonly since: number;
  readonly why: string;
}

export interface RunLoop {
  /** The state after everything that is on disk. */
  run(): Run;
  /** Whether what happened last could not be written down; null while all is well. */
  failing(): Failing | null;
  /** Puts a request into the queue; resolves when its facts are on disk and its commands are under way. */
  submit(request: Request): Promise<Answer>;
  /** Issues the commands a run needs when it is taken up again. */
  takeUp(): void;
  /** Called with each batch of new events, in order. Returns the way to stop it. */
  subscribe(listener: (run: Run, events: readonly Event[]) => void): () => void;
  /** The newest events after `seq`, as far back as they are kept in memory. */
  recent(seq: number): readonly Event[];
  /** Resolves when what is in the queue now has been dealt with. */
  settled(): Promise<void>;
}

/** More waiting requests than this mean that something floods the run: the caller is told instead of memory growing. */
const QUEUE_LIMIT = 10_000;
/** How many events stay in memory for those who follow; the journal has them all. */
const RECENT_LIMIT = 500;

/**
 * One writer per run. Requests are taken one at a time: decide → append (flushed) → evolve → react → perform. Performing
 * is not waited for; what it yields comes back as requests.
 */
export function openRunLoop(
  start: Run,
  store: FactStore,
  clock: Clock,
  perform: (command: Command, run: Run) => void,
): RunLoop {
  let run = start;
  let waiting = 0;
  let recent: Event[] = [];
  let failing: Failing | null = null;
  let tail: Promise<unknown> = Promise.resolve();
  const listeners = new Set<(run: Run, events: readonly Event[]) => void>();

  const append = async (events: readonly Event[], at: number): Promise<void> => {
    try {
      await store.append(events);
      failing = null;
    } catch (error) {
      failing = { since: failing?.since ?? at, why: error instanceof Error ? error.message : String(error) };
      throw error;
    }
  };

  const take = async (request: Request): Promise<Answer> => {
    const at = clock.now();
    const decision = decide(run, request, at);
    if (!decision.ok) return decision;
    const events = decision.facts.map((fact: Fact, index): Event => ({ ...fact, seq: run.seq + 1 + index, at }));
    if (events.length === 0) return { ok: true, events };
    await append(events, at);
    const commands = new Map<string, Command>();
    for (const event of events) {
      run = evolve(run, event);
      for (const command of react(run, event)) commands.set(JSON.stringify(command), command);
    }
    recent = [...recent, ...events].slice(-RECENT_LIMIT);
    for (const listener of listeners) listener(run, events);
    for (const command of commands.values()) perform(command, run);
    return { ok: true, events };
  };

  return {
    run: () => run,
    failing: () => failing,
    submit(request) {
      if (waiting >= QUEUE_LIMIT)
        return Promise.reject(new Error(`Internal error: ${waiting} requests are waiting for one run`));
      waiting += 1;
      const answer = tail.then(() => take(request)).finally(() => (waiting -= 1));
      // The caller hears of the failure; the next request is taken all the same.
      tail = Promise.allSettled([answer]);
      return answer;
    },
    takeUp() {
      for (const command of outstanding(run)) perform(command, run);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    recent: (seq) => recent.filter((event) => event.seq > seq),
    async settled() {
      await tail;
    },
  };
}
