import type { RollbackProblem } from '../engine/rollback.ts';
import type { TreeObstacle } from '../engine/ports.ts';
import { tellRefusal } from './tell.ts';
import type { ProblemView } from './views.ts';

const SHOWN = 5;
const named = (files: readonly string[]): string =>
  `${files.slice(0, SHOWN).join(', ')}${files.length > SHOWN ? ` and ${files.length - SHOWN} more` : ''}`;

/** Why work is not taken back, or not put back. Nothing was touched then. */
export function tellRollback(problem: RollbackProblem, feature: string, worktree: string): ProblemView {
  switch (problem.kind) {
    case 'refused':
      return tellRefusal(problem.refusal, feature);
    case 'obstacle': {
      const [sentence, hint] = obstacleWords(problem.obstacle, feature, worktree);
      return { code: `rollback-${problem.obstacle.kind}`, sentence, hint };
    }
    case 'no-point':
      return {
        code: 'rollback-no-point',
        sentence: `It is not known how the project of ${feature} was when ${problem.step} began: the run was begun by hand.`,
        hint: `tmops redo ${feature} --step ${problem.step} opens the step and leaves the files as they are.`,
      };
    case 'unclear':
      return {
        code: 'rollback-unclear',
        sentence: `How the project of ${feature} was when ${problem.step} began was not kept (evidence.enabled was false), and earlier steps may have written ${named(problem.files)}.`,
        hint: `Go back to an earlier step, or put the files right by hand and: tmops redo ${feature} --step ${problem.step}`,
      };
    default:
      return problem satisfies never;
  }
}

function obstacleWords(obstacle: TreeObstacle, feature: string, worktree: string): [string, string] {
  const redo = `tmops redo ${feature} --step <step> leaves files and branch as they are.`;
  switch (obstacle.kind) {
    case 'no-worktree':
      return [`The working tree ${obstacle.path} of ${feature} is not there.`, `tmops init ${feature} makes it again.`];
    case 'other-branch':
      return [
        `${worktree} is on ${obstacle.branch ?? 'no branch'}, not on ${obstacle.wanted}.`,
        `git -C '${worktree}' switch ${obstacle.wanted}`,
      ];
    case 'under-way':
      return [
        `A ${obstacle.what} is under way in ${worktree}.`,
        `Finish it or break it off there first: git -C '${worktree}' status`,
      ];
    case 'conflicts':
      return [`${worktree} has conflicts that are not resolved: ${named(obstacle.files)}.`, 'Resolve them first.'];
    case 'rewritten':
      return [
        `The branch was rewritten: ${obstacle.since.slice(0, 12)}, where the step began, is not below it any more, so that its work cannot be told from other work.`,
        `Put the files right by hand; ${redo}`,
      ];
    case 'merged':
      return [
        `The branch took in other work since the step began (merge ${obstacle.commit.slice(0, 12)}), which cannot be told from that of the steps.`,
        `Put the files right by hand; ${redo}`,
      ];
    default:
      return obstacle satisfies never;
  }
}
