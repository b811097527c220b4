import { quantile } from '../rig/mcp-speed.ts';

/** What a row has to keep to; in the row's unit. */
export interface Goal {
  readonly p50?: number;
  readonly p95?: number;
  readonly max?: number;
}

/** One line of the table. Figures are ms unless `unit` says otherwise. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly samples: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly goal: string;
  /** null where there is no goal, or nothing was measured. */
  readonly met: boolean | null;
  readonly note: string;
}

export interface About {
  readonly goal?: Goal;
  readonly unit?: string;
  /** What it takes by hand, or what is in the figure. */
  readonly note?: string;
}

/** How much is measured: everything, or just enough to see that it runs. */
export interface Extent {
  readonly quick: boolean;
}

export function rowOf(
  name: string,
  samples: readonly number[],
  { goal = {}, unit = 'ms', note = '' }: About = {},
): Row {
  const figures = { p50: quantile(samples, 0.5), p95: quantile(samples, 0.95), max: quantile(samples, 1) };
  const limits = Object.entries(goal) as [keyof Goal, number][];
  return {
    name,
    unit,
    samples: samples.length,
    ...figures,
    goal: limits.map(([part, limit]) => `${part} ≤ ${round(limit)}`).join(', '),
    met: limits.length === 0 || samples.length === 0 ? null : limits.every(([part, limit]) => figures[part] <= limit),
    note,
  };
}

/** The rows as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.name,
    row.unit,
    String(row.samples),
    ...[row.p50, row.p95, row.max].map((figure) => (row.samples === 0 ? '-' : String(round(figure)))),
    row.goal,
    row.met === null ? '' : row.met ? 'yes' : 'NO',
    row.note,
  ]);
  const head = ['row', 'unit', 'samples', 'p50', 'p95', 'max', 'goal', 'met', 'note'];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const round = (figure: number): number => Number(figure.toPrecision(figure < 100 ? 3 : 4));
