import type { StopSignal } from '../link/stopper.ts';
import type { Asker } from './principal.ts';
import type { InputOf, OperationKey, OutputOf } from './table.ts';
import type { ProblemView } from './views.ts';

export type Answer<K extends OperationKey> =
  /** `json` is the output as JSON, where that is at hand. */
  | { readonly ok: true; readonly output: OutputOf<K>; readonly json?: string }
  | { readonly ok: false; readonly problem: ProblemView };
export type Handler<K extends OperationKey> = (
  input: InputOf<K>,
  asker: Asker,
  signal: StopSignal,
) => Promise<Answer<K>>;
