import type { Fact } from './event.ts';
import type { InitProblem } from './init.ts';
import type { Refusal, Request } from './request.ts';
import type { Run } from './run.ts';

/** A conversation that a human led in a role, and the process that has it open. */
export interface Conversation {
  readonly role: string;
  /** Name of the provider that can carry it on. */
  readonly provider: string;
  readonly sessionId: string;
  readonly process: { readonly pid: number; readonly startTime: string };
}

/** A run that was made by hand, as its folders tell it. Paths are absolute. */
export interface ByHand {
  readonly run: string;
  readonly branch: string;
  /** The working tree that the branch is checked out in. */
  readonly worktree: string;
  /** When the oldest of its checkpoints and its specification was written, in ms since the epoch; null without any. */
  readonly begunAt: number | null;
}

/** Why a feature cannot be adopted. Nothing was changed. */
export type AdoptProblem =
  | Extract<InitProblem, { kind: 'in-the-way' | 'link-out' }>
  | { readonly kind: 'no-folder'; readonly path: string }
  /** No link `current` says which run it is. */
  | { readonly kind: 'no-current'; readonly path: string; readonly runs: readonly string[] }
  | { readonly kind: 'no-branch'; readonly branch: string; readonly noted: string | null }
  | { readonly kind: 'not-checked-out'; readonly branch: string; readonly root: string }
  /** In a working tree beside the root, `.tmops` does not lead to the root's. */
  | { readonly kind: 'not-linked'; readonly link: string; readonly target: string }
  | { readonly kind: 'pane-twice'; readonly pane: string }
  | { readonly kind: 'pane-gone'; readonly role: string; readonly pane: string }
  | { readonly kind: 'no-conversation'; readonly role: string; readonly pane: string }
  | { readonly kind: 'works-elsewhere'; readonly role: string; readonly cwd: string; readonly worktree: string };

/**
 * The working tree of a feature that was begun by hand: where its branch is checked out. The framework calls it
 * `feature/<name>`; told otherwise it notes another one (`noted`) in FEATURES.txt, and sometimes just the one the root was on.
 */
export function treeOf(world: {
  readonly feature: string;
  readonly noted: string | null;
  readonly root: string;
  readonly trees: readonly { readonly path: string; readonly branch: string | null }[];
  readonly branches: ReadonlySet<string>;
}):
  | { readonly ok: true; readonly branch: string; readonly worktree: string }
  | { readonly ok: false; readonly problem: AdoptProblem } {
  const { feature, noted, root, trees, branches } = world;
  const own = `feature/${feature}`;
  const wanted = noted === null || noted === own ? [own] : [own, noted];
  for (const branch of wanted) {
    const tree = trees.find((each) => each.branch === branch);
    if (tree) return { ok: true, branch, worktree: tree.path };
  }
  const branch = wanted.find((each) => branches.has(each));
  if (branch !== undefined) return { ok: false, problem: { kind: 'not-checked-out', branch, root } };
  return { ok: false, problem: { kind: 'no-branch', branch: own, noted } };
}

/**
 * Notes which conversations the roles are to carry on. Only before the role has one of the run's own: two would know
 * different things.
 */
export function adoptConversations(
  run: Run,
  { conversations }: Extract<Request, { kind: 'adopt-conversations' }>,
): Fact[] | Refusal {
  if (!run.identity) return { reason: 'not-initialised', received: 'adopt', allowed: ['adopt'] };
  const known = conversations.find(({ role }) => run.agents[role] !== undefined);
  if (known) return { reason: 'has-conversation', received: known.role, allowed: [] };
  return conversations
    .filter((each) => JSON.stringify(run.adopted[each.role]) !== JSON.stringify(each))
    .map((conversation) => ({ kind: 'conversation.adopted', conversation }));
}

/** The conversation that a role begins with when the run is started; null where it begins a new one. */
export function adoptedBy(run: Run, role: string, provider: string): Conversation | null {
  const adopted = run.agents[role] === undefined ? run.adopted[role] : undefined;
  return adopted?.provider === provider ? adopted : null;
}
