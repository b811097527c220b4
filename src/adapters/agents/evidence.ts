import { lstatSync, watch, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentNews, Evidence } from '../../core/agent.ts';
import { untilBeat } from '../../core/beat.ts';
import { makePrivateFolder, mustBeInPlace } from '../../files/in-place.ts';
import { readRegular } from '../../files/regular.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { withLimitEnd } from './limit-end.ts';

/** What one event's text says. */
export type Parsed =
  | { readonly news: AgentNews }
  /** An event that is no news to us. */
  | { readonly ignored: string }
  /** Not an event at all. */
  | { readonly problem: string };

export interface EvidenceWatch {
  readonly agentDir: string;
  /** Only evidence with a greater id is handed over; '' for all. */
  readonly after: string;
  readonly take: (evidence: Evidence) => void;
  readonly parse: (text: string) => Parsed;
  /** Told once for each file that is skipped, and each time the folder cannot be read. */
  readonly onProblem?: (problem: { readonly file: string; readonly why: string }) => void;
  /** Takes secrets out of the text of a report. Its file is written anew where there were any; what is told of it is as it was. */
  readonly hide?: (text: string) => string;
  /** How often to look without having been notified (default 5,000 ms). */
  readonly rescanMs?: number;
}

/** Files larger than this are skipped; config/hook.sh cuts events off far below. */
const LARGEST_EVENT_BYTES = 1024 * 1024;

/** `<19 digits: ns since the epoch>-<process id>.json`, so names sort by time. */
const EVENT_FILE = /^([0-9]{13})[0-9]{6}-[0-9]+\.json$/;

/**
 * Hands over each event file of the agent's folder: those that are there, oldest first, before the promise resolves,
 * then each new one as it appears. A file is handed over once. The function it resolves with ends the watch; it waits
 * for a look that is under way, and nothing is handed over afterwards.
 */
export async function watchEvidence(order: EvidenceWatch): Promise<() => Promise<void>> {
  const folder = join(order.agentDir, 'events');
  await makePrivateFolder(folder);

  const seen = new Set<string>();
  let ended = false;
  const stopped = (): boolean => ended;
  const report = (file: string, why: string): void => order.onProblem?.({ file, why });

  // Of the folder at the last look that came to its end.
  let known = '';
  const look = oneAtATime(async () => {
    const stamp = stampOf(folder);
    const files = stopped() ? [] : await unseen(folder, order.after, seen);
    for (const file of files) {
      const found = await readEvent(join(folder, file), order);
      if (stopped()) return;
      seen.add(file);
      if ('problem' in found) report(file, found.problem);
      else if ('news' in found) order.take(withLimitEnd({ id: idOf(file), atMs: timeOf(file), news: found.news }));
    }
    known = stamp;
  });
  const lookAndReport = async (): Promise<void> => {
    try {
      await look();
    } catch (error) {
      report(folder, whyOf(error));
    }
  };

  // Watching begins before the first look, so that nothing falls between the two.
  const ask = (): void => void lookAndReport();
  let blind = false;
  const watcher = notified(folder, ask, (why) => {
    blind = true;
    report(folder, why);
  });
  const stopRescan = atEachBeat(order.rescanMs ?? 5_000, () => {
    const stamp = stampOf(folder);
    if (blind || stamp === '' || stamp !== known) ask();
  });
  await lookAndReport();

  return async () => {
    ended = true;
    stopRescan();
    watcher?.close();
    await lookAndReport();
  };
}

/** Runs `work` never twice at once. Asked while it runs, it runs once more afterwards, however often it was asked. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const begin = (): Promise<void> => {
    next = null;
    running = work().finally(() => {
      running = null;
    });
    return running;
  };
  return () => {
    if (running === null) return begin();
    next ??= running.then(begin, begin);
    return next;
  };
}

/** Calls `work` again and again until the function that it returns is called. */
function atEachBeat(paceMs: number, work: () => void): () => void {
  let timer: NodeJS.Timeout;
  const plan = (): void => {
    timer = setTimeout(
      () => {
        work();
        plan();
      },
      untilBeat(Date.now(), paceMs),
    );
  };
  plan();
  return () => {
    clearTimeout(timer);
  };
}

/** Longer than the coarsest step of file times that is common (Linux: 4 to 10 ms). */
const TIME_STEP_MS = 100;

/**
 * Changes with every file that is put into the folder. '' when that cannot be said: it could not be looked at, or the next
 * file might leave its time as it is. Synchronous, since forty agents have one each, and a thread would cost far more.
 */
function stampOf(folder: string): string {
  try {
    const { dev, ino, mtimeMs, mtimeNs } = lstatSync(folder, { bigint: true });
    return Math.abs(Date.now() - Number(mtimeMs)) < TIME_STEP_MS ? '' : `${dev}-${ino}-${mtimeNs}`;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return '';
  }
}

async function unseen(folder: string, after: string, seen: ReadonlySet<string>): Promise<string[]> {
  await mustBeInPlace(folder);
  const names = await readdir(folder);
  return names.filter((name) => EVENT_FILE.test(name) && idOf(name) > after && !seen.has(name)).sort();
}

async function readEvent(path: string, { parse, hide }: EvidenceWatch): Promise<Parsed> {
  try {
    const text = (await readRegular(path, LARGEST_EVENT_BYTES)).toString('utf8');
    const clean = hide?.(text) ?? text;
    if (clean !== text) await writeWhole(path, clean);
    return parse(text);
  } catch (error) {
    return { problem: whyOf(error) };
  }
}

/** Null where the system cannot notify: the slow look remains. */
function notified(folder: string, look: () => void, failed: (why: string) => void): FSWatcher | null {
  try {
    const watcher = watch(folder, look);
    watcher.on('error', (error) => {
      failed(`not notified any more: ${whyOf(error)}`);
    });
    return watcher;
  } catch (error) {
    failed(`not notified: ${whyOf(error)}`);
    return null;
  }
}

function idOf(file: string): string {
  return file.slice(0, -'.json'.length);
}

function timeOf(file: string): number {
  return Number(EVENT_FILE.exec(file)?.[1]);
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
