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

/** The provider of runs that one client plays from outside of the panes. */
export const PLAYED_BY_CLIENT = 'client';

/** Played by whoever plays all roles in turn (`tmops mcp --role auto`); no role of a workflow may be called so. */
export const AUTO_ROLE = 'auto';
