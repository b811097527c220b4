import { join } from 'node:path';
import * as z from 'zod';
import type { Activity, AgentHandle } from '../../core/agent.ts';
import { configDirOf, readOrNull } from './claude-files.ts';
import { jsonOrNull } from './json.ts';
import { alive, recordedProcess } from './process.ts';
import type { Process } from './process-table.ts';

const UNKNOWN: Activity = { kind: 'unknown' };

/**
 * What `sessions/<pid>.json` in Claude Code's folder says. The file is not documented and stays behind after a kill, so
 * it counts only for a living process, and only when it was written by that very one.
 */
export async function claudeActivity(agent: Pick<AgentHandle, 'agentDir' | 'process'>): Promise<Activity> {
  const process = agent.process ?? (await recordedProcess(agent));
  const configDir = await configDirOf(agent.agentDir);
  if (process === null || configDir === null || (await alive(process)) !== 'alive') return UNKNOWN;
  const text = await readOrNull(join(configDir, 'sessions', `${process.pid}.json`));
  return text === null ? UNKNOWN : readActivity(text, process);
}

const SESSION = z.object({
  pid: z.number(),
  procStart: z.string().optional(),
  status: z.enum(['idle', 'busy', 'waiting']),
  waitingFor: z.string().catch('an answer'),
});

/** A file that is being written, or from a release that writes it differently, says nothing. */
export function readActivity(text: string, process: Process): Activity {
  const read = SESSION.safeParse(jsonOrNull(text));
  if (!read.success || isAnothers(read.data, process)) return UNKNOWN;
  const { status, waitingFor } = read.data;
  return status === 'waiting' ? { kind: 'waiting', waitingFor } : { kind: status };
}

/** Start times can be compared where both are clock ticks (Linux); elsewhere the number has to do. */
function isAnothers(session: z.infer<typeof SESSION>, process: Process): boolean {
  if (session.pid !== process.pid) return true;
  const ticks = [session.procStart ?? '', process.startTime];
  return ticks.every((text) => /^[0-9]+$/.test(text)) && session.procStart !== process.startTime;
}
