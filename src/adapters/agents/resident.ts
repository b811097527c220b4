import { residentTable, type Process, type ResidentRow } from './process-table.ts';

/**
 * What each process holds in memory together with all that descends from it, in bytes: the sum of their resident set sizes,
 * so that what they share is counted for each. Null for a process that is not there any more. Rejects when the system does
 * not tell.
 */
export async function residentIn(processes: readonly Process[]): Promise<readonly (number | null)[]> {
  if (processes.length === 0) return [];
  const table = await residentTable();
  const children = new Map<number, ResidentRow[]>();
  for (const row of table) {
    const siblings = children.get(row.parent);
    if (siblings) siblings.push(row);
    else children.set(row.parent, [row]);
  }
  const known = new Map(table.map((row) => [row.pid, row]));
  return processes.map(({ pid, startTime }) => {
    const root = known.get(pid);
    return root?.startTime === startTime ? sumBelow(root, children) : null;
  });
}

function sumBelow(root: ResidentRow, children: ReadonlyMap<number, readonly ResidentRow[]>): number {
  let bytes = 0;
  const seen = new Set<number>();
  const open = [root];
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    if (seen.has(row.pid)) continue;
    seen.add(row.pid);
    bytes += row.bytes();
    open.push(...(children.get(row.pid) ?? []));
  }
  return bytes;
}
