import type { AdoptProblem } from '../core/adopt.ts';
import type { ConfigFault } from '../config/faults.ts';
import { diskRemedy, isDiskCode } from '../core/disk-remedy.ts';
import type { ChildEnd, InitProblem } from '../core/init.ts';
import type { Refusal } from '../core/request.ts';
import type { AnswerProblem } from '../engine/answer.ts';
import { RunUnavailable } from '../engine/run-unavailable.ts';
import { JournalError } from '../journal/error.ts';
import { quoted } from './narrate.ts';
import { conflictWords } from './tell-conflict.ts';
import { tellUnavailable } from './tell-unavailable.ts';
import type { ProblemView } from './views.ts';

/** The one place where refusals and problems become sentences: what failed, on which thing, and the next command. */

export function tellRefusal({ reason, received, allowed }: Refusal, feature: string): ProblemView {
  const told: Record<Refusal['reason'], [string, string]> = {
    ...rollbackWords(received, allowed, feature),
    'not-initialised': [`${feature} has not been initialised.`, `tmops init ${feature}`],
    'already-initialised': [`${feature} is initialised already.`, `tmops start ${feature}`],
    completed: [`The run of ${feature} is completed.`, `For a fresh run: tmops init ${feature} --run-type retry`],
    'not-running': [`${feature} is not running.`, `tmops start ${feature}`],
    queued: [
      `${feature} waits in the queue and has not begun.`,
      `tmops why ${feature} says for what; tmops stop ${feature} takes it out.`,
    ],
    'not-to-interrupt': [
      `The ${quoted(received)} of ${feature} is in no turn that took too long.`,
      `tmops why ${feature}`,
    ],
    'unknown-role': [`${feature} has no role ${quoted(received)}.`, `Its roles: ${allowed.join(', ')}.`],
    'unknown-prompt': [`${feature} has no prompt ${received}.`, `In doubt are: ${allowed.join(', ') || 'none'}.`],
    'prompt-not-in-doubt': [
      `Prompt ${received} of ${feature} is not in doubt.`,
      `In doubt are: ${allowed.join(', ') || 'none'}.`,
    ],
    'unknown-step': [`${feature} has no step ${quoted(received)}.`, `Its steps: ${allowed.join(', ')}.`],
    'not-the-present-step': [
      `${quoted(received)} is not the present step of ${feature}.`,
      `The present step is ${allowed.join(', ')}; to go back to an earlier one: tmops redo ${feature} --step <step>.`,
    ],
    'step-not-done': [
      `${feature} has not done ${received === '' ? 'any step' : `the step ${quoted(received)}`} yet.`,
      allowed.length > 0 ? `Done are: ${allowed.join(', ')}.` : `tmops status ${feature} shows where it is.`,
    ],
    'nothing-to-approve': [`Nothing of ${feature} waits for an approval.`, `tmops why ${feature}`],
    'nothing-to-reject': [`Nothing of ${feature} waits at a gate.`, `tmops why ${feature}`],
    'no-dialog': [
      `The ${quoted(received)} of ${feature} asks nothing that is known of.`,
      `tmops status ${feature} shows the questions there are.`,
    ],
    'dialog-changed': [
      `It asks something else by now (${quoted(received)}); nothing was answered.`,
      `Look at it first: tmops status ${feature}. Its choices: ${choicesWord(allowed)}.`,
    ],
    'no-such-choice': [`${quoted(received)} is none of its choices.`, `Its choices: ${choicesWord(allowed)}.`],
    'has-conversation': [
      `The ${received} of ${feature} has a conversation of its own already.`,
      `tmops start ${feature} goes on with it.`,
    ],
    ...conflictWords(received, allowed, feature),
    held: [
      `The pane is held by a human, or ${feature} is paused.`,
      `tmops give ${feature}, or tmops resume ${feature}`,
    ],
  };
  const [sentence, hint] = told[reason];
  return { code: reason, sentence, hint };
}

type RollbackReason = Extract<
  Refusal['reason'],
  | 'unknown-phase'
  | 'step-ahead'
  | 'rolling-back'
  | 'nothing-to-undo'
  | 'agent-at-work'
  | 'pane-held'
  | 'prompt-under-way'
  | 'step-at-work'
