import { rolesOf, whereIn } from '../core/where.ts';
import type { Event, EventKind } from '../core/event.ts';
import type { Run } from '../core/run.ts';
import type { Clock } from '../engine/ports.ts';
import type { Watchable } from './resource-requests.ts';

/** What can be told from the journal alone, at no cost. Of `names`, which are those of all features, that they may have. */
export type Topic = Extract<Watchable, 'names' | 'status' | 'journal' | 'log' | 'checkpoint' | 'metrics'>;

/** What changed lately, for doors that follow it. */
export interface ChangeBoard {
  /** Something happened in a run; `run` is the state after it. */
  heard(run: Run, event: Event): void;
  /** `name`: of a log its role, of a checkpoint its file. */
  post(topic: Topic, feature: string, name?: string): void;
  /** Something was asked for that may have changed which features there are. */
  asked(): void;
  /** The place of now, for `changedAfter`. */
  cursor(): string;
  /** Whether it changed after that place. What was before this supervisor's time, or is no longer known, counts as changed. */
  changedAfter(cursor: string, topic: Topic, feature: string, name?: string): boolean;
  /** Resolves when anything changes after that place, or time is up. */
  moved(cursor: string, timeoutMs: number, signal: AbortSignal): Promise<void>;
}

/** Some hundred features with their roles and checkpoints. */
const KEPT = 5000;

/** `epoch` tells this supervisor from others. */
export function openChangeBoard(epoch: string, clock: Clock): ChangeBoard {
  /** When each was changed last, by the count; the oldest first. */
  const at = new Map<string, number>();
  let count = 0;
  /** What changed up to here may have been forgotten. */
  let forgotten = 0;
  const waiting = new Set<AbortController>();
  const placeOf = (cursor: string): number | null => {
    const [of, seen] = cursor.split(':');
    return of === epoch && /^\d+$/.test(seen ?? '') ? Number(seen) : null;
  };
  const post: ChangeBoard['post'] = (topic, feature, name) => {
    count += 1;
    for (const waits of waiting) waits.abort();
    const key = keyOf(topic, feature, name);
    at.delete(key);
    at.set(key, count);
    const oldest = at.size > KEPT ? at.entries().next().value : undefined;
    if (!oldest) return;
    at.delete(oldest[0]);
    forgotten = oldest[1];
  };
  return {
    post,
    asked() {
      post('names', ALL);
    },
    heard(run, event) {
      const { feature } = run.identity ?? {};
      if (feature === undefined) return;
      const { role, file } = whereIn(run, event);
      post('status', feature);
      post('journal', feature);
      for (const each of role === undefined ? rolesOf(run) : [role]) post('log', feature, each);
      if (file !== undefined) post('checkpoint', feature, file);
      if (NAMING.has(event.kind)) post('names', ALL);
    },
    cursor: () => `${epoch}:${count}`,
    changedAfter(cursor, topic, feature, name) {
      const place = placeOf(cursor);
      return place === null || place < forgotten || (at.get(keyOf(topic, feature, name)) ?? 0) > place;
    },
    async moved(cursor, timeoutMs, signal) {
      if (placeOf(cursor) !== count) return;
      const waits = new AbortController();
      waiting.add(waits);
      await clock.sleep(timeoutMs, AbortSignal.any([waits.signal, signal]));
      waiting.delete(waits);
    },
  };
}

/** Where names of features are told of, which belong to none of them. */
export const ALL = '';

/** After these a run has another role, checkpoint or figure than before. */
const NAMING: ReadonlySet<EventKind> = new Set([
  'run.initialised',
  'run.queued',
  'run.started',
  'agent.launched',
  'checkpoint.seen',
  'checkpoint.refused',
  'checkpoint.gone',
  'step.completed',
]);

const keyOf = (topic: Topic, feature: string, name = ''): string => `${topic}/${feature}/${name}`;
