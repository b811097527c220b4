import { decide } from '../core/decide.ts';
import type { Event, Fact, Origin } from '../core/event.ts';
import { evolve } from '../core/evolve.ts';
import { withoutSecrets } from '../core/foreign.ts';
import { outstanding, react, type Command } from '../core/react.ts';
import type { Request } from '../core/request.ts';
import type { Run } from '../core/run.ts';
import { watchDisk, type Failing, type FactStore } from './disk.ts';
import { openIntake, type Answer } from './intake.ts';
import type { Clock } from './ports.ts';

export type { Answer } from './intake.ts';

export interface RunLoop {
  /** The state after everything that is on disk. */
  run(): Run;
  /** Whether what happened last could not be written down; null while all is well. */
  failing(): Failing | null;
  /** Whoever keeps what is beside the journal tells how that stands; see `Failing`. */
  recordIs(failing: Failing | null): void;
  /**
   * Puts a request into the queue; resolves when its facts are on disk and its commands are under way. `principal`: who asked
   * for it; absent: tmops itself.
   */
  submit(request: Request, principal?: string): Promise<Answer>;
  /** Issues the commands a run needs when it is taken up again. */
  takeUp(): void;
  /** Called with each batch of new events, in order. Returns the way to stop it. */
  subscribe(listener: (run: Run, events: readonly Event[]) => void): () => void;
  /** The newest events after `seq`, as far back as they are kept in memory. */
  recent(seq: number): readonly Event[];
  /** Resolves when what is in the queue now has been dealt with. */
  settled(): Promise<void>;
  /** Waits for no disk any more: whoever takes the run up next finds what could not be written. */
  giveUp(): void;
}

/** What becomes of every event. */
export interface LoopMarks {
  /** The workspace, and who acts where nobody asked; null: events do not say. */
  readonly origin?: Origin | null;
  /** Takes secrets out of what others wrote before anything is made of it; absent: it stays. */
  readonly hide?: (text: string) => string;
}

/** How many events stay in memory for those who follow; the journal has them all. */
const RECENT_LIMIT = 500;

/**
 * One writer per run. Requests are taken one at a time: decide → append (flushed) → evolve → react → perform. Performing
 * is not waited for; what it yields comes back as requests. Each event carries the `origin`, or who asked for it in its place.
 */
export function openRunLoop(
  start: Run,
  store: FactStore,
  clock: Clock,
  perform: (command: Command, run: Run) => void,
  marks: LoopMarks = {},
): RunLoop {
  const { origin = null, hide } = marks;
  let run = start;
  let recent: Event[] = [];
  let recordFailing: Failing | null = null;
  const listeners = new Set<(run: Run, events: readonly Event[]) => void>();
  const disk = watchDisk(store, clock);

  const take = async (asked: Request, principal?: string): Promise<Answer> => {
    const at = clock.now();
    const request = hide ? withoutSecrets(asked, hide) : asked;
    const decision = decide(run, request, at);
    if (!decision.ok) return decision;
    const whose = origin && principal !== undefined ? { ...origin, principal } : origin;
    const events = decision.facts.map((fact: Fact, index): Event => ({
      ...fact,
      seq: run.seq + 1 + index,
      at,
      ...whose,
    }));
    if (events.length === 0) return { ok: true, events };
    await disk.append(events, at);
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

  const intake = openIntake(take, disk);

  return {
    run: () => run,
    failing: () => disk.failing() ?? recordFailing,
    recordIs(failing) {
      recordFailing = failing;
    },
    submit: intake.submit,
    takeUp() {
      for (const command of outstanding(run)) perform(command, run);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    recent: (seq) => recent.filter((event) => event.seq > seq),
    settled: intake.settled,
    giveUp: disk.giveUp,
  };
}
