import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import type { AppPorts } from '../../src/app/ports.ts';
import type { Event } from '../../src/core/event.ts';
import type { LiveRun } from '../../src/engine/live-run.ts';
import { openRunLoop } from '../../src/engine/loop.ts';
import { runPlace } from '../../src/engine/place.ts';
import { RunUnavailable } from '../../src/engine/run-unavailable.ts';
import { T0, type Story } from '../rig/run.ts';

/** A workspace of runs whose loops are real and that nobody acts for, in a folder of its own. */
export interface PlayedWorkspace {
  readonly ports: AppPorts;
  live(feature: string): LiveRun;
  /** What has happened in the run since it was put in. */
  events(feature: string): Event[];
  /** From now on nothing can be written down; null: it can again. */
  breakDisk(why: string | null): void;
  readonly folder: string;
  dispose(): Promise<void>;
}

/** `broken`: features whose journal cannot be opened. */
export async function playedWorkspace(
  stories: Readonly<Record<string, Story>>,
  broken: readonly string[] = [],
): Promise<PlayedWorkspace> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'tmops-app-')));
  let refusal: string | null = null;
  const runs = new Map(
    Object.entries(stories).map(([feature, story]) => {
      const events: Event[] = [];
      const store = {
        append: (more: readonly Event[]) => {
          if (refusal !== null) return Promise.reject(new Error(refusal));
          events.push(...more);
          return Promise.resolve();
        },
      };
      const loop = openRunLoop(story.run, store, { ...systemClock(), now: () => T0 + 60_000 }, () => undefined);
      const place = runPlace(folder, feature, 'initial', () => 'checkpoints');
      const live: LiveRun = {
        loop,
        place,
        checkpoint: () => Promise.resolve(null),
        terminal: () => null,
        provider: () => null,
        setup: () => null,
        equip: () => undefined,
        endSession: () => Promise.resolve(),
        close: () => Promise.resolve(),
        events: (seq: number) => Promise.resolve([...story.events, ...events].filter((event) => event.seq > seq)),
      };
      return [feature, { live, events }];
    }),
  );
  const find = (feature: string) => {
    const found = runs.get(feature);
    if (!found) throw new Error(`There is no run of ${feature} in this test`);
    return found;
  };
  return {
    folder,
    live: (feature) => find(feature).live,
    events: (feature) => find(feature).events,
    breakDisk: (why) => {
      refusal = why;
    },
    ports: {
      clock: { ...systemClock(), now: () => T0 + 60_000 },
      files: {
        async write(path: string, text: string) {
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, text);
        },
      },
      features: () => Promise.resolve([...runs.keys(), ...broken].map((feature) => ({ feature, line: null }))),
      workspace: {
        live: (feature: string) =>
          broken.includes(feature)
            ? Promise.reject(new RunUnavailable('corrupt', 'journal.jsonl', 'line 3: no JSON'))
            : Promise.resolve(runs.get(feature)?.live ?? null),
      },
    } as unknown as AppPorts,
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
