import { readFile } from 'node:fs/promises';
import type { RunPlace } from './place.ts';

/**
 * Whether the run is completed, with nothing left to do or to tell: its state file says so and is as new as the last line of
 * its journal, and nothing was ever rolled back. `false` whenever that cannot be told.
 */
export async function isOver({
  stateFile,
  journalFile,
}: Pick<RunPlace, 'stateFile' | 'journalFile'>): Promise<boolean> {
  try {
    const state: unknown = JSON.parse(await readFile(stateFile, 'utf8'));
    const journal = await readFile(journalFile, 'utf8');
    if (!journal.endsWith('\n') || journal.includes('"kind":"rollback.')) return false;
    const last: unknown = JSON.parse(journal.slice(journal.lastIndexOf('\n', journal.length - 2) + 1));
    return isRecord(state) && isRecord(last) && state['phase'] === 'completed' && state['sequence'] === last['seq'];
  } catch {
    return false;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
