import type { Run } from './run.ts';
import type { Workflow } from './workflow.ts';

/** `undo`: what was taken back is put back. */
export type Direction = 'back' | 'undo';

/** A project as it is or was, in three layers: a commit, and commits or trees that hold the index and the files. */
export interface Trees {
  readonly head: string;
  readonly index: string;
  readonly files: string;
}

/** Work that is, or was, taken back to the beginning of a step, or put back again. */
export interface Rollback {
  readonly number: number;
  readonly direction: Direction;
  readonly step: string;
  readonly at: number;
  readonly by: string;
  readonly why: string;
  readonly from: Trees;
  readonly to: Trees;
  /** Files of the run's folder that go into the archive. */
  readonly checkpoints: readonly string[];
  readonly workflow: Workflow | null;
  /** What held before, for undoing it. */
  readonly before: Pick<Run, 'done' | 'checks' | 'approved' | 'void' | 'points' | 'askedFrom'> & {
    readonly isCompleted: boolean;
  };
  /** Why it could not be finished; null while it is under way. */
  readonly failed: string | null;
  readonly undone: boolean;
}

/** Facts about work that is taken back. */
export type RollbackFact =
  /**
   * The project is to be put from `from`, which is kept, to `to`, and the `checkpoints` (files of the run's folder) into the
   * archive of that number. Nothing is typed and no step begins until it is done.
   */
  | {
      readonly kind: 'rollback.began';
      readonly number: number;
      readonly direction: Direction;
      readonly step: string;
      readonly by: string;
      readonly why: string;
      readonly from: Trees;
      readonly to: Trees;
      readonly checkpoints: readonly string[];
    }
  /**
   * `commit`: what was put on the branch; null when there was nothing to commit. `late`: the ref that keeps the files once
   * more, where they were changed after they were kept and before they were touched.
   */
  | {
      readonly kind: 'rollback.done';
      readonly number: number;
      readonly direction: Direction;
      readonly commit: string | null;
      readonly late: string | null;
    }
  | { readonly kind: 'rollback.failed'; readonly number: number; readonly why: string }
  | { readonly kind: 'rollback.retried'; readonly number: number; readonly by: string };
