import type { ProblemView, StatusView } from '../../app/views.ts';
import { age, duration, localTimes } from './look.ts';
import type { Look, Tone } from './look.ts';
import { keptLines } from './render-conflict.ts';
import { table } from './table.ts';
import type { Cell } from './table.ts';
import { clean, cleanLine, fit, widthOf, wrap } from './text.ts';

const PROMPTS_SHOWN = 5;
/** A pane with fewer rows gets one line a subject. */
const COMPACT_BELOW_ROWS = 12;
/** What a role says there has the rest of its words in the whole status. */
const FRAME_REPORT_ROWS = 2;

const TONES: Readonly<Record<string, Tone>> = {
  running: 'good',
  completed: 'good',
  stopped: 'warning',
  busy: 'good',
  waiting: 'warning',
  exited: 'bad',
  lost: 'bad',
  failed: 'bad',
  none: 'faint',
  done: 'good',
  open: 'strong',
  refused: 'bad',
  later: 'faint',
  skipped: 'warning',
  passed: 'good',
  waived: 'warning',
  withdrawn: 'faint',
  accepted: 'good',
  typed_not_submitted: 'warning',
  held_for_human: 'warning',
  blocked_by_dialog: 'warning',
  agent_dead: 'bad',
  indeterminate: 'warning',
};

export const toned = (word: string): readonly [string, Tone] => [word.replaceAll('_', ' '), TONES[word] ?? 'plain'];

/** The whole status, section by section. What one may want to copy is never cut. */
export function renderStatus(view: StatusView, look: Look): string[] {
  return [...sections(view, look), whereabouts(view)].flatMap((section, index) =>
    index === 0 ? section : ['', ...section],
  );
}

/** A status that fits `rows`: the sections that have room, the most needed first, or one line a subject. */
export function renderFrame(view: StatusView, look: Look & { readonly rows: number }): string[] {
  if (look.rows < COMPACT_BELOW_ROWS) return compact(view, look).slice(0, look.rows);
  let lines: string[] = [];
  const last = whereabouts(view).map((line) => fit(line, look.columns));
  for (const section of [...sections(view, look, FRAME_REPORT_ROWS), last]) {
    const next = lines.length === 0 ? section : [...lines, '', ...section];
    if (next.length <= look.rows) lines = next;
  }
  return lines.length > 0 ? lines : compact(view, look).slice(0, look.rows);
}

export function renderProblem(problem: Omit<ProblemView, 'code'>, look: Look, indent = '  '): string[] {
  const sentence = localTimes(clean(problem.sentence), look.now).split('\n');
  return [
    ...sentence.flatMap((line) => wrap(line, look.columns, indent)).map((line) => look.ink(line, 'warning')),
    ...(problem.hint === '' ? [] : wrap(cleanLine(problem.hint), look.columns, `${indent}  `)),
  ];
}

/** What leaves agents unguarded is said before all else that needs somebody. */
const unsafeOf = ({ unsafe }: StatusView, look: Look): string[] =>
  unsafe
    .flatMap((sentence) => wrap(`UNSAFE: ${cleanLine(sentence)}`, look.columns))
    .map((line) => look.ink(line, 'bad'));

function sections(view: StatusView, look: Look, reportRows = Infinity): string[][] {
  const { feature, run, phase, branch, unwatchedMs } = view;
  const place = view.queue === null ? '' : ` ${view.queue.position}/${view.queue.length}`;
  const going = view.paused === null ? `${phase}${place}` : 'paused';
  const state = [going, cleanLine(`run ${run}`), stepOf(view), view.role === null ? '' : cleanLine(view.role)];
  const unwatched = `Nobody watched for ${duration(unwatchedMs)} before the present supervisor began.`;
  const head = [
    look.ink(fit(cleanLine(feature), look.columns), 'strong'),
    fit([...state.filter((part) => part !== ''), `branch ${cleanLine(branch)}`].join(', '), look.columns),
    ...wrap(localTimes(cleanLine(view.waitsFor), look.now), look.columns),
    ...unsafeOf(view, look),
    ...(unwatchedMs >= 1000 ? wrap(unwatched, look.columns) : []),
  ];
  const attention = view.attention.flatMap((problem) => renderProblem(problem, look));
  return [
    head.map((line) => line.trimEnd()),
    titled('Needs attention', attention, look),
    titled(
      'Put aside',
      view.stashes.flatMap((kept) => keptLines(kept, look)),
      look,
    ),
    titled('Questions', questions(view, look), look),
    titled('Reports', reports(view, look, reportRows), look),
    titled('Panes', panes(view, look), look),
    titled('Checkpoints', checkpoints(view, look), look),
    titled('Checks', checks(view, look), look),
    titled('Prompts', prompts(view, look), look),
  ].filter((section) => section.length > 0);
}

function whereabouts({ worktree, attach }: StatusView): string[] {
  return [`Worktree: ${cleanLine(worktree)}`, ...(attach === null ? [] : [`Watch or type: ${cleanLine(attach)}`])];
}

function titled(title: string, lines: string[], { ink }: Look): string[] {
  return lines.length === 0 ? [] : [ink(title, 'strong'), ...lines];
}

