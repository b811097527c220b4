import * as z from 'zod';
import { readTextOrNull } from '../files/regular.ts';
import { bootId, startTimeOf } from '../journal/holder.ts';
import { supervisorPlace } from './places.ts';

const HOLDER = z.object({ pid: z.number(), startTime: z.string(), boot: z.string() });

/** Process id of the supervisor of this workspace: who holds its lock and is alive. Null when there is none. */
export async function runningSupervisor(root: string): Promise<number | null> {
  const text = (await readTextOrNull(supervisorPlace(root).lockFile)) ?? '';
  // Empty for a moment while it is being taken.
  if (text === '') return null;
  const { pid, startTime, boot } = HOLDER.parse(JSON.parse(text));
  const started = await startTimeOf(pid);
  if (started.kind === 'gone' || boot !== (await bootId())) return null;
  return started.kind === 'unknown' || startTime === '' || started.startTime === startTime ? pid : null;
}
