import { isAgentStep, writeRulesOf, type AgentStep, type Workflow } from './workflow.ts';
import { ROLE_TOOLS, type RoleToolName } from './role-tool-names.ts';

/** A tool of a role server. `hands`: the step whose checkpoint it writes and the one that comes next, for `start_…`. */
export interface RoleTool {
  readonly name: string;
  readonly does: RoleToolName;
  readonly hands: { readonly step: string; readonly next: string } | null;
}

/** What every role has: it says how things stand, ends its steps, and says when it cannot. */
const COMMON: readonly RoleToolName[] = ['check_status', 'write_checkpoint', 'report'];

/**
 * The tools of a role. A workflow names them (`tools` of the role); a role that names none reads, runs the tests, and
 * writes source where its write rules leave it anything to write. Empty for a role the workflow does not have.
 */
export function roleTools(workflow: Workflow, role: string): readonly RoleTool[] {
  const known = Object.hasOwn(workflow.roles, role) ? workflow.roles[role] : undefined;
  if (!known) return [];
  const named = new Set([...COMMON, ...(known.tools ?? fallback(workflow, role))]);
  return ROLE_TOOLS.filter((name) => named.has(name)).flatMap((name): readonly RoleTool[] =>
    name === 'start_step' ? handovers(workflow, role) : [{ name, does: name, hands: null }],
  );
}

function fallback(workflow: Workflow, role: string): readonly RoleToolName[] {
  const writes = writeRulesOf(workflow, role)?.allow?.length !== 0;
  return ['read_spec', 'read_all', 'run_tests', ...(writes ? (['write_source', 'commit'] as const) : [])];
}

/** One for each step of another role that comes directly after one of this role's: `start_testing`. */
function handovers({ steps }: Workflow, role: string): readonly RoleTool[] {
  const agents = steps.filter(isAgentStep);
  return agents.flatMap((step, index): readonly RoleTool[] => {
    const next = agents[index + 1];
    if (step.role !== role || next === undefined || next.role === role) return [];
    const name = `start_${next.id.replaceAll('-', '_')}`;
    return [{ name, does: 'start_step', hands: { step: step.id, next: next.id } }];
  });
}

/** The agent step of that id, or undefined. */
export const agentStepOf = (workflow: Workflow, id: string): AgentStep | undefined =>
  workflow.steps.filter(isAgentStep).find((step) => step.id === id);
