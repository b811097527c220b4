import { join } from 'node:path';
import { readOrNull } from './disk.ts';
import { isRunName, type FeaturePaths } from './paths.ts';

/** What an initialisation is doing: left behind when it is cut short, so that the next one carries on with the same run. */
export interface Mark {
  readonly runType: 'initial' | 'retry';
  readonly run: string;
  readonly previous: string | null;
}

/** Its file in the folder `FeaturePaths.mark`. */
export const MARK_FILE = 'order.json';

/** The mark of an initialisation that did not end; null when there is none or it cannot be read. */
export async function readMark(paths: FeaturePaths): Promise<Mark | null> {
  const bytes = await readOrNull(join(paths.mark, MARK_FILE));
  return bytes === null ? null : parseMark(bytes.toString('utf8'));
}

function parseMark(text: string): Mark | null {
  const seen = parsed(text);
  if (typeof seen !== 'object' || seen === null) return null;
  if (!('runType' in seen) || !('run' in seen) || !('previous' in seen)) return null;
  const { runType, run, previous } = seen;
  if (runType !== 'initial' && runType !== 'retry') return null;
  if (typeof run !== 'string' || !isRunName(run)) return null;
  if (previous !== null && (typeof previous !== 'string' || !isRunName(previous))) return null;
  return { runType, run, previous };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}
