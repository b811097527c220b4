import type { Event } from '../core/event.ts';
import type { Refusal, Request } from '../core/request.ts';
import type { Disk } from './disk.ts';

export type Answer =
  { readonly ok: true; readonly events: readonly Event[] } | { readonly ok: false; readonly refusal: Refusal };

/** More waiting requests than this mean that something floods the run: the caller is told instead of memory growing. */
const QUEUE_LIMIT = 10_000;
/**
 * What is told once and by nobody again: it waits, at the head of the queue, for a disk that refuses, and all that was seen
 * after it stays behind it. Everything else is refused: a human has to hear of it, and what looks at panes looks again.
 */
const TOLD_ONCE: ReadonlySet<Request['kind']> = new Set([
  'surveyed',
  'session-opened',
  'session-lost',
  'session-ended',
  'agent-placed',
  'agent-process',
  'agent-news',
  'agent-failed',
  'conversation-lost',
  'checkpoint-seen',
  'checkpoint-gone',
  'checkpoint-refused',
  'check-found',
  'module-done',
  'module-failed',
  'interrupt-failed',
  'rolled-back',
  'rollback-failed',
]);

interface Waiting {
  readonly request: Request;
  readonly principal: string | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** The requests of a run, in their order. */
export interface Intake {
  readonly submit: (request: Request, principal?: string) => Promise<Answer>;
  /** Resolves when what is in the queue now has been dealt with. */
  readonly settled: () => Promise<void>;
}

/** Hands requests to `take` one at a time; see TOLD_ONCE for those that the disk refuses. */
export function openIntake(take: Intake['submit'], disk: Disk): Intake {
  let queue: Waiting[] = [];
  let tail: Promise<void> = Promise.resolve();

  /** Of those behind one that waits, whoever does not want to wait. */
  const refuseOthers = (error: unknown): void => {
    const impatient = queue.filter(({ request }) => !TOLD_ONCE.has(request.kind));
    queue = queue.filter(({ request }) => TOLD_ONCE.has(request.kind));
    for (const each of impatient) each.reject(error);
  };

  const takeAll = async (): Promise<void> => {
    for (let head = queue[0]; head; head = queue[0]) {
      try {
        const answer = await take(head.request, head.principal);
        queue.shift();
        head.resolve(answer);
      } catch (error) {
        if (TOLD_ONCE.has(head.request.kind) && disk.failing() !== null && !disk.isGivenUp()) {
          refuseOthers(error);
          await disk.takesAgain();
          continue;
        }
        queue.shift();
        // The caller hears of the failure; the next request is taken all the same.
        head.reject(error);
      }
    }
  };

  const enqueue = (request: Request, principal: string | undefined): Promise<Answer> => {
    if (queue.length >= QUEUE_LIMIT)
      return Promise.reject(new Error(`Internal error: ${queue.length} requests are waiting for one run`));
    return new Promise<Answer>((resolve, reject) => {
      queue.push({ request, principal, resolve, reject });
      if (queue.length === 1) tail = Promise.resolve().then(takeAll);
    });
  };

  return {
    async submit(request, principal) {
      // Behind one that waits for the disk nobody gets a word; what came of that disk is found out at once.
      if (disk.failing() !== null && queue.length > 0 && !TOLD_ONCE.has(request.kind)) await disk.tryNow();
      return enqueue(request, principal);
    },
    settled: () => tail,
  };
}
