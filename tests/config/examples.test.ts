import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { stepModules } from '../../src/adapters/modules/modules.ts';
import { placeRoleDocuments } from '../../src/adapters/project/role-documents.ts';
import { planStart } from '../../src/config/plan.ts';
import type { StartPlan } from '../../src/config/plan.ts';
import { say } from '../../src/config/say.ts';
import { isAgentStep, promptOf, writeRulesOf } from '../../src/core/workflow.ts';
import { until } from '../rig/wait.ts';
import { folder, loaded } from './workspace.ts';

const packageDir = new URL('../..', import.meta.url).pathname;

let root: string;

/** As the comments in the examples tell a user to do. */
beforeEach(() => {
  root = folder();
  cpSync(`${packageDir}config/examples`, join(root, 'tools'), { recursive: true });
});

function plan(config: string): StartPlan {
  const given = loaded({ files: { 'tmops.config.yaml': config } }, root);
  const result = planStart(given, { workspaceRoot: root, packageDir }, undefined);
  if (!result.ok) throw new Error(result.faults.map(say).join('\n'));
  return result.plan;
}

/** `pane: what is typed -> what ends it` of each step. */
function told({ workflow }: StartPlan): string[] {
  return workflow.steps.map((step, index) => {
    if (!isAgentStep(step)) return `module ${step.module}`;
    return `${step.role}: ${promptOf(workflow, index, { feature: 'auth-api', run: 'initial' })} -> ${step.checkpoint}`;
  });
}

