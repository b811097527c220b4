import type { News } from '../engine/notify.ts';
import type { Clock } from '../engine/ports.ts';
import { iso } from './status-panes.ts';
import type { NewsView } from './views.ts';

/** News as doors, commands and scripts get it. */
export const newsOf = ({ kind, run, needs, at }: News): NewsView => ({
  kind,
  feature: run.identity?.feature ?? '',
  run: run.identity?.run ?? '',
  at: iso(at),
  needs: needs.map(({ code, sentence, hint }) => ({ code, sentence, hint })),
});

/** News on one line, for a status line or a desktop. Text from an agent in it is quoted and has no control characters. */
export function newsLine({ kind, feature, needs }: NewsView): string {
  if (kind === 'completed') return `${feature} is completed.`;
  const more = needs.length > 1 ? ` (and ${needs.length - 1} more: tmops why ${feature})` : '';
  return `${feature} needs you: ${needs[0]?.sentence ?? ''}${more}`.replaceAll(/[\p{C}\s]+/gu, ' ');
}

/** What was told lately, for doors that ask for it. */
export interface NewsBoard {
  post(news: NewsView): void;
  /**
   * What came after `cursor`, waiting up to `timeoutMs` for it. Without a cursor nothing is given but the present one; with
   * one of another supervisor everything of this one's time.
   */
  after(cursor: string | undefined, timeoutMs: number, signal: AbortSignal): Promise<Posted>;
}

export interface Posted {
  readonly cursor: string;
  readonly news: NewsView[];
}

const KEPT = 100;

/** `epoch` tells this supervisor from others. */
export function openNewsBoard(epoch: string, clock: Clock): NewsBoard {
  let posted: NewsView[] = [];
  let count = 0;
  const waiting = new Set<AbortController>();
  const since = (cursor: string): NewsView[] => {
    const [of, seen] = cursor.split(':');
    const fresh = of === epoch ? count - Number(seen) : count;
    return fresh > 0 ? posted.slice(-fresh) : [];
  };
  return {
    post(news) {
      posted = [...posted, news].slice(-KEPT);
      count += 1;
      for (const waits of waiting) waits.abort();
    },
    async after(cursor, timeoutMs, signal) {
      if (cursor !== undefined && since(cursor).length === 0) {
        const waits = new AbortController();
        waiting.add(waits);
        await clock.sleep(timeoutMs, AbortSignal.any([waits.signal, signal]));
        waiting.delete(waits);
      }
      return { cursor: `${epoch}:${count}`, news: cursor === undefined ? [] : since(cursor) };
    },
  };
}
