import { realpathSync } from 'node:fs';
import { runSupervisor } from './supervisor.ts';

/** `tmops supervise --root DIR [--foreground]`: started by the doors, seldom by hand. Gives the exit code. */
export async function runSupervisorFrom(argv: readonly string[]): Promise<number> {
  const root = argv[argv.indexOf('--root') + 1];
  if (!argv.includes('--root') || root === undefined) {
    process.stderr.write('tmops supervise needs --root and the folder of the workspace.\n');
    return 2;
  }
  // What the supervisor writes is for its user alone.
  process.umask(0o077);
  return runSupervisor(realpathSync(root), argv.includes('--foreground'));
}
