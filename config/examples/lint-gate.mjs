// A step module: code of the project that runs as a step of the workflow (lint-gate.yaml shows how one names it).
//
// Each function gets the same context and may be async; to say that it failed, it throws an error whose message tells a
// human why.
//   feature, run, step   names
//   worktree             where the feature is built (absolute)
//   runDir               the run's own folder in .tmops (absolute)
//   with                 what the step says under `with`, unchecked
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Called first. Nothing may have happened yet when it throws; rollback is not called then. */
export function validate(context) {
  optionsOf(context);
}

/** Does the step. When it throws, rollback is called and the step stays open. */
export async function execute(context) {
  const { command, withinMs } = optionsOf(context);
  const { outcome, output } = await finished(command, context.worktree, withinMs);
  const report = reportOf(context);
  await mkdir(dirname(report), { recursive: true });
  await writeFile(report, output);
  if (outcome !== 'exit code 0') throw new Error(`${command.join(' ')} ended with ${outcome}; see ${report}`);
}

/**
 * Takes back what a failed execute left half done. This gate changes nothing of the project, and the report is what a
 * human needs now, so only one without content goes.
 */
export async function rollback(context) {
  const { size } = await import('node:fs/promises').then(({ stat }) => stat(reportOf(context)));
  if (size === 0) await rm(reportOf(context));
}
