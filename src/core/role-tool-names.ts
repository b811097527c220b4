/**
 * What a role server can offer, in the order it is listed. `start_step` stands for one tool for each step that the role
 * hands over to (`start_testing`). A file of its own, since the workflow's schema names them too.
 */
export const ROLE_TOOLS = [
  'start_step',
  'check_status',
  'read_spec',
  'read_tests',
  'read_all',
  'write_test',
  'write_source',
  'run_tests',
  'validate_tests',
  'check_coverage',
  'analyze_quality',
  'generate_report',
  'commit',
  'write_checkpoint',
  'report',
] as const;
export type RoleToolName = (typeof ROLE_TOOLS)[number];

/** Operations behind them that run the project's own commands: how long those may take the configuration says (`evidence`). */
export const RUNS_COMMANDS: ReadonlySet<string> = new Set([
  'role-run-tests',
  'role-validate-tests',
  'role-check-coverage',
  'role-analyze-quality',
]);
/** The most that such a call may take: it may wait for the tests of others first, and runs them twice. In ms. */
export const COMMANDS_WITHIN_MS = 3 * 60 * 60_000;

/** The provider of runs that one client plays from outside of the panes. */
export const PLAYED_BY_CLIENT = 'client';

/** Played by whoever plays all roles in turn (`tmops mcp --role auto`); no role of a workflow may be called so. */
export const AUTO_ROLE = 'auto';
