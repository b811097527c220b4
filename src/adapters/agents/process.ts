import { constants } from 'node:os';
import { join } from 'node:path';
import type { AgentHandle, Exit } from '../../core/agent.ts';
import { readTextOrNull } from '../../files/regular.ts';
import { startTimeOf, type Process } from './process-table.ts';

type AgentFolder = Pick<AgentHandle, 'agentDir'>;

/** The program's process as the launcher recorded it, alive or not; null while nothing is recorded. */
export async function recordedProcess(agent: AgentFolder): Promise<Process | null> {
  const text = await readTextOrNull(join(agent.agentDir, 'process'));
  const [first = '', second = ''] = (text ?? '').split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
  if (!/^[1-9][0-9]*$/.test(first)) return null;
  const pid = Number(first);
  if (second !== '') return { pid, startTime: second };
  const startTime = await startTimeOf(pid);
  return startTime.kind === 'alive' ? { pid, startTime: startTime.startTime } : null;
}

/** How the program ended, as the launcher wrote it; `unknown` while nothing is written. */
export async function recordedExit(agent: AgentFolder): Promise<Exit> {
  const text = await readTextOrNull(join(agent.agentDir, 'exit'));
  const found = /^(code|signal) ([0-9]+)$/.exec((text ?? '').trim());
  if (found === null) return { kind: 'unknown' };
  const number = Number(found[2]);
  return found[1] === 'code' ? { kind: 'code', code: number } : { kind: 'signal', signal: signalName(number) };
}

/** Whether that very process is alive: another one that got its number since does not count. */
export async function alive(process: Process): Promise<'alive' | 'gone' | 'unknown'> {
  const now = await startTimeOf(process.pid);
  if (now.kind !== 'alive') return now.kind;
  return now.startTime === process.startTime ? 'alive' : 'gone';
}

function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `SIG${number}`;
}
