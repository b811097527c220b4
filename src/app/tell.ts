import type { ConfigFault } from '../config/faults.ts';
import type { ChildEnd, InitProblem } from '../core/init.ts';
import type { Refusal } from '../core/request.ts';
import { RunUnavailable } from '../engine/workspace.ts';
import { JournalError } from '../journal/error.ts';
import { quoted } from './narrate.ts';
import type { ProblemView } from './views.ts';

/** The one place where refusals and problems become sentences: what failed, on which thing, and the next command. */

export function tellRefusal({ reason, received, allowed }: Refusal, feature: string): ProblemView {
  const told: Record<Refusal['reason'], [string, string]> = {
    'not-initialised': [`${feature} has not been initialised.`, `tmops init ${feature}`],
    'already-initialised': [`${feature} is initialised already.`, `tmops start ${feature}`],
    completed: [`The run of ${feature} is completed.`, `For a fresh run: tmops init ${feature} --run-type retry`],
    'not-running': [`${feature} is not running.`, `tmops start ${feature}`],
    'unknown-role': [`${feature} has no role ${quoted(received)}.`, `Its roles: ${allowed.join(', ')}.`],
    'unknown-prompt': [`${feature} has no prompt ${received}.`, `In doubt are: ${allowed.join(', ') || 'none'}.`],
    'prompt-not-in-doubt': [
      `Prompt ${received} of ${feature} is not in doubt.`,
      `In doubt are: ${allowed.join(', ') || 'none'}.`,
    ],
  };
  const [sentence, hint] = told[reason];
  return { code: reason, sentence, hint };
}

export const unknownFeature = (feature: string): ProblemView => ({
  code: 'unknown-feature',
  sentence: `There is no feature ${quoted(feature)} in this workspace.`,
  hint: `tmops init ${feature}, or tmops list for those there are`,
});

/** Errors that are expected of the world; null for a bug. */
export function tellError(error: unknown): ProblemView | null {
  if (error instanceof RunUnavailable) {
    const hint =
      error.kind === 'locked'
        ? 'Another supervisor holds this run; tmops doctor says which.'
        : `Move ${error.file} aside to begin its record anew; checkpoints and branch are kept.`;
    return {
      code: `journal-${error.kind}`,
      sentence: `The journal ${error.file} cannot be used: ${error.detail}.`,
      hint,
    };
  }
  if (error instanceof JournalError)
    return {
      code: 'disk',
      sentence: `${error.message}.`,
      hint: 'Make room or repair the permissions of .tmops; the run goes on from what is on disk.',
    };
  if (error instanceof Error && 'sentence' in error && 'hint' in error)
    return { code: 'refused-by-world', sentence: String(error.sentence), hint: String(error.hint) };
  return null;
}

/** Faults of configuration files, already pointing at their places. */
export function tellFaults(faults: readonly ConfigFault[], say: (fault: ConfigFault) => string): ProblemView {
  const sentence = faults.map(say).join('\n');
  return {
    code: 'configuration',
    sentence: `The configuration is not valid.\n${sentence}`,
    hint: 'Correct the place that is pointed at; docs/configuration.md lists every key.',
  };
}

type Tellers = {
  readonly [K in InitProblem['kind']]: (problem: Extract<InitProblem, { kind: K }>) => [string, string];
};

const INIT: Tellers = {
  'branch-blocked': (p) => [
    `Git cannot make the branch ${p.branch}: the branch ${p.by} is in its way.`,
    `Rename it: git branch -m ${p.by} ${p.by}-old`,
  ],
  'branch-elsewhere': (p) => [
    `The branch ${p.branch} is checked out in ${p.at}.`,
    `Leave it there first: git -C '${p.at}' switch --detach`,
  ],
  'worktree-other-branch': (p) => [
    `The worktree ${p.path} is on ${p.branch ?? 'no branch (a rebase or a detached head)'}.`,
    `Finish what is under way there, then run init again.`,
  ],
  'path-taken': (p) => [
    `${p.path} is taken by a ${p.what} that is not the feature's worktree.`,
    'Move it away, or set worktrees: in tmops.config.yaml to another place.',
  ],
  dirty: (p) => [
    `${p.path} has ${p.count} uncommitted changes (${p.files.slice(0, 5).join(', ')}).`,
    'Commit or stash them, or use isolation: worktree.',
  ],
  'worktree-locked': (p) => [
    `The worktree ${p.path} is locked (${quoted(p.reason)}).`,
    `git worktree unlock '${p.path}'`,
  ],
  'git-refused': (p) => [`Git refused at ${p.path}: ${quoted(p.why)}.`, 'tmops doctor'],
  'bad-name': (p) => [
    `${quoted(p.name)} is not a feature name.`,
    'Use 3 to 20 of the characters a-z, 0-9 and -, e.g. auth-api.',
  ],
  'in-the-way': (p) => [`${p.path} is a ${p.what}, where a ${p.wanted} belongs.`, 'Move it away and run init again.'],
  'link-out': (p) => [
    `The link ${p.path} leads to ${quoted(p.target)}, which is not a run of this feature.`,
    'Remove the link and run init again.',
  ],
  'no-run-to-retry': (p) => [`${p.feature} has no run to retry.`, `tmops init ${p.feature}`],
  'too-many-runs': (p) => [`${p.feature} has ${p.count} retries.`, `Remove old ones under .tmops/${p.feature}/runs.`],
  'no-template': (p) => [`The template ${p.file} is missing.`, 'Install tmops again.'],
  'script-failed': (p) => [
    `${p.argv.join(' ')} failed: ${endWord(p.end)}.`,
    'Repair what the script complains of and run init again.',
  ],
  'script-incomplete': (p) => [
    `${p.argv.join(' ')} ended well but did not make ${p.missing}.`,
    'Check the installation of the framework, or set paths.tmops_tools.',
  ],
  'wrong-branch': (p) => [
    `${p.path} is on ${p.branch ?? 'no branch'}, not on ${p.wanted}.`,
    `git -C '${p.path}' switch ${p.wanted}`,
  ],
  'setup-failed': (p) => [
    `The set-up command ${p.argv.join(' ')} failed in ${p.cwd}: ${endWord(p.end)}.`,
    'Repair it (project.setup_command) and run init again.',
  ],
};

export function tellInit(problem: InitProblem): ProblemView {
  const teller = INIT[problem.kind] as (problem: InitProblem) => [string, string];
  const [sentence, hint] = teller(problem);
  return { code: problem.kind, sentence, hint };
}

function endWord(end: ChildEnd): string {
  switch (end.kind) {
    case 'exited':
      return `exit code ${end.exitCode}, ${quoted(end.tail.slice(-150))}`;
    case 'killed':
      return `ended by ${end.signal}`;
    case 'timed-out':
      return `no end after ${Math.round(end.afterMs / 1000)} s`;
    case 'not-started':
      return quoted(end.why);
    default:
      return end satisfies never;
  }
}
