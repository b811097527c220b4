import type { AuditRecord } from './record.ts';

/** How one operation did over all records that were looked at; durations in milliseconds. */
export interface OperationSummary {
  readonly operation: string;
  readonly calls: number;
  /** How many were refused or failed, by the code. */
  readonly failures: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

/** The figures of each operation that was called, the most called first. */
export function summaryOf(records: readonly AuditRecord[]): OperationSummary[] {
  const byOperation = new Map<string, { readonly durations: number[]; readonly failures: Map<string, number> }>();
  for (const record of records) {
    if (record.kind !== 'call') continue;
    const { operation, outcome, durationMs } = record;
    const known = byOperation.get(operation) ?? { durations: [], failures: new Map<string, number>() };
    byOperation.set(operation, known);
    known.durations.push(durationMs);
    if (outcome !== 'ok') known.failures.set(outcome, (known.failures.get(outcome) ?? 0) + 1);
  }
  return [...byOperation]
    .map(([operation, { durations, failures }]) => {
      const sorted = durations.sort((a, b) => a - b);
      return {
        operation,
        calls: sorted.length,
        failures: Object.fromEntries(failures),
        p50Ms: quantile(sorted, 0.5),
        p95Ms: quantile(sorted, 0.95),
        maxMs: sorted.at(-1) ?? 0,
      };
    })
    .sort((a, b) => b.calls - a.calls || a.operation.localeCompare(b.operation));
}

/** The smallest value that at least this part of all is not above. */
const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
