import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LivingAgent } from '../../core/gc.ts';
import { foldersIn } from '../../files/folders.ts';
import { codeOf } from '../../files/refused.ts';
import { recordedProcess } from './process.ts';
import { processTable, startTimeOf, type Process, type ProcessRow } from './process-table.ts';

export interface RecordedAgent extends LivingAgent {
  readonly agentDir: string;
  readonly process: Process;
}

/** The agents that the folders of a feature's runs name and that are alive: number and start time are as recorded. */
export async function livingAgents(featureDir: string): Promise<readonly RecordedAgent[]> {
  const table = new Map((await processTable()).map((row) => [row.pid, row]));
  const found: RecordedAgent[] = [];
  for (const run of await foldersIn(join(featureDir, 'runs')))
    for (const role of await foldersIn(join(featureDir, 'runs', run, 'agents'))) {
      const agentDir = join(featureDir, 'runs', run, 'agents', role);
      const process = await recordedProcess({ agentDir });
      if (process === null || table.get(process.pid)?.startTime !== process.startTime) continue;
      found.push({ run, role, agentDir, process, hasPane: await isBelowTmux(process.pid, table) });
    }
  return found;
}

/** The process with this number now; null when there is none. Rejects when the system does not tell. */
export async function processOf(pid: number): Promise<Process | null> {
  const started = await startTimeOf(pid);
  if (started.kind === 'unknown') throw new Error(`it cannot be told whether process ${pid} is there`);
  return started.kind === 'alive' ? { pid, startTime: started.startTime } : null;
}

/** Where the system does not tell names of processes, each counts as below one. */
async function isBelowTmux(pid: number, table: ReadonlyMap<number, ProcessRow>): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  for (let at = table.get(pid); at !== undefined && at.pid > 1; at = table.get(at.parent))
    if ((await nameOf(at.pid)).startsWith('tmux')) return true;
  return false;
}

async function nameOf(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/comm`, 'utf8');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ESRCH') throw error;
    return '';
  }
}
