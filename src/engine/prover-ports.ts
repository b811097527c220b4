/** The project's tests, as they are to be run in a worktree. */
export interface TestOrder {
  readonly worktree: string;
  readonly argv: readonly string[];
  /** All of it: nothing is added from the process that runs them but a mark to find their children by. */
  readonly env: Readonly<Record<string, string>>;
  /** Told what they print, as it comes, untrusted and with its control characters. */
  readonly onOutput?: (text: string) => void;
}

/** How the tests ended. `tail` is the end of what they printed, without control characters, and is untrusted. */
export interface TestRun {
  /** `not-run`: they could not be started, took too long, or were called off. */
  readonly kind: 'passed' | 'failed' | 'not-run';
  /** How they failed or why they did not run, as a part of a sentence; for a pass, '' or how it is known. */
  readonly why: string;
  readonly tail: string;
  readonly tookMs: number;
}

/** What differs from one kept tree to another. A rename is a deletion and an addition. */
export interface Change {
  readonly path: string;
  readonly how: 'added' | 'modified' | 'deleted' | 'retyped';
}

/**
 * Holds what agents claim against the project. Paths are absolute, files are relative to the worktree. What was started
 * has ended, with all its children, when a call resolves; an abort ends it early.
 */
export interface Prover {
  /** Keeps the working tree as a commit under `refs/tmops/<name>`, beside the branch and the index. Gives the commit. */
  keep(worktree: string, name: string): Promise<string>;
  changed(worktree: string, from: string, to: string): Promise<readonly Change[]>;
  /** Runs the tests; those of one worktree one after the other. */
  test(order: TestOrder, signal: AbortSignal): Promise<TestRun>;
  /**
   * As `test`; where `test` has just run them with the very same files, left those as they were, and they ended as is wanted, its
   * result is given. What speaks against it is looked at anew: git does not tell of what was installed or built since.
   */
  tested(order: TestOrder, wanted: 'passed' | 'failed', signal: AbortSignal): Promise<TestRun>;
  /** As `test`; where they were seen to pass with the very same files a while ago they are not run again. */
  baseline(order: TestOrder, signal: AbortSignal): Promise<TestRun>;
  /** Runs them in a scratch tree that holds the commit without these files, and removes it again. */
  testWithout(
    order: TestOrder & { readonly commit: string; readonly files: readonly string[] },
    signal: AbortSignal,
  ): Promise<TestRun>;
}
