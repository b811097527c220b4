import { quantile } from '../rig/mcp-speed.ts';
import { rowOf, type Row } from './row.ts';

/** Two servers that are asked in turn. Each gives how long its answer took, in milliseconds. */
export interface Pair {
  readonly ours: () => Promise<number>;
  readonly bare: () => Promise<number>;
}

export interface Beside {
  readonly ours: readonly number[];
  readonly bare: readonly number[];
}

/** Asks both in turn, first some times that do not count, so that both are warm and the machine is the same for both. */
export async function askInTurn({ ours, bare }: Pair, count: number): Promise<Beside> {
  const samples = { ours: [] as number[], bare: [] as number[] };
  for (let n = -Math.min(300, count); n < count; n += 1) {
    const [bareMs, oursMs] = [await bare(), await ours()];
    if (n < 0) continue;
    samples.bare.push(bareMs);
    samples.ours.push(oursMs);
  }
  return samples;
}

/** Against the goal of twice the bare server, and a millisecond more at p95. */
export function besideRows(names: { readonly ours: string; readonly bare: string }, { ours, bare }: Beside): Row[] {
  const goal = { p50: 2 * quantile(bare, 0.5), p95: 2 * quantile(bare, 0.95) + 1 };
  return [rowOf(names.ours, ours, { goal, note: 'goal: 2 × bare (+ 1 ms at p95)' }), rowOf(names.bare, bare)];
}
