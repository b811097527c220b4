import {
  CORRECTION_PLACEHOLDERS,
  PROMPT_PLACEHOLDERS,
  REMINDER_PLACEHOLDERS,
  workBefore,
  type AgentStep,
  type Step,
  type Workflow,
  type WorkflowFault,
  type WorkflowFile,
  type WorkflowResult,
} from './workflow.ts';

/**
 * Puts a file over the workflow it extends (null: none). Its roles are added or replace those of the same name; a step
 * of a known id replaces it in its place, a new one goes directly behind its `after`. Faults lead into the file.
 */
export function layOver(base: Workflow | null, file: WorkflowFile): WorkflowResult {
  const workflow: Workflow = {
    name: file.name,
    roles: { ...base?.roles, ...file.roles },
    reminder: file.reminder ?? base?.reminder ?? DEFAULT_REMINDER,
    reminders: file.reminders ?? base?.reminders ?? 2,
    correction: file.correction ?? base?.correction ?? DEFAULT_CORRECTION,
    tests: file.tests ?? base?.tests ?? [...DEFAULT_TESTS],
    generated: file.generated ?? base?.generated ?? [...DEFAULT_GENERATED],
    steps: stepsOver(base?.steps ?? [], file),
  };
  const faults = [
    ...placeFaults(base, file),
    ...file.steps.flatMap((_, index) => stepFaults(workflow, file, index)),
    ...placeholderFaults(['reminder'], file.reminder ?? '', REMINDER_PLACEHOLDERS),
    ...placeholderFaults(['correction'], file.correction ?? '', CORRECTION_PLACEHOLDERS),
  ];
  if (workflow.steps.length === 0) faults.push(fault(['steps'], null, 'at least one step'));
  return faults.length > 0 ? { ok: false, faults } : { ok: true, workflow };
}

const DEFAULT_REMINDER = '[CONTINUE]: {checkpoint} is not there yet. Go on with your step.';

const DEFAULT_CORRECTION = '[CORRECTION]: Read {file}, do what it says and write {checkpoint} anew.';

/** Where tests stand in most projects, whatever their language. */
const DEFAULT_TESTS: readonly string[] = [
  'test/**',
  'tests/**',
  'spec/**',
  '**/__tests__/**',
  '**/*.test.*',
  '**/*.spec.*',
  '**/*_test.*',
  '**/test_*.py',
];

/** What test runners write beside the sources where a project does not ignore it. */
const DEFAULT_GENERATED: readonly string[] = [
  '**/__pycache__/**',
  '**/.pytest_cache/**',
  '.coverage',
  '.coverage.*',
  'coverage/**',
  '.nyc_output/**',
];

type FileStep = WorkflowFile['steps'][number];

/** A step whose `after` leads nowhere goes to the end, so that those behind it are not blamed as well. */
function stepsOver(base: readonly Step[], file: WorkflowFile): Step[] {
  const steps = [...base];
  for (const { after, ...step } of file.steps) {
    const same = base.some((known) => known.id === step.id) ? idsOf(steps).indexOf(step.id) : -1;
    const behind = after === undefined ? -1 : idsOf(steps).indexOf(after);
    if (same >= 0) steps[same] = step;
    else steps.splice(behind < 0 ? steps.length : behind + 1, 0, step);
  }
  return steps;
}

const idsOf = (steps: readonly { readonly id: string }[]): string[] => steps.map((step) => step.id);

const fault = (
  path: WorkflowFault['path'],
  found: string | null,
  expected: string,
  allowed?: readonly string[],
): WorkflowFault => ({ where: 'workflow', path, found, expected, ...(allowed ? { allowed } : {}) });

const oneOf = (path: WorkflowFault['path'], found: string, what: string, allowed: readonly string[]): WorkflowFault =>
  fault(path, found, `one of the ${what} ${allowed.join(', ')}`, allowed);

function placeFaults(base: Workflow | null, file: WorkflowFile): WorkflowFault[] {
  return file.steps.flatMap(({ id, after }, index): WorkflowFault[] => {
    const path = ['steps', index, 'after'];
    const above = [...idsOf(base?.steps ?? []), ...idsOf(file.steps.slice(0, index))].filter((each) => each !== id);
    if (base && idsOf(base.steps).includes(id)) {
      if (after === undefined) return [];
      return [fault(path, after, `no after: the step ${id} of ${base.name} is replaced in its place`)];
    }
    if (after === undefined) {
      return base ? [fault(path, null, `the step of ${base.name} that ${id} comes directly after`, above)] : [];
    }
    if (above.includes(after)) return [];
    const isBelow = idsOf(file.steps.slice(index)).includes(after);
    const expected = `a step that stands above ${id}: ${after} does not`;
    return [isBelow ? fault(path, after, expected, above) : oneOf(path, after, 'steps', above)];
  });
}

function stepFaults(workflow: Workflow, file: WorkflowFile, index: number): WorkflowFault[] {
  const step = file.steps[index];
  if (!step) throw new Error(`Internal error: ${file.name} has no step ${index}`);
  const roles = Object.keys(workflow.roles);
  const at = (key: string): (string | number)[] => ['steps', index, key];
  const faults: WorkflowFault[] = [];
  const first = idsOf(file.steps).indexOf(step.id);
  if (first < index) faults.push(fault(at('id'), step.id, `a name of its own: steps[${first}] has this one`));
  if (step.for !== undefined && !roles.includes(step.for)) faults.push(oneOf(at('for'), step.for, 'roles', roles));
  if (!('role' in step)) return faults;
  if (!roles.includes(step.role)) faults.push(oneOf(at('role'), step.role, 'roles', roles));
  const rival = rivalOf(workflow, file, index, step.checkpoint);
  if (rival) faults.push(fault(at('checkpoint'), step.checkpoint, `a file of its own: the step ${rival} has this one`));
  return [
    ...faults,
    ...placeholderFaults(at('prompt'), step.prompt, PROMPT_PLACEHOLDERS),
    ...previousFaults(workflow, step, at('prompt')),
  ];
}

/** The step that ends with the same file and was there first. */
function rivalOf(workflow: Workflow, file: WorkflowFile, index: number, checkpoint: string): string | undefined {
  const below = workflow.steps.filter((step) => !idsOf(file.steps).includes(step.id));
  return [...below, ...file.steps.slice(0, index)].find(
    (other) => 'checkpoint' in other && other.checkpoint === checkpoint,
  )?.id;
}

function placeholderFaults(
  path: WorkflowFault['path'],
  line: string,
  placeholders: readonly string[],
): WorkflowFault[] {
  const allowed = placeholders.map((name) => `{${name}}`);
  return Array.from(line.matchAll(/\{[^}]*\}/g), ([found]) => found)
    .filter((found) => !allowed.includes(found))
    .map((found) => fault(path, found, `the placeholders ${allowed.join(', ')} (${found} is none of them)`, allowed));
}

function previousFaults(workflow: Workflow, step: FileStep & AgentStep, path: WorkflowFault['path']): WorkflowFault[] {
  const index = idsOf(workflow.steps).indexOf(step.id);
  if (!step.prompt.includes('{previous}') || workBefore(workflow.steps, index, step.role)) return [];
  return [fault(path, '{previous}', `no {previous}: no other role has a step before ${step.id}`)];
}
