import * as z from 'zod';
import { MAX_DURATION_MS, millisecondsIn } from './duration.ts';
import { AUTO_ROLE, ROLE_TOOLS } from './role-tool-names.ts';

/**
 * A workflow as data: who takes part, what is typed to whom, and which file ends each step. The shipped one
 * (`config/workflows/teamops.yaml`) is the star of TeamOps around its orchestrator; a project's own may extend it.
 */
const roleName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'a role name is a-z, 0-9 and -, beginning with a letter')
  // `tmops mcp --role auto` plays them all.
  .refine((name) => name !== AUTO_ROLE, 'a role may not be called auto');
const stepName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'a step name is a-z, 0-9 and -, beginning with a letter');
/** One safe line: it is typed into a composer as it stands (see docs/delivery.md for what may not begin or end it). */
const promptLine = z
  .string()
  .max(200)
  .regex(
    /^[^/!#?@\s\p{C}][^\p{C}]*$/u,
    'a prompt is one line that does not begin with / ! # ? @ or a space and has no control characters',
  )
  .regex(/[^\\;\s]$/, 'a prompt does not end with \\, ; or a space');
const checkpointFile = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,80}\.(md|checkpoint)$/,
    'a checkpoint is a file name ending in .md or .checkpoint',
  );

/** Relative to the worktree; it leads nowhere else, and says what it matches rather than what it does not. */
const glob = z
  .string()
  .max(200)
  .regex(/^(?![/!])(?!(?:.*\/)?\.\.(?:\/|$))[^\p{C}]+$/u, 'a glob of paths in the worktree (no leading / or !, no ..)');

const roleSchema = z.strictObject({
  title: z.string().min(1).max(40),
  /** File name of the instruction document, looked for in the framework's folder, then the workflow's own, then the shipped one. */
  instructions: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/, 'a file name without a folder'),
  /** A workflow that loses this role through `features.default_phases` makes no sense. */
  required: z.boolean().default(false),
  permission_mode: z.string().optional(),
  allow: z.array(z.string()).default([]),
  /**
   * Globs of the project that the role may not write, relative to the worktree; `{tests}` stands for the test files.
   * What lies under `.tmops` is no part of the project.
   */
  deny_writes: z.array(glob).default([]),
  /** Globs it may write, and nothing else; an empty list: nothing in the project. Absent: all but `deny_writes`. */
  allow_writes: z.array(glob).optional(),
  /** What its role server offers beside what all have (see docs/role-servers.md); absent: what suits its write rules. */
  tools: z.array(z.enum(ROLE_TOOLS)).optional(),
});

/** What is run and compared to see whether the step did what it says. */
const evidence = z.strictObject({
  /** Before the step is asked for, the project's tests pass: what fails afterwards fails because of the step. */
  before: z.literal('tests-pass').optional(),
  /** How the project's tests have to end once its checkpoint is there. */
  tests: z.enum(['fail', 'pass']).optional(),
  /** With the files that the step added taken out, the tests pass: it is the added ones that fail. */
  without_added: z.literal('tests-pass').optional(),
});

/** Kept as it is written, so that a workflow that was read can be read again. */
const stepLimit = z
  .string()
  .refine(
    (text) => text === 'never' || (millisecondsIn(text) >= 1000 && millisecondsIn(text) <= MAX_DURATION_MS),
    'a duration such as 30s, 10m or 2h, at least 1s and at most 24d, or never',
  );

const agentStep = z.strictObject({
  id: stepName,
  role: roleName,
  /** `{feature}`, `{run}`, `{role}` and `{previous}` (title of the role whose work came before) are filled in. */
  prompt: promptLine,
  checkpoint: checkpointFile,
  kind: z.enum(['checkpoint', 'summary']).default('checkpoint'),
  /** Headings without which the checkpoint is not whole. */
  sections: z.array(z.string()).default([]),
  phase: z.enum(['discovery', 'testing', 'implementation', 'verification']).optional(),
  /** The step is there to trigger this role and is left out with it. */
  for: roleName.optional(),
  /** `human`: somebody has to approve the checkpoint before the next step begins. */
  gate: z.enum(['auto', 'human']).default('auto'),
  evidence: evidence.optional(),
  /** How often the role is asked again by itself when its claim was refuted; then a human is. */
  retries: z.number().int().min(0).max(10).default(1),
  /** `tests`: its checkpoint is written by tmops as soon as `run_tests` of its role ends as `evidence.tests` says. */
  moves_on: z.literal('tests').optional(),
  /** How long it may take, instead of `features.phase_limit`; then its agent is interrupted. */
  limit: stepLimit.optional(),
});

const moduleStep = z.strictObject({
  id: stepName,
  /** Name of a module of the configuration (`modules:`) with validate, execute and rollback. */
  module: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
  with: z.record(z.string(), z.unknown()).default({}),
  for: roleName.optional(),
  /** How long it may take, instead of `features.phase_limit`; then it has failed. */
  limit: stepLimit.optional(),
});

const stepSchema = z.union([agentStep, moduleStep]);

