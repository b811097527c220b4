import { describe, expect, test } from 'vitest';
import { chooseRoles } from '../../src/core/choose-roles.ts';
import { layOver } from '../../src/core/lay-over.ts';
import { promptOf, reminderOf, workflowFile } from '../../src/core/workflow.ts';
import type { Workflow, WorkflowFault, WorkflowResult } from '../../src/core/workflow.ts';

const role = (title: string, more: object = {}) => ({ title, instructions: 'r.md', ...more });
const lead = role('Lead', { required: true });
const dev = role('Developer');
const critic = role('Critic');

const begin = { id: 'plan', role: 'lead', prompt: '[BEGIN]: Plan {feature}', checkpoint: '1-plan.md' };
const build = { id: 'build', role: 'dev', prompt: '[BEGIN]: Build', checkpoint: '2-built.md' };
const trigger = {
  id: 'trigger',
  role: 'lead',
  for: 'critic',
  prompt: '[CONFIRMED]: {previous} has completed',
  checkpoint: '3-trigger.md',
};
const review = { id: 'review', role: 'critic', prompt: '[BEGIN]: Review as {role}', checkpoint: '4-review.md' };
const close = { id: 'close', role: 'lead', prompt: '[CONFIRMED]: {previous} has completed', checkpoint: 'SUMMARY.md' };

const whole = { name: 'small', roles: { lead, dev, critic }, steps: [begin, build, trigger, review, close] };

/** The workflow of a file given as it stands in YAML. */
function workflowOf(file: object, base: Workflow | null = null): Workflow {
  return right(layOver(base, workflowFile.parse(file)));
}

function right(result: WorkflowResult): Workflow {
  if (!result.ok) throw new Error(`expected a workflow, got ${JSON.stringify(result.faults, null, 1)}`);
  return result.workflow;
}

/** `path "found": expected`. */
function faultsOf(result: WorkflowResult): string[] {
  if (result.ok) throw new Error('expected faults, got a workflow');
  return result.faults.map(told);
}

const told = ({ path, found, expected }: WorkflowFault): string => `${path.join('.')} ${String(found)}: ${expected}`;

const ids = (workflow: Workflow): string => workflow.steps.map((step) => step.id).join(' ');

const small = workflowOf(whole);

describe('a file over the workflow it extends', () => {
  const rows: { given: string; file: object; steps: string }[] = [
    { given: 'nothing of its own', file: {}, steps: 'plan build trigger review close' },
    {
      given: 'a new step',
      file: { steps: [{ ...build, id: 'polish', after: 'build', checkpoint: 'p.md' }] },
      steps: 'plan build polish trigger review close',
    },
    {
      given: 'a step after a new one',
      file: {
        steps: [
          { id: 'lint', after: 'build', module: 'lint' },
          { id: 'types', after: 'lint', module: 'types' },
        ],
      },
      steps: 'plan build lint types trigger review close',
    },
    {
      given: 'a step after the last',
      file: { steps: [{ id: 'publish', after: 'close', module: 'publish' }] },
      steps: 'plan build trigger review close publish',
    },
    {
      given: 'a step of a known name',
      file: { steps: [{ ...review, checkpoint: 'other.md' }] },
      steps: 'plan build trigger review close',
    },
    {
      given: 'a role and its step',
      file: {
        roles: { scribe: role('Scribe') },
        steps: [{ ...review, id: 'notes', after: 'review', role: 'scribe', checkpoint: 'n.md' }],
      },
      steps: 'plan build trigger review notes close',
    },
  ];
  test.each(rows)('$given', ({ file, steps }) => {
    expect(ids(workflowOf({ name: 'mine', ...file }, small))).toBe(steps);
  });

  test('a replaced step, role and reminder are those of the file', () => {
    const file = {
      name: 'mine',
      roles: { critic: role('Judge') },
      reminder: 'Go on, {role}',
      steps: [{ ...review, checkpoint: 'j.md' }],
    };
    const mine = workflowOf(file, small);
    expect(mine).toMatchObject({
      name: 'mine',
      reminder: 'Go on, {role}',
      roles: { critic: { title: 'Judge' }, dev: { title: 'Developer' } },
    });
    expect(mine.steps[3]).toMatchObject({ id: 'review', checkpoint: 'j.md' });
    expect(mine.steps[3]).not.toHaveProperty('after');
    expect(small.steps[3]).toMatchObject({ checkpoint: '4-review.md' });
  });
});

