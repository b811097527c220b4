import { join } from 'node:path';
import { execa } from 'execa';
import { git, type Sample } from './demo-sample.ts';

/** What the tests of the branch said at one commit. */
export interface Tested {
  readonly commit: string;
  readonly colour: 'red' | 'green';
  /** Figures of the report, or `?`. */
  readonly pass: string;
  readonly fail: string;
  readonly report: string;
}

/**
 * Runs the tests of the branch as it is now, in a clone called `name`, since the next role is at work in the worktree
 * already. Resolves once the clone is there. `tested` rejects when git or the test runner cannot be run.
 */
export async function beginTests(
  sample: Sample,
  name: string,
  stop: AbortSignal,
): Promise<{ readonly tested: Promise<Tested> }> {
  const clone = join(sample.folder, name);
  await git(sample, ['clone', '--quiet', '--shared', '--branch', `feature/${sample.feature}`, sample.root, clone]);
  return { tested: run(sample, clone, stop) };
}

async function run(sample: Sample, clone: string, stop: AbortSignal): Promise<Tested> {
  const commit = await git(sample, ['rev-parse', '--short', 'HEAD'], clone);
  const options = { cwd: clone, env: sample.env, extendEnv: false, reject: false, cancelSignal: stop } as const;
  const { exitCode, stdout } = await execa(process.execPath, ['--test'], options);
  return {
    commit,
    colour: exitCode === 0 ? 'green' : 'red',
    pass: figure(stdout, 'pass'),
    fail: figure(stdout, 'fail'),
    report: stdout,
  };
}

/** Of the summary that node's test runner ends with, whatever form its report has. */
const figure = (report: string, word: string): string =>
  new RegExp(`^\\S+ ${word} (\\d+)$`, 'm').exec(report)?.[1] ?? '?';
