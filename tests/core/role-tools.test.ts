import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { roleTools } from '../../src/core/role-tools.ts';
import { workflowFile, workflowSchema, type Workflow } from '../../src/core/workflow.ts';

const FILE: unknown = parse(readFileSync(new URL('../../config/workflows/teamops.yaml', import.meta.url), 'utf8'));
const STANDARD = { reminder: 'Go on.', reminders: 1, correction: 'Look again.', tests: ['test/**'], generated: [] };
const { name, roles, steps } = workflowFile.parse(FILE);
const shipped: Workflow = workflowSchema.parse({ ...STANDARD, name, roles, steps });

const namesOf = (workflow: Workflow, role: string): string[] => roleTools(workflow, role).map(({ name }) => name);

describe('the tools of a role', () => {
  test('are those that the shipped workflow names, and those that all have', () => {
    expect(namesOf(shipped, 'orchestrator')).toEqual([
      ...['start_testing', 'start_implementation', 'start_verification'],
      ...['check_status', 'read_spec', 'write_checkpoint', 'report'],
    ]);
    expect(namesOf(shipped, 'tester')).toEqual([
      ...['check_status', 'read_spec', 'write_test', 'run_tests', 'validate_tests', 'commit'],
      ...['write_checkpoint', 'report'],
    ]);
  });

  test('begin the step that comes directly after one of the role’s own', () => {
    const [first] = roleTools(shipped, 'orchestrator');
    expect(first).toEqual({ name: 'start_testing', does: 'start_step', hands: { step: 'discovery', next: 'testing' } });
  });

  test('of a role that names none follow from what it may write', () => {
    const verifier = { ...shipped.roles['verifier'], tools: undefined };
    const own = (rules: object): Workflow =>
      workflowSchema.parse({ ...shipped, roles: { own: { ...verifier, ...rules } } });
    const reads = ['check_status', 'read_spec', 'read_all', 'run_tests', 'write_checkpoint', 'report'];
    expect(namesOf(own({ allow_writes: [] }), 'own')).toEqual(reads);
    const writes = namesOf(own({ allow_writes: undefined, deny_writes: ['{tests}'] }), 'own');
    expect(writes.filter((name) => !reads.includes(name))).toEqual(['write_source', 'commit']);
  });

  test('are none for a role that the workflow does not have', () => {
    expect(namesOf(shipped, 'gardener')).toEqual([]);
    expect(namesOf(shipped, 'constructor')).toEqual([]);
  });

  test('a step with dashes is begun by a tool with underscores', () => {
    const steps = shipped.steps.map((step) => (step.id === 'testing' ? { ...step, id: 'test-writing' } : step));
    expect(namesOf({ ...shipped, steps }, 'orchestrator')).toContain('start_test_writing');
  });

  test('no role of a workflow is called auto', () => {
    const roles = { auto: shipped.roles['verifier'] };
    expect(workflowFile.safeParse({ name: 'w', roles, steps: [] }).success).toBe(false);
  });
});