describe('a file that makes no workflow', () => {
  const known = 'plan, build, trigger, review, close';
  const rows: { given: string; file: object; alone?: true; faults: string[] }[] = [
    {
      given: 'a slip in after',
      file: { steps: [{ id: 'lint', after: 'biuld', module: 'lint' }] },
      faults: [`steps.0.after biuld: one of the steps ${known}`],
    },
    {
      given: 'a slip in after does not spread to the steps behind it',
      file: {
        steps: [
          { id: 'lint', after: 'biuld', module: 'lint' },
          { id: 'types', after: 'lint', module: 'types' },
        ],
      },
      faults: [`steps.0.after biuld: one of the steps ${known}`],
    },
    {
      given: 'after names a step further down',
      file: {
        steps: [
          { id: 'types', after: 'lint', module: 'types' },
          { id: 'lint', after: 'build', module: 'lint' },
        ],
      },
      faults: ['steps.0.after lint: a step that stands above types: lint does not'],
    },
    {
      given: 'after names the step itself',
      file: { steps: [{ id: 'lint', after: 'lint', module: 'lint' }] },
      faults: ['steps.0.after lint: a step that stands above lint: lint does not'],
    },
    {
      given: 'a new step without after',
      file: { steps: [{ id: 'lint', module: 'lint' }] },
      faults: ['steps.0.after null: the step of small that lint comes directly after'],
    },
    {
      given: 'after on a step that replaces one',
      file: { steps: [{ ...review, after: 'plan' }] },
      faults: ['steps.0.after plan: no after: the step review of small is replaced in its place'],
    },
    {
      given: 'a role nobody has, counted in the file and not in the whole',
      file: {
        steps: [
          { id: 'lint', after: 'build', module: 'lint' },
          { ...build, id: 'more', after: 'build', role: 'devv', for: 'critc', checkpoint: 'm.md' },
        ],
      },
      faults: [
        'steps.1.for critc: one of the roles lead, dev, critic',
        'steps.1.role devv: one of the roles lead, dev, critic',
      ],
    },
    {
      given: 'the same name twice in the file',
      file: {
        steps: [
          { id: 'lint', after: 'build', module: 'a' },
          { id: 'lint', after: 'build', module: 'b' },
        ],
      },
      faults: ['steps.1.id lint: a name of its own: steps[0] has this one'],
    },
    {
      given: 'a checkpoint that a step below it has',
      file: { steps: [{ ...build, id: 'more', after: 'plan', checkpoint: '4-review.md' }] },
      faults: ['steps.0.checkpoint 4-review.md: a file of its own: the step review has this one'],
    },
    {
      given: 'placeholders that are none',
      file: { reminder: 'Go on with {step}', steps: [{ ...review, prompt: 'Review {prevous} in {feature}{}' }] },
      faults: [
        'steps.0.prompt {prevous}: the placeholders {feature}, {run}, {role}, {previous} ({prevous} is none of them)',
        'steps.0.prompt {}: the placeholders {feature}, {run}, {role}, {previous} ({} is none of them)',
        'reminder {step}: the placeholders {checkpoint}, {role} ({step} is none of them)',
      ],
    },
    {
      given: '{previous} where nobody worked before',
      file: { steps: [{ ...begin, prompt: '{previous} is done' }] },
      faults: ['steps.0.prompt {previous}: no {previous}: no other role has a step before plan'],
    },
    { given: 'no step at all', alone: true, file: { roles: { lead } }, faults: ['steps null: at least one step'] },
    {
      given: 'a file of its own with a step twice',
      alone: true,
      file: { roles: { lead }, steps: [begin, { ...begin, checkpoint: 'x.md' }] },
      faults: ['steps.1.id plan: a name of its own: steps[0] has this one'],
    },
  ];
  test.each(rows)('$given', ({ file, alone, faults }) => {
    const parsed = workflowFile.parse({ name: 'mine', ...file });
    expect(faultsOf(layOver(alone ? null : small, parsed))).toEqual(faults);
  });

  test('what may stand there is given, for a suggestion', () => {
    const slip = layOver(
      small,
      workflowFile.parse({ name: 'mine', steps: [{ id: 'x', after: 'biuld', module: 'x' }] }),
    );
    expect(slip).toMatchObject({ faults: [{ allowed: ['plan', 'build', 'trigger', 'review', 'close'] }] });
  });
});

