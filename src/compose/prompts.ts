import { randomBytes } from 'node:crypto';
import type { PromptPorts } from '../app/prompts.ts';
import type { ConfigResult } from '../config/load.ts';
import type { Event } from '../core/event.ts';
import type { Run } from '../core/run.ts';
import type { Clock, Log } from '../engine/ports.ts';
import { counted, movedOn, openUsage } from '../prompts/usage.ts';
import { promptPlaces } from './prompt-places.ts';

export interface WatchedPrompts extends PromptPorts {
  /** Notes that a run moved on, for the prompts that were used about it. */
  readonly heard: (run: Run, event: Event) => void;
}

/** The prompts of a workspace for its supervisor. The template engine is loaded with the first that is asked for. */
export function promptPorts(parts: {
  readonly root: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly loaded: () => ConfigResult;
}): WatchedPrompts {
  const { root, clock, log, loaded } = parts;
  const onFault = (error: unknown): void => {
    log.warn('the usage of prompts could not be kept', { err: error });
  };
  const usage = openUsage(root, onFault);
  return {
    async open() {
      const result = loaded();
      // Whoever asks has looked for faults in the files before.
      if (!result.ok) throw new Error('Internal error: prompts are opened with a faulty configuration');
      const { openShelf } = await import('../prompts/shelf.ts');
      const { folders, settings } = promptPlaces(root, result);
      return openShelf(folders, settings);
    },
    turns: async (comparison) => (await usage.now()).turns[comparison] ?? 0,
    async count(use) {
      // What cannot be counted is given all the same.
      await usage.change((before) => counted(before, use)).catch(onFault);
    },
    boundary: () => randomBytes(8).toString('hex'),
    now: () => clock.now(),
    onBug: (error) => {
      log.error('a prompt broke off', { err: error });
    },
    heard(run, event) {
      if (event.kind !== 'step.completed' && event.kind !== 'run.completed') return;
      const { identity } = run;
      if (identity === null) return;
      const at = { feature: identity.feature, run: identity.run, at: event.at };
      usage.change((before) => movedOn(before, at)).catch(onFault);
    },
  };
}
