import type { Direction, Trees } from './event.ts';
import type { Run } from './run.ts';
import type { Workflow } from './workflow.ts';

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
