import type { Event, EventKind } from './event.ts';
import { LOG_LEVELS, type LogComponent, type LogLevel } from './log-words.ts';
import type { Run } from './run.ts';
import { whereIn } from './where.ts';

/** What of a role's log is wanted; null: all. */
export interface LogFilter {
  /** The least level. */
  readonly level: LogLevel;
  readonly component: LogComponent | null;
}

export const componentOf = (kind: EventKind): LogComponent => ENTRIES[kind][0];

export function levelOf(event: Event): LogLevel {
  const [, level] = ENTRIES[event.kind] as readonly [LogComponent, LogLevel | ((event: Event) => LogLevel)];
  return typeof level === 'string' ? level : level(event);
}

/** Whether the event is about the role: about it alone, or about the whole run. */
export function concerns(run: Run, event: Event, role: string): boolean {
  const about = whereIn(run, event).role;
  return about === undefined || about === role;
}

export const passes = (event: Event, { level, component }: LogFilter): boolean =>
  LOG_LEVELS.indexOf(levelOf(event)) >= LOG_LEVELS.indexOf(level) &&
  (component === null || componentOf(event.kind) === component);

type Level<K extends EventKind> = LogLevel | ((event: Extract<Event, { kind: K }>) => LogLevel);

/**
 * debug: what happens all the time when all is well. info: how the work goes on. warning: it waits for somebody, or something
 * went otherwise than meant. error: it does not go on by itself.
 */
const ENTRIES: { readonly [K in EventKind]: readonly [LogComponent, Level<K>] } = {
  'run.initialised': ['run', 'info'],
  'run.started': ['run', 'info'],
  'run.surveyed': ['run', 'debug'],
  'run.completed': ['run', 'info'],
  'run.stopped': ['run', ({ problem }) => (problem === undefined ? 'info' : 'error')],
  'run.queued': ['run', 'info'],
  'run.unqueued': ['run', ({ problem }) => (problem === null ? 'info' : 'error')],
  'run.paused': ['run', 'info'],
  'run.resumed': ['run', 'info'],
  'supervisor.began': ['run', 'debug'],
  'session.opened': ['session', 'info'],
  'session.lost': ['session', 'error'],
  'conversation.adopted': ['agent', 'info'],
  'agent.launched': ['agent', 'info'],
  'agent.placed': ['agent', 'debug'],
  'agent.process': ['agent', 'debug'],
  'agent.session': ['agent', 'info'],
  'agent.turn-began': ['agent', 'info'],
  'agent.turn-ended': ['agent', ({ failed }) => (failed === null ? 'info' : 'warning')],
  'agent.asking': ['agent', 'warning'],
  'agent.worked': ['agent', 'debug'],
  'agent.answered': ['agent', 'info'],
  'agent.exited': ['agent', ({ deliberate }) => (deliberate ? 'info' : 'warning')],
  'agent.forgot': ['agent', 'warning'],
  'agent.failed': ['agent', 'error'],
  'agent.parked': ['agent', 'warning'],
  'agent.unparked': ['agent', 'info'],
  'dialog.answered': ['agent', 'info'],
  'role.reported': ['agent', ({ what }) => (what === 'progress' ? 'info' : 'warning')],
  'memory.noted': ['agent', ({ level }) => (level === 'ok' ? 'info' : level === 'limit' ? 'error' : 'warning')],
  'interrupt.pressed': ['agent', 'warning'],
  'interrupt.failed': ['agent', 'error'],
  'pane.taken': ['pane', 'info'],
  'pane.used': ['pane', 'debug'],
  'pane.left': ['pane', 'debug'],
  'pane.returning': ['pane', 'debug'],
  'pane.given': ['pane', 'info'],
  'prompt.wanted': ['prompt', 'info'],
  'prompt.withdrawn': ['prompt', 'info'],
  'prompt.intended': ['prompt', 'debug'],
  'prompt.typed': ['prompt', 'debug'],
  'prompt.entered': ['prompt', 'debug'],
  'prompt.taken': ['prompt', 'info'],
  'prompt.held': ['prompt', 'warning'],
  'prompt.stuck': ['prompt', 'error'],
  'prompt.reopened': ['prompt', 'warning'],
  'prompt.settled': ['prompt', 'info'],
  'step.began': ['step', 'info'],
  'step.completed': ['step', 'info'],
  'step.skipped': ['step', 'info'],
  'step.retried': ['step', 'info'],
  'step.reopened': ['step', 'info'],
  'step.overran': ['step', 'warning'],
  'rollback.began': ['step', 'info'],
  'rollback.done': ['step', 'info'],
  'rollback.failed': ['step', 'error'],
  'rollback.retried': ['step', 'info'],
  'checkpoint.seen': ['checkpoint', 'info'],
  'checkpoint.refused': ['checkpoint', 'warning'],
  'checkpoint.gone': ['checkpoint', 'debug'],
  'check.wanted': ['check', 'debug'],
  'check.passed': ['check', 'info'],
  'check.failed': ['check', 'warning'],
  'check.waived': ['check', 'warning'],
  'gate.approved': ['gate', 'info'],
  'gate.rejected': ['gate', 'warning'],
  'module.failed': ['module', 'error'],
  'branch.known': ['branch', 'debug'],
  'conflict.found': ['branch', 'error'],
  'conflict.over': ['branch', 'info'],
  'conflict.settling': ['branch', 'info'],
  'conflict.kept': ['branch', 'info'],
  'conflict.failed': ['branch', 'error'],
  'conflict.settled': ['branch', 'info'],
};
