import { lstat, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { mustBeInPlace } from '../files/in-place.ts';
import { flushFolder } from '../files/write-whole.ts';
import { makeFolder } from '../journal/atomic.ts';
import type { Direction } from '../core/rolled-back.ts';
import type { RunPlace } from './place.ts';

/** What a move of reports is about. Names are those of `reportsFrom` in core/rollback.ts. */
export interface ReportMove {
  readonly number: number;
  readonly direction: Direction;
  /** Go into the archive of this move. */
  readonly going: readonly string[];
  /** Come back from the archive of the rollback; none unless it is undone. */
  readonly coming: readonly string[];
}

/** Where a report belongs. */
export const reportPath = (place: RunPlace, report: string): string =>
  dirname(report) === 'checkpoints' ? join(place.checkpointsDir, basename(report)) : join(place.runDir, report);

/** The archive of one move, absolute. */
export const archiveOf = (place: RunPlace, direction: Direction, number: number): string =>
  join(place.runDir, '.archive', `${direction === 'back' ? 'rollback' : 'undo'}-${String(number).padStart(3, '0')}`);

export async function reportsThere(place: RunPlace, reports: readonly string[]): Promise<readonly string[]> {
  const there = await Promise.all(reports.map((report) => isThere(reportPath(place, report))));
  return reports.filter((_, index) => there[index]);
}

/**
 * Moves reports into the archive and out of it. Which ones was settled before, so that one that is where it should be is
 * told from one that still has to go, also when a crash came between. One that somebody wrote meanwhile is never replaced.
 */
export async function moveReports(place: RunPlace, { number, direction, going, coming }: ReportMove): Promise<void> {
  const archive = archiveOf(place, direction, number);
  for (const report of going) await moveOnce(reportPath(place, report), join(archive, report));
  for (const report of coming)
    await moveOnce(join(archiveOf(place, 'back', number), report), reportPath(place, report));
}

async function moveOnce(from: string, to: string): Promise<void> {
  if (!(await isThere(from)) || (await isThere(to))) return;
  await mustBeInPlace(dirname(from));
  await makeFolder(dirname(to));
  await rename(from, to);
  await flushFolder(dirname(to));
  await flushFolder(dirname(from));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