>;

/** Why no work is taken back or put back now. */
const rollbackWords = (
  received: string,
  allowed: readonly string[],
  feature: string,
): Record<RollbackReason, [string, string]> => ({
  'unknown-phase': [
    `${feature} has no step or role ${quoted(received)}.`,
    `Its steps and roles: ${allowed.join(', ')}.`,
  ],
  'step-ahead': [
    `${feature} has not come to the step ${quoted(received)} yet.`,
    `It can go back to: ${allowed.join(', ')}.`,
  ],
  'rolling-back': [
    allowed[0] === 'undo'
      ? `A rollback of ${feature} is being undone.`
      : `${feature} is being rolled back to ${quoted(received)}.`,
    `tmops status ${feature} says how that stands.`,
  ],
  'nothing-to-undo': [`${feature} has no rollback that could be undone.`, `tmops events ${feature}`],
  'agent-at-work': [
    `The ${received} of ${feature} is at work and would write on into what is taken back.`,
    `tmops pause ${feature} and wait until its turn has ended, or tmops stop ${feature} to end it; then again.`,
  ],
  'pane-held': [`A human holds the ${received}'s pane of ${feature}.`, `tmops give ${feature} ${received}`],
  'prompt-under-way': [
    `Prompt ${received} for the ${allowed[0] ?? ''} of ${feature} is being typed.`,
    `tmops status ${feature} says what became of it; where it is in doubt: tmops settle ${feature} ${received} delivered`,
  ],
  'step-at-work': [
    `The step ${quoted(received)} of ${feature} is being checked or carried out in the project's files.`,
    `tmops wait ${feature} until that has ended, or tmops stop ${feature}; then again.`,
  ],
});

const choicesWord = (choices: readonly string[]): string => choices.map(quoted).join(', ') || 'none';

/** Why a dialog was not answered. `role`: whose it is. */
export function tellAnswer(problem: AnswerProblem, feature: string, role: string): ProblemView {
  const teller = ANSWER[problem.kind] as (problem: AnswerProblem, feature: string, role: string) => [string, string];
  const [sentence, hint] = teller(problem, feature, role);
  return { code: `answer-${problem.kind}`, sentence, hint };
}

type AnswerTellers = {
  readonly [K in AnswerProblem['kind']]: (
    problem: Extract<AnswerProblem, { kind: K }>,
    feature: string,
    role: string,
  ) => [string, string];
};

const inPane = (feature: string): string => `Answer it in the pane: tmops attach ${feature}`;

const ANSWER: AnswerTellers = {
  'no-pane': (_, feature, role) => [`The ${role} of ${feature} has no pane now.`, `tmops start ${feature}`],
  'not-seen': (p, feature, role) => [
    `The ${role}'s pane could not be read: ${p.why}.`,
    `tmops read-pane ${feature} ${role}`,
  ],
  'in-copy-mode': (_, _feature, role) => [
    `Somebody reads the ${role}'s pane in copy mode; nothing was pressed.`,
    'Leave the mode there (q).',
  ],
  'dialog-gone': (_, feature, role) => [
    `The ${role} asks nothing any more; nothing was answered.`,
    `tmops status ${feature}`,
  ],
  'in-the-pane': (p, feature) => [
    `The question (${p.dialog}) cannot be answered from here: ${p.why}.`,
    inPane(feature),
  ],
  'takes-text': (p, feature) => [`${quoted(p.choice)} takes a text, which cannot be given from here.`, inPane(feature)],
  'several-choices': (p) => [
    'More than one of its choices is called like that.',
    `Give the label with its number: ${choicesWord(p.choices)}.`,
  ],
  'mark-stays': (p, feature) => [`The mark does not leave ${quoted(p.marked)}; nothing was answered.`, inPane(feature)],
  'not-pressed': (p, feature) => [`The answer could not be given: ${p.why}.`, inPane(feature)],
};

