import { randomUUID } from 'node:crypto';
import type { BranchStand } from '../core/conflicted.ts';
import type { Run } from '../core/run.ts';
import { knownName } from './branch.ts';
import type { RunLoop } from './loop.ts';
import type { BranchKeeper } from './branch-ports.ts';

/** Below `refs/tmops/`, where what a conflict found is kept. */
export const conflictName = ({ identity }: Run, number: number): string =>
  `${identity?.feature ?? ''}/${identity?.run ?? ''}/conflict-${number}`;

/**
 * Keeps what others did to the branch and its worktree, then puts both to how they were known. What was kept is in the
 * journal before anything is touched, so that it can be done again after a crash.
 */
export async function putAside(
  { loop, keeper }: { readonly loop: RunLoop; readonly keeper: BranchKeeper },
  number: number,
  isClosed: () => boolean,
): Promise<void> {
  const run = loop.run();
  const { conflict, identity } = run;
  if (conflict?.number !== number || conflict.settling?.failed !== null || !identity) return;
  const { worktree, branch } = identity;
  try {
    const kept =
      conflict.settling.kept ?? (await keeper.setAside(worktree, { branch, name: conflictName(run, number) }));
    if (isClosed()) return;
    await loop.submit({ kind: 'branch-kept', number, kept });
    const { tip = null, files = null } = conflict.known ?? {};
    const late = await keeper.putRight(worktree, { branch, tip, files, kept });
    if (!isClosed()) await loop.submit({ kind: 'branch-put-right', number, late, spareIds: spareIds(run) });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (!isClosed()) await loop.submit({ kind: 'branch-not-put-right', number, why });
  }
}

/** A fresh conversation id for each role, for agents that have to be started. */
const spareIds = (run: Run): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.keys(run.agents).map((role) => [role, randomUUID()]));

/** How the branch stands now, with what an acceptance takes as the new beginning kept, and what it was before. */
export async function lookToAccept(
  run: Run,
  keeper: BranchKeeper,
): Promise<{ readonly stand: BranchStand; readonly files: string | null }> {
  const { worktree = '', branch = '' } = run.identity ?? {};
  const known = run.conflict?.known ?? null;
  const stand = await keeper.stand(worktree, { branch, known: known?.tip ?? null });
  const isWhole = stand.head.branch === branch && stand.underWay === null;
  if (!isWhole || !run.conflict || stand.tip === null) return { stand, files: null };
  const name = conflictName(run, run.conflict.number);
  if (known) await keeper.hold(worktree, `${name}-known`, known.files ?? known.tip);
  await keeper.hold(worktree, `${name}-branch`, stand.tip);
  return { stand, files: await keeper.keep(worktree, { name: knownName(run), tip: stand.tip }) };
}
