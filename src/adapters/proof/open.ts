import { randomUUID } from 'node:crypto';
import type { Prover, TestOrder, TestRun } from '../../engine/ports.ts';
import type { Git } from '../git/open.ts';
import { endMarked } from './marked.ts';
import { runTests } from './run-tests.ts';
import { openScratch, type Scratch, type ScratchOptions } from './scratch.ts';

export interface ProverOptions {
  readonly git: Pick<Git, 'snapshot' | 'treeOf' | 'changedFiles'> & ScratchOptions['git'];
  /** Tells the tests of this workspace from those of others, also those that a crash left running. */
  readonly workspaceId: string;
  /** How long tests may run, in ms. */
  readonly withinMs: () => number;
  readonly scratch: Omit<ScratchOptions, 'git'>;
}

/** How long tests that were seen to pass are believed to pass with the very same files: what git ignores may change. */
const BELIEVED_MS = 60 * 60_000;

/** How long what a role was shown of its tests counts as evidence, for the very same files. */
const SHOWN_MS = 10 * 60_000;

interface Seen {
  readonly tree: string;
  /** Command and environment. */
  readonly how: string;
  readonly atMs: number;
}

/** Holds claims against a project with git and the project's own tests. `close` ends what is under way and waits for it. */
export function openProver(
  options: ProverOptions,
): Prover & { readonly scratch: Pick<Scratch, 'left' | 'removeLeft'>; close(): Promise<void> } {
  const { git, workspaceId } = options;
  const scratch = openScratch({ ...options.scratch, git });
  const inTurn = openTurns();
  const passed = new Map<string, Seen>();
  const shown = new Map<string, Seen & { readonly ran: TestRun }>();
  // What a supervisor that was killed left running would disturb the tests of the next one.
  let tidied: Promise<void> | null = null;
  const closing = new AbortController();

  const run = async ({ argv, env, onOutput }: TestOrder, cwd: string, signal: AbortSignal): Promise<TestRun> => {
    await (tidied ??= endMarked(`${workspaceId}/`));
    const order = { argv, env: withoutGit(env), cwd, withinMs: options.withinMs(), onOutput };
    const either = AbortSignal.any([signal, closing.signal]);
    return runTests({ ...order, mark: `${workspaceId}/${randomUUID()}` }, either);
  };

  const baseline = async (order: TestOrder, signal: AbortSignal): Promise<TestRun> => {
    const { worktree } = order;
    const tree = await git.treeOf(worktree);
    const how = howOf(order);
    const seen = passed.get(worktree);
    if (seen?.tree === tree && seen.how === how && performance.now() - seen.atMs < BELIEVED_MS)
      return { kind: 'passed', why: 'they did so with the very same files before', tail: '', tookMs: 0 };
    const ran = await run(order, worktree, signal);
    if (ran.kind === 'passed') passed.set(worktree, { tree, how, atMs: performance.now() });
    return ran;
  };

  const test = async (order: TestOrder, signal: AbortSignal): Promise<TestRun> => {
    const { worktree } = order;
    const tree = await git.treeOf(worktree);
    shown.delete(worktree);
    const ran = await run(order, worktree, signal);
    // Where the tests write files of their own it is not known what they would say of those.
    if (ran.kind !== 'not-run' && (await git.treeOf(worktree)) === tree)
      shown.set(worktree, { tree, how: howOf(order), atMs: performance.now(), ran });
    return ran;
  };

  const tested = async (order: TestOrder, wanted: TestRun['kind'], signal: AbortSignal): Promise<TestRun> => {
    const last = shown.get(order.worktree);
    const isFresh = last?.how === howOf(order) && performance.now() - last.atMs < SHOWN_MS;
    if (isFresh && last.ran.kind === wanted && last.tree === (await git.treeOf(order.worktree))) return last.ran;
    return run(order, order.worktree, signal);
  };

  return {
    scratch,
    keep: async (worktree, name) => (await git.snapshot(worktree, `refs/tmops/${name}`)).commit,
    changed: (worktree, from, to) => git.changedFiles(worktree, { from, to }),
    test: (order, signal) => inTurn(order.worktree, () => test(order, signal)),
    tested: (order, wanted, signal) => inTurn(order.worktree, () => tested(order, wanted, signal)),
    baseline: (order, signal) => inTurn(order.worktree, () => baseline(order, signal)),
    testWithout: (order, signal) =>
      inTurn(order.worktree, () => scratch.within(order, (tree) => run(order, tree, signal))),
    async close() {
      closing.abort();
      await inTurn.settled();
    },
  };
}

const howOf = ({ argv, env }: TestOrder): string => JSON.stringify([argv, env]);

/** GIT_DIR and its like would lead the tests' own git astray. */
const withoutGit = (env: TestOrder['env']): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));

interface InTurn {
  <T>(key: string, act: () => Promise<T>): Promise<T>;
  /** Resolves when everything that was asked for until now has ended, however it did. */
  settled(): Promise<unknown>;
}

/** Tests of one worktree would meet each other's files and ports. */
function openTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  const inTurn = async <T>(key: string, act: () => Promise<T>): Promise<T> => {
    const turn = Promise.allSettled([last.get(key)]).then(act);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
  };
  return Object.assign(inTurn, { settled: () => Promise.allSettled(last.values()) });
}
