import { readFile } from 'node:fs/promises';
import { ProviderError } from './provider-error.ts';
import { processTable, type Process, type ProcessRow } from './process-table.ts';

/** After SIGKILL only the system itself can hold a process back. */
const KILLED_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 20;

/**
 * Ends an agent's process with everything it started: deepest first, SIGTERM, then after `graceMs` SIGKILL. Each process
 * is known by number and start time, so one that got a number since is never hit. Also ended are processes that lost
 * their parent but carry the agent's TMOPS_AGENT_DIR in their environment (where the system shows it: Linux); whoever
 * starts something that has to outlive the agent takes that variable out of its environment.
 * Resolves when all of them are gone, at once when none is there. Rejects with a ProviderError when one remains.
 */
export async function destroyTree(
  agent: { readonly agentDir: string; readonly process: Process | null },
  graceMs: number,
): Promise<void> {
  // Kept over the looks: a child whose parent ended meanwhile no longer shows where it came from.
  const doomed = new Map<number, ProcessRow>();
  const look = async (): Promise<ProcessRow[]> => {
    const table = await processTable();
    for (const row of await agentsOwn(table, agent, doomed)) doomed.set(row.pid, row);
    return deepestFirst(stillThere(doomed, table), table);
  };

  const signalled = new Set<string>();
  const terminate = (rows: readonly ProcessRow[]): void => {
    for (const row of rows.filter((candidate) => !signalled.has(keyOf(candidate)))) {
      signalled.add(keyOf(row));
      signal(row.pid, 'SIGTERM');
    }
  };
  if (await goneWithin(graceMs, look, terminate)) return;
  const kill = (rows: readonly ProcessRow[]): void => {
    for (const row of rows) signal(row.pid, 'SIGKILL');
  };
  if (await goneWithin(KILLED_WITHIN_MS, look, kill)) return;
  const left = (await look()).map((row) => row.pid).join(', ');
  throw new ProviderError({
    reason: 'process',
    sentence: `Process ${left} of the agent in ${agent.agentDir} did not end, not even by SIGKILL.`,
    hint: 'See what holds it: ps -o pid,stat,wchan,args -p ' + left,
  });
}

async function goneWithin(
  withinMs: number,
  look: () => Promise<ProcessRow[]>,
  act: (rows: readonly ProcessRow[]) => void,
): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const rows = await look();
    if (rows.length === 0) return true;
    if (performance.now() >= deadline) return false;
    act(rows);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** The root, what descends from anything doomed, and the marked orphans; never this process or one above it. */
async function agentsOwn(
  table: readonly ProcessRow[],
  agent: { readonly agentDir: string; readonly process: Process | null },
  doomed: ReadonlyMap<number, ProcessRow>,
): Promise<ProcessRow[]> {
  const spared = lineage(process.pid, table);
  const roots = new Set(stillThere(doomed, table).map((row) => row.pid));
  for (const row of table) {
    if (row.pid === agent.process?.pid && row.startTime === agent.process.startTime) roots.add(row.pid);
  }
  const marked = await Promise.all(table.map((row) => carriesMark(row, agent.agentDir)));
  table.forEach((row, index) => {
    if (marked[index] === true) roots.add(row.pid);
  });
  return table.filter((row) => !spared.has(row.pid) && [...lineage(row.pid, table)].some((pid) => roots.has(pid)));
}

/** The process with its parents, up to the first. */
function lineage(pid: number, table: readonly ProcessRow[]): Set<number> {
  const parents = new Map(table.map((row) => [row.pid, row.parent]));
  const found = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && at > 0 && !found.has(at); at = parents.get(at))
    found.add(at);
  return found;
}

/** A tmux server started from within an agent holds the panes of others: it is never the agent's own. */
async function carriesMark(row: ProcessRow, agentDir: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const environment = await readOrEmpty(`/proc/${row.pid}/environ`);
  if (!environment.split('\0').includes(`TMOPS_AGENT_DIR=${agentDir}`)) return false;
  return !(await readOrEmpty(`/proc/${row.pid}/comm`)).startsWith('tmux');
}

async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // Gone meanwhile, or somebody else's, hence not started by our agent.
    if (
      error instanceof Error &&
      'code' in error &&
      ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(String(error.code))
    ) {
      return '';
    }
    throw error;
  }
}

function stillThere(doomed: ReadonlyMap<number, ProcessRow>, table: readonly ProcessRow[]): ProcessRow[] {
  return table.filter((row) => doomed.get(row.pid)?.startTime === row.startTime);
}

function deepestFirst(rows: readonly ProcessRow[], table: readonly ProcessRow[]): ProcessRow[] {
  const depth = new Map(rows.map((row) => [row.pid, lineage(row.pid, table).size]));
  return [...rows].sort((one, other) => (depth.get(other.pid) ?? 0) - (depth.get(one.pid) ?? 0));
}

function keyOf(row: ProcessRow): string {
  return `${row.pid} ${row.startTime}`;
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended since it was looked at.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
