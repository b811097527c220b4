import type { Rollback } from '../core/rolled-back.ts';
import type { ProblemView } from './views.ts';

/** What a rollback that could not be finished says. */
export const rollbackFailed = (
  feature: string,
  { direction, step, failed }: Pick<Rollback, 'direction' | 'step' | 'failed'>,
): ProblemView => ({
  code: 'rollback-failed',
  sentence: `The ${direction === 'back' ? `rollback to ${step}` : 'undoing of the rollback'} could not be finished: ${failed ?? ''}.`,
  hint:
    direction === 'back'
      ? `Repair that, then go on: tmops rollback ${feature} --to ${step}; or take it back: tmops rollback ${feature} --undo`
      : `Repair that, then go on: tmops rollback ${feature} --undo`,
});
