import type { OutputOf } from '../../app/table.ts';
import { age, localTimes, timeOfDay } from './look.ts';
import type { Look } from './look.ts';
import { renderProblem, toned } from './render-status.ts';
import { table } from './table.ts';
import { cleanLine, fit, wrap } from './text.ts';

/** What the operations by which a run is steered gave, in lines for people. Pure, as in render.ts. */

export function renderHolders(view: OutputOf<'take'>, look: Look): string[] {
  const rows = view.panes.map(({ role, holder, why }) => [
    role,
    holder === 'human' ? (['human', 'warning'] as const) : 'tmops',
    why,
  ]);
  const waiting = view.waiting.map(({ prompt, role }) => `${prompt} (${cleanLine(role)})`);
  return [
    ...table(['ROLE', 'HELD BY', 'WHY'], rows, look),
    ...(waiting.length === 0
      ? []
      : wrap(`Prompts that wait until their pane is handed back: ${waiting.join(', ')}.`, look.columns)),
    ...waits(view.waitsFor, look),
  ];
}

export function renderPaused({ features }: OutputOf<'pause'>, look: Look): string[] {
  if (features.length === 0) return ['No feature is running.'];
  const rows = features.map(({ feature, paused, waitsFor }) => [
    feature,
    paused ? (['paused', 'warning'] as const) : 'not paused',
    localTimes(waitsFor, look.now),
  ]);
  return table(['FEATURE', 'STATE', 'WAITS FOR'], rows, look);
}

export const renderGate =
  (verdict: 'approve' | 'reject') =>
  ({ feature, step, file, waitsFor }: OutputOf<'approve'>, look: Look): string[] => {
    const what = file === '' ? `The step ${cleanLine(step)}` : cleanLine(file);
    const said = verdict === 'approve' ? 'is approved' : 'was sent back to its role';
    return [`${what} of ${cleanLine(feature)} ${said}.`, ...waits(waitsFor, look)];
  };

const STEP_SAID = { skip: 'is skipped', retry: 'is asked for again', redo: 'and all after it are open again' } as const;

export const renderStep =
  (what: keyof typeof STEP_SAID) =>
  ({ feature, step, present, waitsFor }: OutputOf<'skip'>, look: Look): string[] => [
    `The step ${cleanLine(step)} of ${cleanLine(feature)} ${STEP_SAID[what]}.`,
    ...(present === null || present === step ? [] : [`The present step is ${cleanLine(present)}.`]),
    ...waits(waitsFor, look),
  ];

export function renderRollback(view: OutputOf<'rollback'>, look: Look): string[] {
  const { feature, number, step, undo, done, kept, blocked } = view;
  const what = undo ? `rollback ${number} of ${cleanLine(feature)}` : `${cleanLine(feature)} to ${cleanLine(step)}`;
  const head = done
    ? `${undo ? 'Undone' : 'Rolled back'}: ${what}${undo ? '' : ` (rollback ${number})`}.`
    : `This would ${undo ? 'undo' : 'roll back'} ${what}. Nothing was touched.`;
  const more = (count: number, shown: number): string[] => (count > shown ? [`  and ${count - shown} more`] : []);
  const files = view.files.map(({ path, what: how }) => [how, path]);
  const commits = view.commits.map(({ commit, subject }) => [commit.slice(0, 12), subject]);
  const comes = undo ? 'Checkpoints that come back' : 'Checkpoints that go';
  return [
    ...wrap(head, look.columns),
    ...(view.steps.length === 0 ? [] : wrap(`Steps: ${view.steps.map(cleanLine).join(', ')}.`, look.columns)),
    ...section('Files', [...table(['', 'FILE'], files, look), ...more(view.fileCount, files.length)], look),
    ...section(
      comes,
      view.checkpoints.map((file) => `  ${cleanLine(file)}`),
      look,
    ),
    ...section(
      'Commits whose work goes; they stay in the history',
      [...table(['COMMIT', 'SUBJECT'], commits, look), ...more(view.commitCount, commits.length)],
      look,
    ),
    ...(kept === null ? [] : ['', `Kept: ${cleanLine(kept.ref)}`, `      ${cleanLine(kept.archive)}`]),
    ...section('Now it would be refused', blocked === null ? [] : renderProblem(blocked, look), look),
    ...(done ? ['', ...waits(view.waitsFor, look)] : []),
  ];
}

export function renderMessage({ deliveries }: OutputOf<'message'>, look: Look): string[] {
  const rows = deliveries.map(({ prompt, role, outcome, reason }) => [
    String(prompt),
    role,
    toned(outcome),
    reason ?? MEANS[outcome] ?? null,
  ]);
  return table(['#', 'ROLE', 'OUTCOME', 'WHY'], rows, look);
}

const MEANS: Readonly<Record<string, string>> = {
  queued: 'the agent is at work and gets it at the end of its turn',
  wanted: 'it is typed as soon as the pane is free',
  typing: 'it is being typed',
};

export function renderWhy(view: OutputOf<'explain'>, look: Look): string[] {
  const since =
    view.since === null ? [] : [`Since ${localTimes(view.since, look.now)} (${age(view.since, look.now)}).`];
  const reasons = view.reasons.flatMap(({ sentence, since: at }) => {
    const ago = at === null ? '' : ` (${age(at, look.now)})`;
    return wrap(`${localTimes(cleanLine(sentence), look.now)}${ago}`, look.columns, '  ');
  });
  const seen = view.lastSeen.map(({ at, text }) => {
    const time = timeOfDay(at);
    return `  ${look.ink(time, 'faint')}  ${fit(localTimes(cleanLine(text), look.now), look.columns - time.length - 4)}`;
  });
  const help = view.help.flatMap(({ command, does }) => [
    `  ${look.ink(cleanLine(command), 'strong')}`,
    ...wrap(cleanLine(does), look.columns, '    '),
  ]);
  return [
    look.ink(fit(cleanLine(view.feature), look.columns), 'strong'),
    ...waits(view.waitsFor, look),
    ...since,
    ...section('Why', reasons, look),
    ...section(
      'Needs attention',
      view.attention.flatMap((problem) => renderProblem(problem, look)),
      look,
    ),
    ...section('Seen last', seen, look),
    ...section('What would help', help, look),
  ];
}

const waits = (sentence: string, { columns, now }: Look): string[] =>
  wrap(localTimes(cleanLine(sentence), now), columns);

const section = (title: string, lines: readonly string[], { ink }: Look): string[] =>
  lines.length === 0 ? [] : ['', ink(title, 'strong'), ...lines];
