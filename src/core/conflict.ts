import type { BranchStand, Conflict, ConflictRequest } from './conflicted.ts';
import type { Fact } from './event.ts';
import type { Refusal, Request } from './request.ts';
import { holderOf, openPrompts, presentStep, upAgents, type Run } from './run.ts';
import { launches, notRunning } from './steer.ts';
import { isAgentStep } from './workflow.ts';

/** Who may move the feature's branch, and what becomes of a run whose branch was moved by others. Nothing looks at git here. */

const KINDS: ReadonlySet<string> = new Set<ConflictRequest['kind']>([
  'branch-seen',
  'accept-branch',
  'stash-branch',
  'abort-on-branch',
  'branch-kept',
  'branch-put-right',
  'branch-not-put-right',
]);
export const isConflictRequest = (request: Request): request is ConflictRequest => KINDS.has(request.kind);

/** How long a git may hold the index while nobody of the run is at work. In ms. */
export const LOCKED_AFTER_MS = 10_000;

/** What is wrong. The first four are brought about by others also while the run is at work; see `troublesOf`. */
export type Trouble =
  'rewritten' | 'moved-elsewhere' | 'foreign-commits' | 'no-branch' | 'other-branch' | 'under-way' | 'locked';

/**
 * Whether somebody of the run may be committing: an agent in a turn, a module, or a human who holds a pane. What they do
 * to the branch is the run's work, as long as it builds on what was there before.
 */
export function isAtWork(run: Run): boolean {
  const inTurn = upAgents(run).some(({ state }) => state.kind === 'busy' || state.kind === 'asking');
  const held = Object.keys(run.holders).some((role) => holderOf(run, role).kind === 'human');
  return inTurn || held || isModuleAtWork(run);
}

function isModuleAtWork(run: Run): boolean {
  const step = presentStep(run)?.step;
  const began = run.life.kind === 'running' && run.life.stepBeganAt !== null;
  return step !== undefined && !isAgentStep(step) && began && run.moduleFailure === null;
}

/**
 * What speaks against the run's going on, as the branch stands; empty when nothing does. History from before the present
 * turn is nobody's to rewrite, and nobody moves the branch from outside of the worktree; commits on top are foreign if
 * it was watched and none of the run was at work since the branch was known; what the worktree has checked out, and what is
 * unfinished in it, counts once nobody is at work.
 */
export function troublesOf(run: Run, stand: BranchStand, at: number): Trouble[] {
  const worked = run.conflict ? run.conflict.worked : run.branch.worked || isAtWork(run) || isUnseen(run);
  const { move } = stand;
  const moved: Trouble[] = [];
  if (move?.kind === 'rewritten') moved.push('rewritten');
  if (move?.elsewhere) moved.push('moved-elsewhere');
  if (move?.kind === 'ahead' && !move.elsewhere && !worked) moved.push('foreign-commits');
  return run.conflict === null && isAtWork(run) ? moved : [...moved, ...standing(run, stand, at)];
}

/** Nobody watched until now: whoever committed in the worktree did so by hand, as the framework has it done without tmops. */
const isUnseen = ({ life }: Run): boolean => life.kind === 'running' && !life.surveyed;

function standing({ identity }: Run, { tip, head, underWay, lockedSince }: BranchStand, at: number): Trouble[] {
  const found: Trouble[] = [];
  if (tip === null) found.push('no-branch');
  // A rebase and a bisection take the worktree off its branch while they last.
  else if (head.branch !== identity?.branch && underWay !== 'rebase' && underWay !== 'bisection')
    found.push('other-branch');
  if (underWay !== null) found.push('under-way');
  if (lockedSince !== null && at - lockedSince >= LOCKED_AFTER_MS) found.push('locked');
  return found;
}

export function decideConflict(run: Run, request: ConflictRequest, at: number): Fact[] | Refusal {
  switch (request.kind) {
    case 'branch-seen':
      return run.life.kind === 'running' && run.rollback === null ? seen(run, request, at) : [];
    case 'accept-branch':
      return accept(run, request, at);
    case 'stash-branch':
      return stash(run, request.by);
    case 'abort-on-branch':
      return abort(run, request.by);
    case 'branch-kept':
      return settlingOf(run, request.number)?.kept === null
        ? [{ kind: 'conflict.kept', number: request.number, kept: request.kept }]
        : [];
    case 'branch-put-right':
      return settlingOf(run, request.number)?.failed === null ? putRight(run, request) : [];
    case 'branch-not-put-right':
      return settlingOf(run, request.number)?.failed === null
        ? [{ kind: 'conflict.failed', number: request.number, why: request.why }]
        : [];
    default:
      return request satisfies never;
  }
}

const settlingOf = ({ conflict }: Run, number: number): Conflict['settling'] =>
  conflict?.number === number ? conflict.settling : null;

/** What is being put aside, or could not be, is not looked at as somebody else's doing. */
const isBeingSettled = ({ conflict }: Run): boolean => conflict !== null && conflict.settling !== null;

function seen(run: Run, request: Seen, at: number): Fact[] {
  const { conflict } = run;
  const { stand } = request;
  if (isBeingSettled(run) || isOutdated(run, stand)) return [];
  const troubles = troublesOf(run, stand, at);
  if (troubles.length === 0) return conflict ? over(run, conflict) : ownWork(run, request);
  if (conflict)
    return JSON.stringify(conflict.stand) === JSON.stringify(stand)
      ? []
      : [{ kind: 'conflict.found', number: conflict.number, stand }];
  const found: Fact = { kind: 'conflict.found', number: run.conflictCount + 1, stand };
  return run.paused ? [found] : [found, { kind: 'run.paused', by: 'tmops', why: 'the branch was changed by others' }];
}

