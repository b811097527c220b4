import type { OutputOf } from '../../app/table.ts';
import type { EventView, QueueView } from '../../app/views.ts';
import { localTimes, timeOfDay } from './look.ts';
import type { Look, Tone } from './look.ts';
import { renderProblem } from './render-status.ts';
import { table } from './table.ts';
import { clean, cleanLine, fit } from './text.ts';

/** What each operation gave, in lines for people. Pure: the same view and look give the same lines. */

export function renderInit(view: OutputOf<'init'>): string[] {
  const test = view.testCommand;
  return [
    `${cleanLine(view.feature)} is ready: run ${cleanLine(view.run)}, branch ${cleanLine(view.branch)} (${view.initialiser} initialiser, ${Math.round(view.durationMs)} ms).`,
    `Worktree: ${cleanLine(view.worktree)}`,
    `Task: ${cleanLine(view.specFile)} (${SPEC[view.specState]})`,
    test === null
      ? 'Tests: no test command was found.'
      : `Tests: ${cleanLine(test.argv.join(' '))} (from ${cleanLine(test.from)})`,
    ...listed('Made', view.created),
    ...listed('Kept', view.kept),
    ...view.notes.map((note) => `Note: ${cleanLine(note)}`),
    ...listed('Next', view.nextSteps),
  ];
}

const SPEC = { template: 'a template, to be filled in', filled: 'filled in', missing: 'missing' } as const;

export function renderStart(view: OutputOf<'start'>, look: Look): string[] {
  return [
    ...(view.queue === null ? begunLines(view, look) : queuedLines(view, view.queue)),
    ...view.notes.map((note) => `Note: ${cleanLine(note)}`),
    '',
    ...table(
      ['STEP', 'ROLE', 'CHECKPOINT'],
      view.steps.map(({ step, role, checkpoint }) => [step, role, checkpoint]),
      look,
    ),
  ];
}

function begunLines(view: OutputOf<'start'>, look: Look): string[] {
  const how = view.resumed ? 'goes on' : 'has begun';
  return [
    `${cleanLine(view.feature)} ${how}: run ${cleanLine(view.run)} in the session ${cleanLine(view.session)}, agents ${cleanLine(view.provider)}.`,
    `Watch or type: ${look.ink(clean(view.attach), 'strong')}`,
  ];
}

function queuedLines({ feature, run }: OutputOf<'start'>, { position, length, why }: NonNullable<QueueView>): string[] {
  return [
    `${cleanLine(feature)} waits in the queue, number ${position} of ${length}: run ${cleanLine(run)}. It begins by itself when there is room.`,
    `What it waits for: ${cleanLine(why)}. To take it out: tmops stop ${cleanLine(feature)}`,
  ];
}

export function renderList(view: OutputOf<'list'>, look: Look): string[] {
  if (view.features.length === 0)
    return ['There is no feature in this workspace yet. Begin with: tmops init <feature>'];
  const rows = view.features.map((each) => [
    each.feature,
    each.queue === null ? each.phase : `${each.phase} ${each.queue.position}/${each.queue.length}`,
    each.step,
    each.role,
    each.attention === 0 ? null : ([String(each.attention), 'warning'] as const),
    each.waitsFor,
  ]);
  return table(['FEATURE', 'PHASE', 'STEP', 'ROLE', 'ATTENTION', 'WAITS FOR'], rows, look);
}

export function renderWait(view: OutputOf<'wait'>, look: Look): string[] {
  const feature = cleanLine(view.feature);
  const where = view.step === null ? '' : ` at step ${cleanLine(view.step)}`;
  const told: Readonly<Record<string, string>> = {
    completed: `${feature} is completed.`,
    attention: `${feature} needs attention${where}:`,
    stopped: `${feature} is ${cleanLine(view.phase)}.`,
    step: `${feature} is now${where}.`,
    change: `${feature} has changed.`,
    timeout: `${feature} is still ${cleanLine(view.phase)}${where}: time is up.`,
  };
  return [
    told[view.reason] ?? `${feature}: ${cleanLine(view.reason)}.`,
    ...view.attention.flatMap((problem) => renderProblem(problem, look)),
    ...(view.attention.length === 0 ? [cleanLine(view.waitsFor)] : []),
  ];
}

