import { realpathSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runSupervisor } from './supervisor.ts';

/** `tmops supervise --root DIR [--foreground]`: started by the doors, seldom by hand. Gives the exit code. */
export async function runSupervisorFrom(argv: readonly string[]): Promise<number> {
  const root = argv[argv.indexOf('--root') + 1];
  if (!argv.includes('--root') || root === undefined) {
    process.stderr.write('tmops supervise needs --root and the folder of the workspace.\n');
    return 2;
  }
  // It starts features in bursts and then idles for hours. What a burst leaves behind is to be given back soon after it
  // and not at some time in the next minutes, and each process it starts has to copy what it holds. A flag and no option
  // of the command line, since a node that does not know it any more would not start.
  setFlagsFromString('--optimize-for-size');
  // What the supervisor writes is for its user alone.
  process.umask(0o077);
  return runSupervisor(realpathSync(root), argv.includes('--foreground'));
}
