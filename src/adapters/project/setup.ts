import { childEnvironment, runToEnd } from './child.ts';
import { readOrNull, writeWhole } from './disk.ts';
import type { Step } from './work.ts';

const TIMEOUT_MS = 600_000;

/**
 * Runs the project's set-up command in a new worktree, where for want of node_modules tests would be red for the wrong
 * reason. Done once for a worktree and command.
 */
export const setupStep: Step = {
  name: 'setup',
  async run(work) {
    const { plan, order, options } = work;
    const argv = order.setupCommand ?? [];
    if (order.isolation === 'branch' || argv.length === 0) return null;
    const done = Buffer.from(`${JSON.stringify({ worktree: work.worktree, argv })}\n`);
    if ((await readOrNull(plan.paths.setup))?.equals(done)) {
      work.setup = 'done-before';
      return null;
    }
    const timeoutMs = options.setupTimeoutMs ?? TIMEOUT_MS;
    const env = childEnvironment(options.environment);
    const end = await runToEnd({ argv, cwd: work.worktree, env, timeoutMs });
    if (end.kind !== 'exited' || end.exitCode !== 0) return { kind: 'setup-failed', argv, cwd: work.worktree, end };
    await writeWhole(plan.paths.setup, done);
    work.setup = 'done';
    return null;
  },
};
