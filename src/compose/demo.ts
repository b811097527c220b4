import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type * as z from 'zod';
import { operations, type OperationKey, type OutputOf } from '../app/table.ts';
import { eventView, problemView, type EventView } from '../app/views.ts';
import { readEnvironment } from '../config/environment.ts';
import { endProcesses, git, makeSample, SPEC, type Sample } from './demo-sample.ts';
import { packageDir, packaged } from './package.ts';
import { program } from './program.ts';

/**
 * `tmops demo [--keep]`: builds a small feature in a sample repository with agents that need no account, through the
 * commands a user would give, and tells what happens. `--keep` leaves the session open. Gives the exit code: 0 when
 * everything came as it should, 1 with the reason, 2 for unknown arguments, 130 when interrupted.
 */
export async function runDemo(args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg !== '--keep')) {
    process.stderr.write(`tmops demo does not know: ${args.join(' ')}. It takes --keep, to leave the session open.\n`);
    return 2;
  }
  const interrupted = interruption();
  const env = readEnvironment();
  const { isTTY } = process.stdout;
  const sample = await makeSample(env, isTTY ? ATTACH_S : 0);
  const stop = AbortSignal.any([interrupted, AbortSignal.timeout(WITHIN_MS)]);
  try {
    await play({ sample, stop, beganAt: Date.now(), isColourful: isTTY && (env['NO_COLOR'] ?? '') === '' });
    return 0;
  } catch (error) {
    if (interrupted.aborted) return 130;
    say('', `The demo did not work out: ${reasonOf(error, stop)}`, '', ...(await circumstances(sample)));
    return 1;
  } finally {
    say('', ...(await end(sample, args.includes('--keep') && !interrupted.aborted)));
  }
}

interface Demo {
  readonly sample: Sample;
  /** Aborted when the demo is interrupted or takes too long. */
  readonly stop: AbortSignal;
  readonly beganAt: number;
  readonly isColourful: boolean;
}

/** From the specification to the summary. */
const WITHIN_MS = 50_000;
/** Where somebody looks on, the agents take so long to start that there is time to attach. */
const ATTACH_S = 5;

function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      interrupted.abort();
    });
  }
  return interrupted.signal;
}

async function play(demo: Demo): Promise<void> {
  const { feature, root, server } = demo.sample;
  say('Watch it from another terminal, or type along, as soon as the session is open:', '');
  say(`    tmux -L ${server} attach -t '=tmops-${feature}'`, '');
  tell(demo, `made a sample repository in ${root}`);
  tell(demo, `$ tmops init ${feature}`);
  const made = await tmops(demo, 'init', [feature]);
  tell(demo, `branch ${made.branch} in the worktree ${made.worktree}`);
  await writeFile(join(root, made.specFile), SPEC);
  tell(demo, `wrote down what is wanted in ${made.specFile}`);
  tell(demo, `$ tmops start ${feature}`);
  const started = await tmops(demo, 'start', [feature]);
  for (const note of started.notes) tell(demo, note);
  const ended = new AbortController();
  const over = (): void => {
    ended.abort();
  };
  // Whoever follows would otherwise follow on, and have the supervisor back, when the feature comes to a halt.
  await Promise.all([relay(demo, ended), completion(demo)]).finally(over);
  say('', ...(await resultOf(demo)), '', ...withClaudeCode());
}

const outputs: { readonly [K in OperationKey]: { readonly output: z.ZodType<OutputOf<K>> } } = operations;

/** Runs a command of tmops in the sample and gives what it gave. Throws what it said when it gave nothing. */
async function tmops<K extends OperationKey>(demo: Demo, key: K, words: readonly string[]): Promise<OutputOf<K>> {
  const { name } = operations[key];
  const ran = await spawnTmops(demo.sample, [name, ...words, '--json'], demo.stop);
  if (ran.stdout !== '') return outputs[key].output.parse(JSON.parse(ran.stdout));
  throw new Error(`tmops ${name} failed. ${complaint(ran.stderr) ?? (ran.stderr.trim() || (ran.shortMessage ?? ''))}`);
}

/** The problem in what a command of tmops wrote to stderr, as words. */
function complaint(stderr: string): string | null {
  const line = stderr.split('\n').find((text) => text.startsWith('{"code"'));
  if (line === undefined) return null;
  const { sentence, hint } = problemView.parse(JSON.parse(line));
  return `${sentence}\n${hint}`;
}

function spawnTmops({ root, env }: Sample, words: readonly string[], stop: AbortSignal) {
  const [node = '', ...script] = program;
  return execa(node, [...script, ...words], {
    cwd: root,
    env,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    cancelSignal: stop,
  });
}

/** Throws unless all steps come to be done. */
async function completion(demo: Demo): Promise<void> {
  const { done, reason, waitsFor } = await tmops(demo, 'wait', [demo.sample.feature]);
  if (!done || reason !== 'completed') throw new Error(`the feature came to a halt (${reason}). ${waitsFor}`);
}

/** Tells each event as it happens until the run is completed or `ended` is aborted, and what tmops found out about the tests. */
async function relay(demo: Demo, ended: AbortController): Promise<void> {
  const words = ['events', demo.sample.feature, '--follow', '--json'];
  const events = spawnTmops(demo.sample, words, AbortSignal.any([demo.stop, ended.signal]));
  for await (const line of createInterface({ input: events.stdout })) {
    const event = eventView.parse(JSON.parse(line));
    if (isTold(event)) tell(demo, coloured(event.text, demo));
    // Its output ends with it, and so does this loop.
    if (event.kind === 'run.completed') ended.abort();
  }
  if (!ended.signal.aborted) throw new Error(`tmops events ended too early: ${(await events).stderr}`);
}