const stepOf = ({ step, stepNumber, stepCount }: StatusView): string =>
  step === null ? '' : cleanLine(`step ${stepNumber}/${stepCount} ${step}`);

function panes(view: StatusView, look: Look): string[] {
  const rows = view.panes.map((pane) => [
    pane.role,
    toned(pane.state),
    pane.since === null ? null : age(pane.since, look.now),
    pane.pane,
    holding(pane, look),
    pane.detail === null ? null : localTimes(pane.detail, look.now),
  ]);
  return table(['ROLE', 'STATE', 'FOR', 'PANE', 'HELD BY', 'DETAIL'], rows, look);
}

/** How long a human has held the pane, why, and when it goes back if that is announced. */
function holding({ holder, heldSince, heldWhy, handBackAt }: StatusView['panes'][number], { now }: Look): Cell {
  if (holder === 'auto') return null;
  const since = heldSince === null ? '' : ` ${age(heldSince, now)}`;
  const back = handBackAt === null ? '' : `, back in ${duration(Date.parse(handBackAt) - now)} unless used`;
  return [`human${since}: ${heldWhy ?? ''}${back}`, 'warning'];
}

/** What agents ask, and the labels to answer with. */
function questions(view: StatusView, look: Look): string[] {
  return view.panes.flatMap(({ role, dialog }) =>
    dialog === null
      ? []
      : [
          ...wrap(cleanLine(`${role} (${dialog.name}): ${dialog.text}`), look.columns, '  '),
          ...dialog.choices.map((choice) => fit(`    ${cleanLine(choice)}`, look.columns)),
        ],
  );
}

const REPORTS: Readonly<Record<NonNullable<StatusView['panes'][number]['report']>['what'], string>> = {
  blocked: 'is blocked',
  question: 'asks',
  progress: 'reports',
};

/** What roles say of themselves: on `rows` at most where a human has to answer it, else on one line. */
function reports(view: StatusView, look: Look, rows: number): string[] {
  return view.panes.flatMap(({ role, report }) => {
    if (report === null) return [];
    const line = cleanLine(`${role} ${REPORTS[report.what]} (${age(report.at, look.now)}): ${report.text}`);
    const lines = wrap(line, look.columns, '  ');
    const most = report.what === 'progress' ? 1 : rows;
    return lines.length <= most ? lines : [...lines.slice(0, most - 1), fit(`${lines[most - 1] ?? ''}…`, look.columns)];
  });
}

function checks(view: StatusView, look: Look): string[] {
  const rows = view.checks.map(({ step, stage, state, tookMs, said }) => [
    step,
    stage,
    toned(state),
    tookMs === null ? null : `${(tookMs / 1000).toFixed(1)}s`,
    said.join(' '),
  ]);
  return table(['STEP', 'WHEN', 'STATE', 'TOOK', 'SAID'], rows, look);
}

function checkpoints(view: StatusView, look: Look): string[] {
  const rows = view.checkpoints.map((checkpoint) => [
    checkpoint.step,
    checkpoint.role,
    toned(checkpoint.state),
    checkpoint.at === null ? null : age(checkpoint.at, look.now),
    checkpoint.file,
    checkpoint.problem,
  ]);
  return table(['STEP', 'ROLE', 'STATE', 'AGO', 'FILE', 'PROBLEM'], rows, look);
}

function prompts(view: StatusView, look: Look): string[] {
  const rows = view.prompts
    .slice(-PROMPTS_SHOWN)
    .map((prompt) => [
      String(prompt.prompt),
      prompt.role,
      toned(prompt.outcome),
      age(prompt.at, look.now),
      prompt.reason === null ? prompt.text : `${prompt.text} (${prompt.reason})`,
    ]);
  return table(['#', 'ROLE', 'OUTCOME', 'AGO', 'TEXT'], rows, look);
}

function compact(view: StatusView, look: Look): string[] {
  const { columns, ink } = look;
  const going = view.paused === null ? cleanLine(view.phase) : 'paused';
  const state = [stepOf(view), view.role === null ? '' : cleanLine(view.role), going].filter((part) => part !== '');
  const head = fit(`${cleanLine(view.feature)}  ${state.join(', ')}`, columns);
  const urgent = view.attention.map((problem) => ink(fit(`! ${cleanLine(problem.sentence)}`, columns), 'warning'));
  const last = view.prompts.at(-1);
  return [
    ink(head, 'strong'),
    fit(localTimes(cleanLine(view.waitsFor), look.now), columns),
    ...urgent,
    ...packed(
      view.panes.map((pane) => cleanLine(`${pane.role} ${pane.state}${pane.holder === 'human' ? ' (human)' : ''}`)),
      columns,
    ),
    ...(last
      ? [ink(fit(cleanLine(`last prompt: ${last.role}, ${last.outcome.replaceAll('_', ' ')}`), columns), 'faint')]
      : []),
  ];
}

/** As many as go on a line, divided by a bar. */
function packed(items: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    const joined = last === undefined ? item : `${last} | ${item}`;
    if (last !== undefined && widthOf(joined) <= columns) lines[lines.length - 1] = joined;
    else lines.push(fit(item, columns));
  }
  return lines;
}