export const workflowFile = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,40}$/),
  description: z.string().optional(),
  /** Name of a shipped workflow: its roles and steps come first, ours are added or replace those of the same name. */
  extends: z.string().optional(),
  roles: z.record(roleName, roleSchema).default({}),
  /** Typed to a role whose agent was started again in the middle of its step; `{checkpoint}` is the file that is missing. */
  reminder: promptLine.optional(),
  /** How often a role that ended its turn without its checkpoint is reminded; then a human is asked. */
  reminders: z.number().int().min(0).max(10).optional(),
  /** Typed to a role whose checkpoint was sent back; `{file}` says why, `{checkpoint}` is to be written anew. */
  correction: promptLine.optional(),
  /** Globs of the project's test files, relative to the worktree: what `{tests}` in write rules stands for. */
  tests: z.array(glob).optional(),
  /** Globs of what running the tests leaves behind in the worktree: it is nobody's work and breaks nobody's write rules. */
  generated: z.array(glob).optional(),
  /** With `extends`, a new step names the one it comes directly after; one of a known id replaces that one in its place. */
  steps: z
    .array(
      z.union([agentStep.extend({ after: stepName.optional() }), moduleStep.extend({ after: stepName.optional() })]),
    )
    .default([]),
});

export const workflowSchema = z.strictObject({
  name: z.string(),
  roles: z.record(roleName, roleSchema),
  reminder: promptLine,
  reminders: z.number().int(),
  correction: promptLine,
  tests: z.array(glob),
  generated: z.array(glob).default([]),
  steps: z.array(stepSchema).min(1),
});

export type WorkflowFile = z.output<typeof workflowFile>;
export type Workflow = z.output<typeof workflowSchema>;
export type Role = Workflow['roles'][string];
export type AgentStep = z.output<typeof agentStep>;
export type ModuleStep = z.output<typeof moduleStep>;
export type Step = AgentStep | ModuleStep;

/** A workflow that cannot be. */
export interface WorkflowFault {
  readonly where: 'workflow' | 'default_phases';
  /** Leads to the offending place: in the workflow's own file, not in the one it extends, or in the configuration. */
  readonly path: readonly (string | number)[];
  /** What stands there; null where something is missing. */
  readonly found: string | null;
  readonly expected: string;
  /** The names that may stand there, where it is one of a few. */
  readonly allowed?: readonly string[];
}

export type WorkflowResult =
  | { readonly ok: true; readonly workflow: Workflow }
  | { readonly ok: false; readonly faults: readonly WorkflowFault[] };

export const isAgentStep = (step: Step): step is AgentStep => 'role' in step;

/** What the braces of a step's prompt may hold. */
export const PROMPT_PLACEHOLDERS: readonly string[] = ['feature', 'run', 'role', 'previous'];
/** What the braces of the reminder may hold. */
export const REMINDER_PLACEHOLDERS: readonly string[] = ['checkpoint', 'role'];
/** What the braces of the correction may hold. */
export const CORRECTION_PLACEHOLDERS: readonly string[] = ['checkpoint', 'file'];

/** The line typed for a step. `previous` is the title of the last role that worked before it, other than its own. */
export function promptOf(
  workflow: Workflow,
  index: number,
  names: { readonly feature: string; readonly run: string },
): string {
  const step = workflow.steps[index];
  if (!step || !isAgentStep(step)) throw new Error(`Internal error: step ${index} of ${workflow.name} has no prompt`);
  const before = workBefore(workflow.steps, index, step.role);
  const values: Record<string, string> = {
    ...names,
    role: step.role,
    previous: workflow.roles[before?.role ?? step.role]?.title ?? step.role,
  };
  return step.prompt.replaceAll(/\{([a-z]+)\}/g, (all, name: string) => values[name] ?? all);
}

/** The line typed when a step goes on after its agent was started again. */
export const reminderOf = (workflow: Workflow, step: AgentStep): string =>
  workflow.reminder.replaceAll('{checkpoint}', step.checkpoint).replaceAll('{role}', step.role);

/** The line typed when a step's checkpoint was sent back. `file` is what says why, relative to the worktree. */
export const correctionOf = (workflow: Workflow, step: AgentStep, file: string): string =>
  workflow.correction.replaceAll('{checkpoint}', step.checkpoint).replaceAll('{file}', file);

/** What a role may write in the project, as globs; `allow` null: everything that is not denied. */
export interface WriteRules {
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
}

/** The write rules of a role with `{tests}` filled in; null where it has none. */
export function writeRulesOf(workflow: Pick<Workflow, 'roles' | 'tests'>, role: string): WriteRules | null {
  const { allow_writes: allow, deny_writes: deny = [] } = workflow.roles[role] ?? {};
  if (allow === undefined && deny.length === 0) return null;
  const filled = (globs: readonly string[]): string[] =>
    globs.flatMap((glob) => (glob === '{tests}' ? workflow.tests : [glob]));
  return { allow: allow === undefined ? null : filled(allow), deny: filled(deny) };
}

/** The last step of another role before the one at `index`: what `{previous}` speaks of. */
export const workBefore = (steps: readonly Step[], index: number, role: string): AgentStep | undefined =>
  steps
    .slice(0, index)
    .filter(isAgentStep)
    .findLast((earlier) => earlier.role !== role);