/** How the work is done; of interest when it does not work. */
const QUIET: ReadonlySet<string> = new Set([
  'agent.launched',
  'agent.placed',
  'agent.process',
  'agent.session',
  'agent.turn-began',
  'agent.turn-ended',
  'agent.worked',
  'check.wanted',
  'checkpoint.seen',
  'prompt.entered',
  'prompt.held',
  'prompt.intended',
  'prompt.typed',
  'run.initialised',
  'run.surveyed',
  'supervisor.began',
]);

/** That a role wrote nothing it may not is told at the end; here it would drown what the tests showed. */
const isTold = ({ kind, text }: EventView): boolean =>
  !QUIET.has(kind) && (kind !== 'check.passed' || text.includes('The tests'));

/** A failing test is red to those who know, a passing one green. */
function coloured(text: string, { isColourful }: Demo): string {
  return text.replace(/\bThe tests (fail|pass), as they should/g, (words, how: string) => {
    const [colour, code] = how === 'fail' ? ['RED', 31] : ['GREEN', 32];
    return `${words}: ${isColourful ? `\u001b[1;${code}m${colour}\u001b[0m` : colour}`;
  });
}

async function resultOf(demo: Demo): Promise<string[]> {
  const { feature, root } = demo.sample;
  const summary = await readFile(join(root, '.tmops', feature, 'current', 'SUMMARY.md'), 'utf8');
  const log = await git(demo.sample, ['log', '--oneline', `main..feature/${feature}`]);
  const { checks } = await tmops(demo, 'status', [feature]);
  return [
    `SUMMARY.md of ${feature}:`,
    '',
    ...indented(summary),
    '',
    `Branch feature/${feature}:`,
    '',
    ...indented(log),
    '',
    'What tmops saw for itself, whatever the agents wrote:',
    '',
    ...SHOWN.flatMap(([step, stage, when]) => {
      const seen = checks.find((check) => check.step === step && check.stage === stage && check.state === 'passed');
      if (!seen) throw new Error(`nothing was shown ${when}.`);
      return seen.said.map((sentence) => `    ${when}: ${coloured(sentence, demo)}`);
    }),
    '',
    `Done in ${seconds(Date.now() - demo.beganAt)}: the tests were red, then green.`,
  ];
}

/** The checks that the demo is about. */
const SHOWN = [
  ['testing', 'before', 'before the tester'],
  ['testing', 'after', 'after the tester'],
  ['implementation', 'after', 'after the implementer'],
  ['verification', 'after', 'after the verifier'],
] as const;

function withClaudeCode(): string[] {
  const isClone = existsSync(packaged('src'));
  return [
    'The same with Claude Code, in a project of yours:',
    '',
    ...indented('tmops init my-feature\n$EDITOR .tmops/my-feature/current/TASK_SPEC.md\ntmops start my-feature'),
    '',
    ...(isClone ? [`(npm install --global ${packageDir} makes tmops a command.)`] : []),
    'tmops doctor says what is missing on this machine.',
  ];
}

/** What tmops itself knows when it did not work: status and latest events, then the panes, or the machine where there are none. */
async function circumstances(sample: Sample): Promise<string[]> {
  const { feature } = sample;
  const seen = await ask(sample, ['status', feature, '--json']);
  const panes = seen.stdout === '' ? [] : outputs.status.output.parse(JSON.parse(seen.stdout)).panes;
  const open = panes.filter(({ pane }) => pane !== null);
  const further = open.length > 0 ? open.map(({ role }) => ['read-pane', feature, role]) : [['doctor']];
  const told: string[] = [];
  for (const words of [['status', feature], ['events', feature], ...further]) {
    const { stdout, stderr } = await ask(sample, words);
    const lines = (stdout.trim() || stderr.trim()).split('\n').slice(-MAX_LINES);
    told.push(`$ tmops ${words.join(' ')}`, ...lines, '');
  }
  return told;
}

const ask = (sample: Sample, words: readonly string[]) => spawnTmops(sample, words, AbortSignal.timeout(ASK_WITHIN_MS));

const ASK_WITHIN_MS = 10_000;
const MAX_LINES = 40;

function reasonOf(error: unknown, stop: AbortSignal): string {
  if (stop.aborted) return `it was not done within ${seconds(WITHIN_MS)}.`;
  return error instanceof Error ? error.message : String(error);
}

async function end(sample: Sample, keep: boolean): Promise<string[]> {
  const { feature, folder, root } = sample;
  const remove = `rm -rf ${folder}`;
  if (keep) {
    const commands = [`cd ${root} && ${program.join(' ')} stop ${feature}`, remove];
    return ['The session stays open. To end it, and to remove the sample:', '', ...indented(commands.join('\n'))];
  }
  await ask(sample, ['stop', feature]);
  const stayed = await endProcesses(sample);
  return [
    ...stayed.map((process) => `Could not be ended: ${process}.`),
    `The sample repository is kept in ${root}, the worktree beside it. To remove it: ${remove}`,
  ];
}

function tell({ beganAt }: Demo, text: string): void {
  say(`${seconds(Date.now() - beganAt).padStart(7)}  ${text}`);
}

const seconds = (ms: number): string => `${(Math.max(0, ms) / 1000).toFixed(1)} s`;

const indented = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`.trimEnd());

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
