import { troublesOf, type Trouble } from '../core/conflict.ts';
import type { BranchStand, Conflict, LogEntry, Move, Stashed } from '../core/conflicted.ts';
import type { Refusal } from '../core/request.ts';
import type { Run } from '../core/run.ts';
import { quoted } from './narrate.ts';
import { iso } from './status-panes.ts';
import type { ConflictView, ProblemView, StashView } from './views.ts';

/** What others did to the branch, in words. Names and subjects come from git and are quoted, never woven in. */

const short = (commit: string): string => commit.slice(0, 12);
const SHOWN_FILES = 5;
const listed = (files: readonly string[], count: number): string =>
  `${files.slice(0, SHOWN_FILES).map(quoted).join(', ')}${count > SHOWN_FILES ? ` and ${count - SHOWN_FILES} more` : ''}`;
const logged = (log: LogEntry | null): string =>
  log === null ? '' : ` (git notes ${log.what === '' ? '' : `${quoted(log.what)} `}by ${quoted(log.by)})`;
/** Whatever is noted of a lock has lasted long enough. */
const EVER = Number.MAX_SAFE_INTEGER;

const troubles = (run: Run, { stand }: Conflict): Trouble[] => troublesOf(run, stand, EVER);

/** Each thing that stands otherwise than the run left it, as a sentence. */
export function conflictSentences(run: Run, conflict: Conflict): string[] {
  const { worktree = '', branch = '' } = run.identity ?? {};
  const { stand } = conflict;
  const { move } = stand;
  return [
    ...(move ? movedSentences(branch, move) : []),
    ...troubles(run, conflict).flatMap((each) => standingSentence(each, stand, { worktree, branch }) ?? []),
  ];
}

function movedSentences(branch: string, move: Move): string[] {
  const { from, to, kind, elsewhere, log, commits, commitCount, files, fileCount } = move;
  const where = elsewhere ? ' by a git outside of its worktree' : '';
  const what =
    kind === 'rewritten'
      ? `${branch} was rewritten${where}: ${short(from)}, where it was, is not below ${short(to)}, where it is now`
      : `${branch} was moved${where} from ${short(from)} to ${short(to)}`;
  const newest = commits[0];
  const made = newest
    ? `: ${quoted(newest.subject)} by ${quoted(newest.by)}${commitCount > 1 ? ', the newest' : ''}`
    : '';
  return [
    `${what}${logged(log)}.`,
    ...(commitCount > 0 ? [`New ${commitCount === 1 ? 'is 1 commit' : `are ${commitCount} commits`}${made}.`] : []),
    ...(fileCount > 0 ? [`Files: ${listed(files, fileCount)}.`] : []),
  ];
}

function standingSentence(
  trouble: Trouble,
  { head, headLog, underWay, lockedSince }: BranchStand,
  { worktree, branch }: { readonly worktree: string; readonly branch: string },
): string | null {
  switch (trouble) {
    case 'no-branch':
      return `The branch ${branch} is not there any more.`;
    case 'other-branch':
      return `${worktree} is on ${head.branch ?? `no branch, at ${short(head.commit)}`}, not on ${branch}${logged(headLog)}.`;
    case 'under-way':
      return `A ${underWay ?? ''} is not finished in ${worktree}.`;
    case 'locked':
      return `A git has held the index of ${worktree} since ${lockedSince === null ? '' : iso(lockedSince)}, or left it locked.`;
    case 'rewritten':
    case 'moved-elsewhere':
    case 'foreign-commits':
      return null;
    default:
      return trouble satisfies never;
  }
}

/** The ways on, each with what it does. */
export function conflictOffers(run: Run, conflict: Conflict): { command: string; does: string }[] {
  const feature = run.identity?.feature ?? '';
  const isWhole = troubles(run, conflict).every((each) => MOVES.has(each));
  const offer = (how: string, does: string) => ({ command: `tmops conflict ${feature} ${how}`, does });
  return [
    ...(isWhole && !conflict.settling?.kept
      ? [offer('accept', 'takes branch and files as they are now, and goes on')]
      : []),
    offer('stash', 'keeps what was changed under a ref, puts branch and files back, and goes on'),
    offer('abort', 'stops the run and touches nothing'),
  ];
}

const MOVES: ReadonlySet<Trouble> = new Set<Trouble>(['rewritten', 'moved-elsewhere', 'foreign-commits']);