/** Why a feature that was begun by hand is not taken up. */
export function tellAdopt(problem: AdoptProblem, feature: string): ProblemView {
  const teller = ADOPT[problem.kind] as (problem: AdoptProblem, feature: string) => [string, string];
  const [sentence, hint] = teller(problem, feature);
  return { code: `adopt-${problem.kind}`, sentence, hint };
}

type AdoptTellers = {
  readonly [K in AdoptProblem['kind']]: (
    problem: Extract<AdoptProblem, { kind: K }>,
    feature: string,
  ) => [string, string];
};

const ADOPT: AdoptTellers = {
  'no-folder': (p, feature) => [`There is no run of ${feature}: ${p.path} is missing.`, `tmops init ${feature}`],
  'no-current': (p, feature) => [
    `The link ${p.path}, which says which run it is, leads to none.`,
    p.runs.length === 0
      ? `tmops init ${feature}`
      : `Its runs: ${p.runs.join(', ')}. Choose one: ln -sfn runs/${p.runs.at(-1) ?? ''} '${p.path}'`,
  ],
  'in-the-way': (p) => [`${p.path} is a ${p.what}, where a ${p.wanted} belongs.`, 'Put it right first.'],
  'link-out': (p) => [
    `The link ${p.path} leads to ${quoted(p.target)}, which is not a run of this feature.`,
    'Point it at one of the folders in runs.',
  ],
  'no-branch': (p) => [
    `There is no branch ${p.branch}${p.noted === null || p.noted === p.branch ? '' : `, nor ${p.noted}, which FEATURES.txt names`}.`,
    `Make it from where the work is: git branch ${p.branch}`,
  ],
  'not-checked-out': (p) => [
    `The branch ${p.branch} is checked out nowhere, so that there is no place to work in.`,
    `git -C '${p.root}' switch ${p.branch}, or: git worktree add <folder> ${p.branch}`,
  ],
  'not-linked': (p) => [
    `${p.link} does not lead to the ${p.target} of the root; agents find their files by it.`,
    `ln -s '${p.target}' '${p.link}'`,
  ],
  'pane-twice': (p) => [`The pane ${p.pane} is named for more than one role.`, 'Give each role a pane of its own.'],
  'pane-gone': (p) => [`There is no pane ${p.pane} with a program in it.`, 'tmux list-panes -a shows those there are.'],
  'no-conversation': (p) => [
    `No conversation was found in the pane ${p.pane}.`,
    `A Claude Code has to run there in which something was said; without the pane the ${p.role} begins a new one.`,
  ],
  'works-elsewhere': (p) => [
    `The ${p.role}'s conversation works in ${p.cwd}, and the feature in ${p.worktree}.`,
    `Start it there, or adopt the feature without it: the ${p.role} begins a new one then.`,
  ],
};

export const unknownFeature = (feature: string): ProblemView => ({
  code: 'unknown-feature',
  sentence: `There is no feature ${quoted(feature)} in this workspace.`,
  hint: `tmops init ${feature}, tmops adopt ${feature} where it was begun by hand, or tmops list for those there are`,
});

/** Errors that are expected of the world; null for a bug. */
export function tellError(error: unknown): ProblemView | null {
  if (error instanceof RunUnavailable) return tellUnavailable(error);
  if (error instanceof JournalError) return diskRefuses(error.message, error.code, error.path);
  if (error instanceof Error && 'sentence' in error && 'hint' in error)
    return { code: 'refused-by-world', sentence: String(error.sentence), hint: String(error.hint) };
  return systemError(error);
}

/** A system call that the machine refused; its message names the call and the path. Null for any other error. */
function systemError(error: unknown): ProblemView | null {
  if (!(error instanceof Error) || !('code' in error) || !('path' in error)) return null;
  const { code, path } = error;
  if (typeof code !== 'string' || typeof path !== 'string' || !isDiskCode(code)) return null;
  return diskRefuses(error.message, code, path);
}

const diskRefuses = (message: string, code: string, path: string): ProblemView => ({
  code: 'disk',
  sentence: `${message}.`,
  hint: `${diskRemedy(code, path)}. Then call again; a run goes on by itself.`,
});

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
