import {
  isAgentStep,
  workBefore,
  type Step,
  type Workflow,
  type WorkflowFault,
  type WorkflowResult,
} from './workflow.ts';

/** Keeps the chosen roles (`features.default_phases`) and the steps that still make sense without the others. */
export function chooseRoles(workflow: Workflow, roles: readonly string[]): WorkflowResult {
  const wrongNames = nameFaults(workflow, roles);
  if (wrongNames.length > 0) return { ok: false, faults: wrongNames };
  const lacking = lackOf(workflow, roles);
  if (lacking !== null) {
    const expected = `a list with ${lacking}; [${completed(workflow, roles).join(', ')}] would do`;
    return { ok: false, faults: [{ where: 'default_phases', path: PATH, found: roles.join(', '), expected }] };
  }
  const chosen = Object.fromEntries(Object.entries(workflow.roles).filter(([name]) => roles.includes(name)));
  return { ok: true, workflow: { ...workflow, roles: chosen, steps: stepsFor(workflow, roles) } };
}

const PATH = ['features', 'default_phases'];

function nameFaults(workflow: Workflow, roles: readonly string[]): WorkflowFault[] {
  const known = Object.keys(workflow.roles);
  return roles.flatMap((role, index): WorkflowFault[] => {
    const fault = { where: 'default_phases', path: [...PATH, index], found: role } as const;
    if (!known.includes(role))
      return [{ ...fault, expected: `one of the roles ${known.join(', ')} of ${workflow.name}`, allowed: known }];
    return roles.indexOf(role) === index ? [] : [{ ...fault, expected: 'each role once' }];
  });
}

/** What a list of known roles lacks to make a workflow, as the end of "a list with …"; null when it lacks nothing. */
function lackOf(workflow: Workflow, roles: readonly string[]): string | null {
  const required = Object.keys(workflow.roles).filter((name) => workflow.roles[name]?.required);
  const workers = Object.keys(workflow.roles).filter((name) => !required.includes(name));
  const missing = required.filter((name) => !roles.includes(name));
  if (missing.length > 0) return `${missing.join(' and ')}, which ${workflow.name} cannot do without`;
  const steps = stepsFor(workflow, roles);
  if (workers.length > 0 && !steps.some((step) => isAgentStep(step) && workers.includes(step.role)))
    return `at least one of ${workers.join(', ')}, so that there is work to hand over`;
  const orphan = steps.find(
    (step, index) => isAgentStep(step) && step.prompt.includes('{previous}') && !workBefore(steps, index, step.role),
  );
  if (!orphan) return null;
  const before = rolesBefore(workflow, orphan).filter((role) => !roles.includes(role));
  return `${before.join(' or ')}, whose work the step ${orphan.id} is told of`;
}

/** The steps whose role takes part, and whose `for` does. */
function stepsFor(workflow: Workflow, roles: readonly string[]): Step[] {
  return workflow.steps.filter(
    (step) => (step.for === undefined || roles.includes(step.for)) && (!isAgentStep(step) || roles.includes(step.role)),
  );
}

/** The roles that have a step before this one, in the order of the workflow. */
function rolesBefore(workflow: Workflow, step: Step): string[] {
  const earlier = workflow.steps.slice(0, workflow.steps.indexOf(step)).filter(isAgentStep);
  return Object.keys(workflow.roles).filter((role) => earlier.some((each) => each.role === role));
}

/** The list with one more role that makes it right; where no single one does, every role. */
function completed(workflow: Workflow, roles: readonly string[]): string[] {
  const known = Object.keys(workflow.roles);
  const withOne = known
    .filter((name) => !roles.includes(name))
    .map((name) => known.filter((each) => each === name || roles.includes(each)))
    .find((list) => lackOf(workflow, list) === null);
  return withOne ?? known;
}
