import type { Caller } from '../link/protocol.ts';
import type { InputOf, OperationKey, OutputOf } from './table.ts';
import type { ProblemView } from './views.ts';

export type Answer<K extends OperationKey> =
  { readonly ok: true; readonly output: OutputOf<K> } | { readonly ok: false; readonly problem: ProblemView };
export type Handler<K extends OperationKey> = (
  input: InputOf<K>,
  caller: Caller,
  signal: AbortSignal,
) => Promise<Answer<K>>;