describe('the roles that take part', () => {
  const rows: { given: string[]; steps: string }[] = [
    { given: ['lead', 'dev', 'critic'], steps: 'plan build trigger review close' },
    { given: ['critic', 'dev', 'lead'], steps: 'plan build trigger review close' },
    { given: ['lead', 'dev'], steps: 'plan build close' },
  ];
  test.each(rows)('$given', ({ given, steps }) => {
    const chosen = right(chooseRoles(small, given));
    expect(ids(chosen)).toBe(steps);
    expect(Object.keys(chosen.roles)).toEqual(['lead', 'dev', 'critic'].filter((name) => given.includes(name)));
  });

  test('the step of a module goes with the role it is for', () => {
    const gated = workflowOf(
      { name: 'g', steps: [{ id: 'gate', after: 'review', for: 'critic', module: 'gate' }] },
      small,
    );
    expect(ids(right(chooseRoles(gated, ['lead', 'dev', 'critic'])))).toContain('gate');
    expect(ids(right(chooseRoles(gated, ['lead', 'dev'])))).toBe('plan build close');
  });

  test('a team where nobody can be missed', () => {
    const roles = { lead, dev: { ...dev, required: true } };
    const pair = workflowOf({ name: 'pair', roles, steps: [begin, build] });
    expect(ids(right(chooseRoles(pair, ['lead', 'dev'])))).toBe('plan build');
  });
});

describe('roles that make no workflow', () => {
  const list = 'features.default_phases';
  const rows: { given: string[]; faults: string[] }[] = [
    { given: ['lead', 'devv'], faults: [`${list}.1 devv: one of the roles lead, dev, critic of small`] },
    { given: ['lead', 'dev', 'dev'], faults: [`${list}.2 dev: each role once`] },
    {
      given: ['dev', 'critic'],
      faults: [`${list} dev, critic: a list with lead, which small cannot do without; [lead, dev, critic] would do`],
    },
    {
      given: ['lead'],
      faults: [
        `${list} lead: a list with at least one of dev, critic, so that there is work to hand over; [lead, dev] would do`,
      ],
    },
    {
      given: ['lead', 'critic'],
      faults: [
        `${list} lead, critic: a list with dev, whose work the step trigger is told of; [lead, dev, critic] would do`,
      ],
    },
  ];
  test.each(rows)('$given', ({ given, faults }) => {
    expect(faultsOf(chooseRoles(small, given))).toEqual(faults);
  });
});

describe('the line typed for a step', () => {
  const names = { feature: 'auth-api', run: 'initial' };
  const rows: { given: string; roles: string[]; step: string; line: string }[] = [
    { given: 'the feature', roles: ['lead', 'dev'], step: 'plan', line: '[BEGIN]: Plan auth-api' },
    { given: 'the role', roles: ['lead', 'dev', 'critic'], step: 'review', line: '[BEGIN]: Review as critic' },
    {
      given: 'the title of who worked before',
      roles: ['lead', 'dev', 'critic'],
      step: 'trigger',
      line: '[CONFIRMED]: Developer has completed',
    },
    {
      given: 'not its own role',
      roles: ['lead', 'dev', 'critic'],
      step: 'close',
      line: '[CONFIRMED]: Critic has completed',
    },
    {
      given: 'with a shorter list',
      roles: ['lead', 'dev'],
      step: 'close',
      line: '[CONFIRMED]: Developer has completed',
    },
  ];
  test.each(rows)('$given', ({ roles, step, line }) => {
    const chosen = right(chooseRoles(small, roles));
    expect(promptOf(chosen, ids(chosen).split(' ').indexOf(step), names)).toBe(line);
  });

  test('the same placeholder twice, and braces that hold none', () => {
    const steps = [{ ...begin, prompt: '{feature}/{run}/{feature} {' }];
    expect(promptOf(workflowOf({ name: 'x', roles: { lead }, steps }), 0, names)).toBe('auth-api/initial/auth-api {');
  });

  test('a step of a module has none', () => {
    const gated = workflowOf({ name: 'g', steps: [{ id: 'gate', module: 'gate' }] });
    expect(() => promptOf(gated, 0, names)).toThrow('Internal error: step 0 of g has no prompt');
    expect(() => promptOf(gated, 1, names)).toThrow('Internal error');
  });
});

describe('the line typed when a step goes on', () => {
  const rows: { given: string; reminder?: string; line: string }[] = [
    { given: 'the usual one', line: '[CONTINUE]: 2-built.md is not there yet. Go on with your step.' },
    { given: 'one of the file', reminder: '{role}, where is {checkpoint}', line: 'dev, where is 2-built.md' },
  ];
  test.each(rows)('$given', ({ reminder, line }) => {
    const workflow = workflowOf({ ...whole, ...(reminder === undefined ? {} : { reminder }) });
    const step = workflow.steps[1];
    if (!step || !('role' in step)) throw new Error('expected the step build');
    expect(reminderOf(workflow, step)).toBe(line);
  });
});
