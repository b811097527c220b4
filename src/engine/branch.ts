import { untilBeat } from '../core/beat.ts';
import { isAtWork, troublesOf } from '../core/conflict.ts';
import type { BranchStand } from '../core/conflicted.ts';
import type { Event } from '../core/event.ts';
import type { Run } from '../core/run.ts';
import type { RunLoop } from './loop.ts';
import type { BranchKeeper, BranchMark } from './branch-ports.ts';
import type { Clock, Stop } from './ports.ts';

/** How often it is asked whether git has changed anything: three times of files, and no process. In ms. */
const MARK_EVERY_MS = 3_000;
/** How long what is unfinished has to last: git itself merges and rebases within a moment. In ms. */
const STANDS_FOR_MS = 1_000;

export interface BranchWatch {
  /** Looks now, whatever has changed, and reports it. */
  readonly look: () => Promise<void>;
  readonly stop: Stop;
}

export interface BranchParts {
  readonly loop: RunLoop;
  readonly keeper: BranchKeeper;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** After these the run's own work is done, or begins anew: how the branch stands then is kept. */
const LOOKED_AFTER: ReadonlySet<Event['kind']> = new Set([
  'agent.turn-ended',
  'agent.exited',
  'pane.given',
  'run.started',
  'module.failed',
  'step.completed',
  'step.skipped',
  'rollback.done',
  'conflict.settled',
  'conflict.over',
]);
/** Before these somebody is about to begin: what others did until now is theirs. */
const MARKED_BEFORE: ReadonlySet<Event['kind']> = new Set([
  'check.wanted',
  'step.began',
  'prompt.wanted',
  'pane.taken',
]);

/** Where the run's branch is kept as it is known: the working tree, on top of the branch. */
export const knownName = ({ identity }: Run): string => `${identity?.feature ?? ''}/${identity?.run ?? ''}/known`;

/** Watches the branch of a run and what its worktree has checked out, until stopped. Reports; the run decides. */
export function keepBranch(parts: BranchParts): BranchWatch {
  const { loop, clock, keeper, onError } = parts;
  const ended = new AbortController();
  const isOver = (): boolean => ended.signal.aborted;
  let nap = new AbortController();
  const isLookDue = (): boolean => next.due === 'look';
  const next: { due: 'look' | 'mark' } = { due: 'mark' };
  let seen: BranchMark | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  const wake = (what: 'look' | 'mark'): void => {
    if (what === 'look') next.due = 'look';
    nap.abort();
  };
  const unsubscribe = loop.subscribe((_run, events) => {
    if (events.some(({ kind }) => LOOKED_AFTER.has(kind))) wake('look');
    else if (events.some(({ kind }) => MARKED_BEFORE.has(kind))) wake('mark');
  });

  /** One after the other: what one keeps must not be replaced by what the next one sees. */
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    const acted = turn.then(act);
    turn = Promise.allSettled([acted]);
    return acted;
  };
  const lookNow = async (): Promise<void> => {
    const { identity } = loop.run();
    if (!identity || isOver()) return;
    // Taken before: what changes while it is looked at is looked at again.
    const mark = await keeper.mark(identity.worktree, identity.branch);
    seen = (await lookAtBranch(parts, ended.signal)) ? mark : null;
  };
  const markNow = async (): Promise<void> => {
    const { identity } = loop.run();
    if (!identity || isOver() || !isWatched(loop.run())) return;
    const mark = await keeper.mark(identity.worktree, identity.branch);
    // In a turn each git of the agent touches the worktree's own state; only the branch says something then.
    const isSame = mark.branch === seen?.branch && (isAtWork(loop.run()) || mark.tree === seen.tree);
    if (!isSame) await lookNow();
  };

  // Not before it was asked for once: whoever does that has taken up first what the agents reported.
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const keep = async (): Promise<void> => {
    await begun;
    while (!isOver()) {
      const what = next.due;
      next.due = 'mark';
      await inTurn(what === 'look' ? lookNow : markNow).catch(onError);
      if (isLookDue() || isOver()) continue;
      nap = new AbortController();
      await clock.sleep(untilBeat(clock.now(), MARK_EVERY_MS), nap.signal);
    }
  };
  const keeping = keep();
  return {
    look: () => inTurn(lookNow).finally(begin),
    async stop() {
      ended.abort();
      nap.abort();
      begin();
      unsubscribe();
      await keeping;
      await turn;
    },
  };
}

const isWatched = ({ life, rollback, conflict }: Run): boolean =>
  life.kind === 'running' && rollback === null && !(conflict?.settling && conflict.settling.failed === null);

/** False where it has to be looked at again although nothing may change until then: it is not settled yet. */
async function lookAtBranch({ loop, keeper, clock }: BranchParts, ended: AbortSignal): Promise<boolean> {
  const run = loop.run();
  if (!isWatched(run) || !run.identity) return true;
  const { worktree } = run.identity;
  const wasQuiet = !isAtWork(run);
  const stand = await standOf(run, keeper);
  const troubles = troublesOf(run, stand, clock.now());
  const isSettled = stand.lockedSince === null;
  if (troubles.length > 0 && run.conflict === null && isPassing(troubles)) {
    await clock.sleep(STANDS_FOR_MS, ended);
    if (ended.aborted || !same(await standOf(loop.run(), keeper), stand)) return false;
  }
  const isNews = run.branch.worked || run.branch.known?.tip !== stand.tip || run.branch.known.files === null;
  const isOurs = troubles.length === 0 && run.conflict === null && wasQuiet && isNews && isSettled;
  const { tip } = stand;
  const files = isOurs && tip !== null ? await keeper.keep(worktree, { name: knownName(run), tip }) : null;
  // Somebody has committed in this very moment.
  if (isOurs && files === null) return false;
  if (!ended.aborted)
    await loop.submit({ kind: 'branch-seen', stand, wasQuiet: wasQuiet && isSettled, files, asOf: run.seq });
  return isSettled;
}

const standOf = (run: Run, keeper: BranchKeeper): Promise<BranchStand> =>
  keeper.stand(run.identity?.worktree ?? '', {
    branch: run.identity?.branch ?? '',
    known: (run.conflict ? run.conflict.known : run.branch.known)?.tip ?? null,
  });

/** The branch is moved at the end of what git does; all else may be the middle of it. */
const isPassing = (troubles: readonly string[]): boolean =>
  troubles.every((each) => each === 'under-way' || each === 'other-branch' || each === 'no-branch');

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