/** It was held against another commit than the one that counts by now. */
function isOutdated({ conflict, branch }: Run, { tip, move }: BranchStand): boolean {
  const known = (conflict ? conflict.known : branch.known)?.tip;
  if (known === undefined || tip === null) return move !== null;
  return move ? move.from !== known : tip !== known;
}

type Seen = Extract<ConflictRequest, { kind: 'branch-seen' }>;

/** Whoever brought it about has taken it back: the run goes on. */
const over = (run: Run, { number, paused }: Conflict): Fact[] => [
  { kind: 'conflict.over', number },
  ...(paused && run.paused ? [{ kind: 'run.resumed', by: 'tmops' } as const] : []),
];

/** What a turn did is known once the turn is over: until then it may still be amended. */
function ownWork(run: Run, { stand: { tip }, wasQuiet, files, asOf }: Seen): Fact[] {
  if (!wasQuiet || tip === null) return [];
  const { known, worked } = run.branch;
  const isNews = worked || known?.tip !== tip || (files !== null && known.files !== files);
  return isNews ? [{ kind: 'branch.known', tip, files, asOf }] : [];
}

const NO_CONFLICT: Refusal = { reason: 'no-conflict', received: 'conflict', allowed: [] };

function accept(run: Run, request: Extract<ConflictRequest, { kind: 'accept-branch' }>, at: number): Fact[] | Refusal {
  const { conflict } = run;
  if (run.life.kind !== 'running') return notRunning(run, 'accept');
  if (!conflict) return NO_CONFLICT;
  if (conflict.settling?.failed === null || conflict.settling?.kept)
    return { reason: 'conflict-being-settled', received: String(conflict.number), allowed: ['stash'] };
  const unfinished = standing(run, request.stand, at);
  if (unfinished.length > 0 || request.stand.tip === null)
    return { reason: 'branch-unfinished', received: unfinishedWord(request.stand), allowed: unfinished };
  const { by, files, spareIds } = request;
  const { tip } = request.stand;
  return [
    { kind: 'conflict.settled', number: conflict.number, how: 'accept', by, tip, files, late: null },
    ...goesOn(run, conflict, by, spareIds),
  ];
}

/** What an accepted branch must not be in the middle of. */
const unfinishedWord = ({ underWay, head, tip }: BranchStand): string =>
  tip === null ? 'no branch' : (underWay ?? head.branch ?? 'detached');

function goesOn(run: Run, { paused }: Conflict, by: string, spareIds: Readonly<Record<string, string>>): Fact[] {
  return paused && run.paused ? [{ kind: 'run.resumed', by }, ...launches(run, spareIds)] : [];
}

function stash(run: Run, by: string): Fact[] | Refusal {
  const { conflict } = run;
  if (run.life.kind !== 'running') return notRunning(run, 'stash');
  if (!conflict) return NO_CONFLICT;
  // Asked twice: it is under way.
  if (conflict.settling?.failed === null) return [];
  return notYet(run) ?? [{ kind: 'conflict.settling', number: conflict.number, by }];
}

/** Who would write on into what is put aside. */
function notYet(run: Run): Refusal | null {
  const up = upAgents(run);
  const busy = up.find(({ state }) => state.kind === 'busy' || state.kind === 'asking');
  if (busy) return { reason: 'agent-at-work', received: busy.role, allowed: [] };
  const held = Object.keys(run.holders).find((role) => holderOf(run, role).kind === 'human');
  if (held !== undefined) return { reason: 'pane-held', received: held, allowed: [] };
  const typed = up.flatMap(({ role }) => openPrompts(run, role)).find(({ stage }) => stage.kind !== 'wanted');
  if (typed) return { reason: 'prompt-under-way', received: String(typed.id), allowed: [typed.role] };
  return isModuleAtWork(run)
    ? { reason: 'step-at-work', received: presentStep(run)?.step.id ?? '', allowed: [] }
    : null;
}

/** With `git.on_conflict: stash` it is put aside without being asked, as soon as nobody is at work; once. */
export function settledByItself(run: Run): Fact[] {
  const { conflict, settings } = run;
  if (!conflict || conflict.settling || settings?.onConflict !== 'stash' || notYet(run)) return [];
  return [{ kind: 'conflict.settling', number: conflict.number, by: 'tmops' }];
}

/** The work of a turn that fell between is in the stash as well: its step, and those after it, are asked for anew. */
function putRight(
  run: Run,
  { number, late, spareIds }: Extract<ConflictRequest, { kind: 'branch-put-right' }>,
): Fact[] {
  const { conflict } = run;
  if (!conflict?.settling) return [];
  const { known, settling, worked } = conflict;
  const { tip, files } = known ?? { tip: null, files: null };
  const again = worked ? known?.step : null;
  const reopened: Fact[] =
    again != null && run.workflow?.steps.some(({ id }) => id === again)
      ? [{ kind: 'step.reopened', step: again, by: settling.by, why: 'its work was put aside with the conflict' }]
      : [];
  return [
    ...reopened,
    { kind: 'conflict.settled', number, how: 'stash', by: settling.by, tip, files, late },
    ...goesOn(run, conflict, settling.by, spareIds),
  ];
}

function abort(run: Run, by: string): Fact[] | Refusal {
  const { conflict } = run;
  if (run.life.kind !== 'running') return notRunning(run, 'abort');
  if (!conflict) return NO_CONFLICT;
  const { number } = conflict;
  return [
    { kind: 'conflict.settled', number, how: 'abort', by, tip: null, files: null, late: null },
    { kind: 'run.stopped', by, why: 'the branch was changed by others' },
  ];
}
