import { join } from 'node:path';
import { parseSavedSetup, type SavedSetup } from '../core/saved-setup.ts';
import { readTextOrNull } from '../files/regular.ts';
import type { RunPlace } from './place.ts';
import { RunUnavailable } from './run-unavailable.ts';

export const setupFile = (place: RunPlace): string => join(place.runDir, 'agents', 'setup.json');

/** Rejects with RunUnavailable, or with what `readRegular` refuses. */
export async function readSetup(place: RunPlace): Promise<SavedSetup> {
  const file = setupFile(place);
  const text = await readTextOrNull(file);
  if (text === null) throw new RunUnavailable('unequipped', file, 'it is not there');
  const saved = parseSavedSetup(text);
  if (!saved.ok) throw new RunUnavailable('unequipped', file, saved.why);
  return saved.setup;
}
