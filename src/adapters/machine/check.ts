/** What was found of one thing that tmops needs, and what mends it; `fix` holds commands and plain words, null when all is well. */
export interface Check {
  readonly name: string;
  /** `missing` stops tmops from working; `warning` only may. */
  readonly state: 'ok' | 'warning' | 'missing';
  readonly found: string;
  readonly fix: string | null;
}

/** A check before it has its name. */
export type Verdict = Omit<Check, 'name'>;

export const ok = (found: string): Verdict => ({ state: 'ok', found, fix: null });
export const warning = (found: string, fix: string | null): Verdict => ({ state: 'warning', found, fix });
export const missing = (found: string, fix: string): Verdict => ({ state: 'missing', found, fix });
