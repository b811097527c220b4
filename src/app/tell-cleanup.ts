import type { CleanupProblem } from '../core/cleanup.ts';
import { quoted } from './narrate.ts';
import type { ProblemView } from './views.ts';

/** Why a feature is not put away. Nothing was touched then. */
export function tellCleanup(problem: CleanupProblem, feature: string): ProblemView {
  const [sentence, hint] = words(problem, `tmops cleanup ${feature}`);
  return { code: `cleanup-${problem.kind}`, sentence, hint };
}

function words(problem: CleanupProblem, again: string): [string, string] {
  switch (problem.kind) {
    case 'dirty':
      return [
        `${problem.path} has ${problem.count} files that are not committed: ${named(problem.files, problem.count)}.`,
        `Commit them there, or let them go: ${again} --discard, which keeps them under a ref first. In the project's root they are never discarded.`,
      ];
    case 'worktree-locked':
      return [
        `The worktree ${problem.path} is locked (${quoted(problem.reason)}).`,
        `git worktree unlock '${problem.path}'`,
      ];
    case 'in-the-way':
      return [
        `${problem.path} is ${problem.what === 'absent' ? 'missing' : `a ${problem.what}`}, where a ${problem.wanted} belongs.`,
        `Put it right, then ${again}`,
      ];
    case 'under-way':
      return [
        `A ${problem.what} is under way in ${problem.path}.`,
        `Finish it or break it off there first: git -C '${problem.path}' status`,
      ];
    case 'submodules':
      return [
        `${problem.path} has submodules, whose commits would go with it.`,
        `Push them, remove the worktree by hand (git worktree remove --force '${problem.path}'), then ${again}`,
      ];
    case 'not-merged':
      return [
        `${problem.branch} has ${problem.count} commits that the project's present branch has not: ${named(
          problem.commits.map(({ commit, subject }) => `${commit.slice(0, 12)} ${quoted(subject)}`),
          problem.count,
        )}.`,
        `Merge it, keep the branch (without --delete-branch), or ${again} --delete-branch --discard, which keeps them under a ref.`,
      ];
    case 'branch-in-use':
      return [
        `The branch ${problem.branch} is checked out in ${problem.at} and cannot be deleted.`,
        `Leave it there first (git -C '${problem.at}' switch <another>), or keep it: ${again}`,
      ];
    default:
      return problem satisfies never;
  }
}

const SHOWN = 10;
const named = (list: readonly string[], count: number): string =>
  `${list.slice(0, SHOWN).join(', ')}${count > SHOWN ? ` and ${count - SHOWN} more` : ''}`;
