import type { Event } from './event.ts';
import type { Report } from './reported.ts';
import { presentStep, withoutKey, type Run } from './run.ts';
import { isAgentStep } from './workflow.ts';

export type ReportEvent = Extract<Event, { kind: 'role.reported' }>;

/** What a role says stands in place of what it said before: progress after a question means that the question is over. */
export function roleReported(run: Run, { role, what, text, at, seq }: ReportEvent): Run {
  const step = presentStep(run)?.step.id ?? null;
  const report: Report = { what, text, at, seq, prompt: run.prompts.length, step };
  return { ...run, reports: { ...run.reports, [role]: report } };
}

/** Reports that other facts take back; `run` is the state after the event. */
export function withReports(run: Run, event: Event): Run {
  const left = Object.keys(run.reports).length === 0 ? run.reports : reportsAfter(run, event);
  return left === run.reports ? run : { ...run, reports: left };
}

function reportsAfter(run: Run, event: Event): Run['reports'] {
  switch (event.kind) {
    case 'run.completed':
    case 'run.stopped':
      return {};
    case 'step.completed':
    case 'step.skipped':
    case 'step.retried':
      return withoutRole(run, roleOfStep(run, event.step));
    case 'step.reopened':
      return before(run, event.step);
    // What was said since is of work that is gone again.
    case 'rollback.done':
      return event.direction === 'undo' ? before(run, run.rollbacks[event.number - 1]?.step ?? '') : run.reports;
    case 'pane.given':
      return withoutRole(run, event.role);
    // Whoever holds the role now has said nothing.
    case 'agent.forgot':
      return withoutRole(run, event.role);
    case 'agent.launched':
      return event.resume ? run.reports : withoutRole(run, event.role);
    case 'prompt.taken':
      return answered(run, event.prompt);
    case 'prompt.settled':
      return event.as === 'delivered' ? answered(run, event.prompt) : run.reports;
    default:
      return run.reports;
  }
}

const withoutRole = ({ reports }: Run, role: string | null): Run['reports'] =>
  role !== null && reports[role] ? withoutKey(reports, role) : reports;

function roleOfStep(run: Run, id: string): string | null {
  const step = run.workflow?.steps.find((each) => each.id === id);
  return step && isAgentStep(step) ? step.role : null;
}

/** Those that were made before the step was come to: the run is back where they stood. */
function before({ reports, workflow }: Run, step: string): Run['reports'] {
  const ids = (workflow?.steps ?? []).map(({ id }) => id);
  const earlier = new Set(ids.slice(0, Math.max(0, ids.indexOf(step))));
  return Object.fromEntries(
    Object.entries(reports).filter(([, report]) => report.step !== null && earlier.has(report.step)),
  );
}

/** A message that was wanted after the report has reached its role. */
function answered(run: Run, id: number): Run['reports'] {
  const prompt = run.prompts.find((each) => each.id === id);
  const report = prompt?.purpose.kind === 'message' ? run.reports[prompt.role] : undefined;
  return prompt && report && id > report.prompt ? withoutRole(run, prompt.role) : run.reports;
}