describe('a security reviewer, added in YAML alone', () => {
  const withAll = `workflow: tools/security-review.yaml
features:
  default_phases: [orchestrator, tester, implementer, security-reviewer, verifier]
`;

  test('reviews between implementation and verification', () => {
    expect(told(plan(withAll))).toEqual([
      'orchestrator: [BEGIN]: Start orchestration for auth-api -> 001-discovery-trigger.md',
      'tester: [BEGIN]: Start test writing -> 003-tests-complete.md',
      'orchestrator: [CONFIRMED]: Tester has completed -> 004-impl-trigger.md',
      'implementer: [BEGIN]: Start implementation -> 005-impl-complete.md',
      'orchestrator: [CONFIRMED]: Implementer has completed. Write 005-security-trigger.md -> 005-security-trigger.md',
      'security-reviewer: [BEGIN]: Start security review -> 005-security-review.md',
      'orchestrator: [CONFIRMED]: Security reviewer has completed. Write 006-verify-trigger.md -> 006-verify-trigger.md',
      'verifier: [BEGIN]: Start verification -> 007-verify-complete.md',
      'orchestrator: [CONFIRMED]: Verifier has completed -> SUMMARY.md',
    ]);
  });

  test('has its instructions beside the workflow, the others theirs with tmops', async () => {
    const { workflow, workflowDir } = plan(withAll);
    const placed = await placeRoleDocuments({
      rolesDir: join(root, 'roles'),
      feature: 'auth-api',
      run: 'initial',
      shippedDir: `${packageDir}config`,
      folders: [workflowDir, `${packageDir}config/instructions`],
      roles: Object.entries(workflow.roles).map(([role, { title, instructions: file }]) => ({
        role,
        title,
        file,
        steps: [],
        tools: [],
      })),
      testCommand: ['npm', 'test'],
      toolsOnly: false,
    });
    expect(placed).toMatchObject({
      ok: true,
      from: {
        verifier: `${packageDir}config/instructions/04_verifier.md`,
        'security-reviewer': join(root, 'tools/05_security_reviewer.md'),
      },
    });
    const document = readFileSync(join(root, 'roles/security-reviewer.md'), 'utf8');
    expect(document).toMatch(/^# Security reviewer of the feature auth-api \(run initial\)\n/);
    expect(document).toContain('`[SECURITY-REVIEWER] WAITING: Ready for instructions`');
  });

  test('may write neither source nor tests', () => {
    const { workflow } = plan(withAll);
    expect(writeRulesOf(workflow, 'security-reviewer')).toEqual({ allow: [], deny: [] });
    expect(writeRulesOf(workflow, 'security-reviewer')).toEqual(writeRulesOf(workflow, 'verifier'));
  });

  test('goes with all that is its own where default_phases does not name it, and the plan says so', () => {
    const without = plan('workflow: tools/security-review.yaml\n');
    expect(without.leftOut).toEqual(['security-reviewer']);
    const files = (made: StartPlan): string[] => told(made).map((line) => line.replace(/^.* -> /, ''));
    expect(files(without)).toEqual(files(plan('')));
    const early = plan(withAll.replace(', verifier', ''));
    expect(told(early).at(-1)).toBe('orchestrator: [CONFIRMED]: Security reviewer has completed -> SUMMARY.md');
  });
});

describe('a gate that is a module', () => {
  const config = 'workflow: tools/lint-gate.yaml\nmodules:\n  lint-gate: tools/lint-gate.mjs\n';
  const modules = () => stepModules(root, () => ({ 'lint-gate': 'tools/lint-gate.mjs' }));
  const context = (more: object) => ({
    feature: 'auth-api',
    run: 'initial',
    step: 'lint',
    worktree: root,
    runDir: join(root, 'run'),
    with: more,
  });
  const report = () => join(root, 'run/logs/lint.log');
  const node = (code: string): string[] => [process.execPath, '-e', code];

  test('stands behind the implementation, and changes nothing of what is typed', () => {
    const usual = told(plan(''));
    expect(told(plan(config))).toEqual([...usual.slice(0, 4), 'module lint-gate', ...usual.slice(4)]);
  });

  test('has options of its own, which it takes', async () => {
    const step = plan(config).workflow.steps.find((each) => 'module' in each);
    if (!step || isAgentStep(step)) throw new Error('expected the step of the module');
    expect(step.with).toEqual({ command: ['npm', 'run', 'lint'], within_s: 300 });
    await modules().call('lint-gate', 'validate', context(step.with));
  });

  test('opens when the command succeeds, and keeps what it said', async () => {
    mkdirSync(join(root, 'run'));
    await modules().call('lint-gate', 'execute', context({ command: node('console.log(process.cwd())') }));
    expect(readFileSync(report(), 'utf8')).toContain(root);
  });

  test('stays shut when it fails, with the end of what it said, and nothing is left', async () => {
    const code = 'for (let i = 1; i <= 40; i += 1) console.error("line", i); process.exit(3)';
    const failing = context({ command: node(code) });
    const error: unknown = await modules()
      .call('lint-gate', 'execute', failing)
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/ended with exit code 3:\nline 26\n[\s\S]*line 40$/);
    expect(existsSync(report())).toBe(true);
    await modules().call('lint-gate', 'rollback', failing);
    await modules().call('lint-gate', 'rollback', failing);
    expect(existsSync(report())).toBe(false);
  });

  test('ends all of a command that takes too long', async () => {
    const pidFile = join(root, 'pid');
    const slow = context({ command: ['sh', '-c', `sleep 60 & echo $! > ${pidFile}; wait`], within_s: 1 });
    await expect(modules().call('lint-gate', 'execute', slow)).rejects.toThrow('ended with its time of 1 s');
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await until(`process ${pid} ended`, () => !isAlive(pid), { withinMs: 5000 });
  });

  const wrong: [string, object, string][] = [
    ['no command', {}, 'with.command is undefined; expected a list of words'],
    ['a line', { command: 'npm run lint' }, 'with.command is "npm run lint"; expected a list of words'],
    ['an empty list', { command: [] }, 'with.command is []'],
    ['no time', { command: ['x'], within_s: 0 }, 'with.within_s is 0; expected a number of seconds from 1 to 3600'],
  ];
  test.each(wrong)('refuses %s before it begins', async (_, options, message) => {
    await expect(modules().call('lint-gate', 'validate', context(options))).rejects.toThrow(message);
  });

  test('says so when the program is not there', async () => {
    const lost = context({ command: ['no-such-program-here'] });
    await expect(modules().call('lint-gate', 'execute', lost)).rejects.toThrow(
      'no-such-program-here cannot be started',
    );
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