export function renderEvents(events: readonly EventView[], look: Look): string[] {
  return events.map((event) => {
    const time = timeOfDay(event.at);
    return `${look.ink(time, 'faint')}  ${fit(localTimes(cleanLine(event.text), look.now), look.columns - time.length - 2)}`;
  });
}

export function renderPane(view: OutputOf<'readPane'>): string[] {
  return clean(view.untrusted_output).split('\n');
}

/** The text alone where all is well, so that it can be piped. */
export function renderCheckpoint(view: OutputOf<'readCheckpoint'>, look: Look): string[] {
  const problem = view.problem === null ? [] : [look.ink(`${view.file}: ${cleanLine(view.problem)}`, 'strong'), ''];
  const more = view.next === null ? [] : ['', `… ${view.lineCount} lines in all; --from ${view.next} goes on.`];
  return [...problem, ...clean(view.untrusted_output).split('\n'), ...more];
}

export function renderSettle(view: OutputOf<'settle'>): string[] {
  const how = view.as === 'resend' ? 'is typed again' : 'counts as delivered';
  return [`Prompt ${view.prompt} of ${cleanLine(view.feature)} ${how}.`];
}

export function renderStop(view: OutputOf<'stop'>): string[] {
  const feature = cleanLine(view.feature);
  return [view.stopped ? `${feature} is stopped.` : `${feature} was not running.`, cleanLine(view.next)];
}

export function renderCleanup(view: OutputOf<'cleanup'>, look: Look): string[] {
  const feature = cleanLine(view.feature);
  const head = view.done
    ? `${feature} is cleaned up.`
    : view.removed.length === 0
      ? `Nothing is left of ${feature}.`
      : `This would clean ${feature} up. Nothing was touched.`;
  const listed = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', look.ink(title, 'strong'), ...lines.map((line) => `  ${cleanLine(line)}`)];
  return [
    head,
    ...listed(view.done ? 'Gone' : 'Goes', view.removed),
    ...listed('Kept', view.kept),
    ...listed('Notes', view.notes),
  ];
}

export function renderGc({ done, removed, left }: OutputOf<'gc'>, look: Look): string[] {
  const things = removed.length === 1 ? '1 thing' : `${removed.length} things`;
  const head =
    removed.length === 0
      ? 'Nothing that a crash left can be removed.'
      : done
        ? `${things} that crashes left: removed.`
        : `This would remove ${things} that crashes left. Nothing was touched.`;
  const lines = (title: string, all: typeof removed): string[] =>
    all.length === 0
      ? []
      : ['', look.ink(title, 'strong'), ...all.map(({ what, why }) => `  ${cleanLine(what)}: ${cleanLine(why)}`)];
  return [head, ...lines(done ? 'Gone' : 'Goes', removed), ...lines('Left alone', left)];
}

export function renderDoctor(view: OutputOf<'doctor'>, look: Look): string[] {
  const tones: Readonly<Record<string, Tone>> = { ok: 'good', warning: 'warning', missing: 'bad' };
  const rows = view.checks.map(({ name, state, found }) => [[state, tones[state] ?? 'plain'] as const, name, found]);
  const repairs = view.checks.filter(({ fix }) => fix !== null);
  return [
    ...table(['STATE', 'CHECK', 'FOUND'], rows, look),
    ...repairs.flatMap(({ name, fix }) => [
      '',
      `${cleanLine(name)}:`,
      ...clean(fix ?? '')
        .split('\n')
        .map((line) => `  ${line}`),
    ]),
    '',
    view.ok ? 'Everything that tmops needs is there.' : 'Something that tmops needs is missing.',
  ];
}

function listed(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${title}:`, ...items.map((item) => `  ${cleanLine(item)}`)];
}
