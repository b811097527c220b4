/** How much an entry of a log matters, the least first. */
export const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What of a run an entry of a log tells of. */
export const LOG_COMPONENTS = [
  'run',
  'session',
  'agent',
  'pane',
  'prompt',
  'step',
  'checkpoint',
  'check',
  'gate',
  'module',
  'branch',
] as const;
export type LogComponent = (typeof LOG_COMPONENTS)[number];
