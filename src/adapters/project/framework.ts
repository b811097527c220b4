import { childEnvironment, runToEnd } from './child.ts';
import { pathKind } from './disk.ts';
import type { Step } from './work.ts';

const TIMEOUT_MS = 60_000;

/**
 * Runs the framework's own initialiser where the project has it. It replaces TASK_SPEC.md (kept before, put back
 * after) and, unless told to skip it, checks the branch out in the root.
 */
export const scriptStep: Step = {
  name: 'script',
  async run(work) {
    const { plan, order, options } = work;
    if (plan.script.kind === 'built-in') return null;
    const skip = order.isolation === 'worktree' ? ['--skip-branch'] : [];
    // bash by name: an unpacked archive or a foreign file system may have lost the script's executable bit.
    const argv = ['bash', plan.script.file, plan.feature, plan.run, ...skip];
    const end = await runToEnd({
      argv,
      cwd: plan.root,
      env: childEnvironment(options.environment),
      timeoutMs: options.scriptTimeoutMs ?? TIMEOUT_MS,
    });
    if (end.kind !== 'exited' || end.exitCode !== 0) return { kind: 'script-failed', argv, end };
    work.initialiser = { kind: 'script', argv, tail: end.tail };
    if ((await pathKind(plan.runPaths.dir)) !== 'folder') {
      return { kind: 'script-incomplete', argv, missing: plan.runPaths.dir };
    }
    if (order.isolation === 'worktree') return null;
    const { branch } = await options.git.head(plan.root);
    return branch === plan.branch ? null : { kind: 'wrong-branch', path: plan.root, wanted: plan.branch, branch };
  },
};
