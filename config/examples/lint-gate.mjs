// A step module: code of your project that is a step of the workflow. lint-gate.yaml shows how a workflow names it.
//
// Each function may be async and says that it failed by throwing; the message is shown to a human. All get the same:
//   feature, run, step   names
//   worktree             where the feature is built, an absolute path
//   runDir               the run's own folder below .tmops, an absolute path
//   with                 what the step says under `with`, as it stands
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const OUTPUT_KEPT = 64 * 1024;
const TAIL_LINES = 15;

/** Comes first and changes nothing. When it throws, the step has not begun. */
export function validate(context) {
  optionsOf(context);
}

/** Does the work. When it throws, rollback is called, and the step stays open until the feature is started again. */
export async function execute(context) {
  const { command, withinMs } = optionsOf(context);
  const { end, output } = await finish(command, context.worktree, withinMs);
  const report = reportOf(context);
  await mkdir(dirname(report), { recursive: true });
  await writeFile(report, output);
  if (end === 'exit code 0') return;
  const tail = output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  throw new Error(`${command.join(' ')} ended with ${end}:\n${tail}`);
}

/** Takes back what execute left behind. Here a report means that the gate was passed, so that of a failure goes. */
export async function rollback(context) {
  await rm(reportOf(context), { force: true });
}

const reportOf = ({ runDir, step }) => join(runDir, 'logs', `${step}.log`);

function optionsOf({ with: options }) {
  const { command, within_s: seconds = 300 } = options;
  if (!Array.isArray(command) || command.length === 0 || !command.every((word) => typeof word === 'string')) {
    throw new Error(`with.command is ${JSON.stringify(command)}; expected a list of words such as [npm, run, lint]`);
  }
  if (typeof seconds !== 'number' || !(seconds >= 1 && seconds <= 3600)) {
    throw new Error(`with.within_s is ${JSON.stringify(seconds)}; expected a number of seconds from 1 to 3600`);
  }
  return { command, withinMs: seconds * 1000 };
}

/** Runs the words without a shell, in a process group of its own, so that all of it ends in time. The output's end is kept. */
function finish([program, ...args], cwd, withinMs) {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(withinMs);
    const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (text) => (output = (output + text).slice(-OUTPUT_KEPT));
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    signal.addEventListener('abort', () => process.kill(-child.pid, 'SIGKILL'));
    child.on('error', (cause) => reject(new Error(`${program} cannot be started in ${cwd}: ${cause.message}`)));
    child.on('close', (code, by) => {
      const end = signal.aborted ? `its time of ${withinMs / 1000} s` : code === null ? by : `exit code ${code}`;
      resolve({ end, output });
    });
  });
}