const offersWord = (run: Run, conflict: Conflict): string =>
  conflictOffers(run, conflict)
    .map(({ command, does }) => `${command} ${does}`)
    .join('; ');

export function conflictProblem(run: Run): ProblemView[] {
  const { conflict, identity } = run;
  if (!conflict) return [];
  const failed = conflict.settling?.failed ?? null;
  if (failed !== null)
    return [
      {
        code: 'conflict-failed',
        sentence: `What others did to ${identity?.branch ?? ''} could not be put aside: ${failed}.`,
        hint: `Repair that; then ${offersWord(run, conflict)}`,
      },
    ];
  if (conflict.settling) return [];
  const undo = `Or put it back yourself, and it goes on: git -C '${identity?.worktree ?? ''}' status`;
  return [
    {
      code: 'branch-conflict',
      sentence: conflictSentences(run, conflict).join(' '),
      hint: `${offersWord(run, conflict)}. ${undo}`,
    },
  ];
}

/** What a run waits for that has a conflict. */
export const conflictWaits = ({ identity }: Run, { settling }: Conflict): string =>
  settling?.failed === null
    ? `What others did to ${identity?.branch ?? ''} is being put aside.`
    : `Others changed ${identity?.branch ?? ''}; it waits for somebody to say what becomes of that: tmops conflict ${identity?.feature ?? ''} accept, stash or abort.`;

export function conflictView(run: Run): ConflictView {
  const { conflict } = run;
  if (!conflict) return null;
  const { number, at, known, stand, settling } = conflict;
  return {
    number,
    since: iso(at),
    what: troubles(run, conflict),
    from: known?.tip ?? null,
    to: stand.tip,
    underWay: stand.underWay,
    sentences: conflictSentences(run, conflict),
    commits: (stand.move?.commits ?? []).map((each) => ({ ...each })),
    files: [...(stand.move?.files ?? [])],
    fileCount: stand.move?.fileCount ?? 0,
    state: settling === null ? 'open' : settling.failed === null ? 'being-put-aside' : 'failed',
    offers: conflictOffers(run, conflict).map(({ command }) => command),
  };
}

/** Where something that was put aside is, and what brings it back. */
export function stashView(run: Run, { number, at, ref, branch, stash }: Stashed): StashView {
  const git = `git -C '${run.identity?.worktree ?? ''}'`;
  return {
    number,
    at: iso(at),
    ref,
    stash,
    branch,
    restore: [
      ...(stash === null ? [] : [`${git} stash apply --index ${ref}-stash`]),
      ...(branch === null ? [] : [`${git} log ${ref}-branch`]),
    ],
  };
}

export const stashesView = (run: Run): StashView[] => run.stashes.map((each) => stashView(run, each));

type ConflictReason = Extract<
  Refusal['reason'],
  'branch-conflict' | 'no-conflict' | 'conflict-being-settled' | 'branch-unfinished'
>;

/** Why something cannot be while others have changed the branch, or a conflict cannot be settled so. */
export const conflictWords = (
  received: string,
  allowed: readonly string[],
  feature: string,
): Record<ConflictReason, [string, string]> => ({
  'branch-conflict': [
    `Others changed the branch of ${feature}, and it is not said what becomes of that.`,
    `tmops why ${feature} says what was changed; then: tmops conflict ${feature} ${allowed.join('|')}`,
  ],
  'no-conflict': [`Nobody else has changed the branch of ${feature}.`, `tmops status ${feature}`],
  'conflict-being-settled': [
    `What others did to the branch of ${feature} is half put aside.`,
    `tmops conflict ${feature} stash brings it to its end; tmops status ${feature} shows how it stands.`,
  ],
  'branch-unfinished': [
    `The worktree of ${feature} cannot be gone on from as it is: ${unfinishedWord(received, allowed)}.`,
    `Finish that, or break it off, in the worktree (git status says how), then again; or: tmops conflict ${feature} stash`,
  ],
});

/** `what`: what is wrong with the worktree, as the core calls it. */
function unfinishedWord(received: string, what: readonly string[]): string {
  if (what.includes('no-branch')) return 'its branch is not there';
  if (what.includes('under-way')) return `a ${received} is not finished`;
  if (what.includes('locked')) return 'another git holds its index';
  return received === 'detached' ? 'it is on no branch' : `it is on ${quoted(received)}`;
}
