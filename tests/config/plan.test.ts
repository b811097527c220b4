import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { planStart } from '../../src/config/plan.ts';
import type { PlanResult, StartPlan } from '../../src/config/plan.ts';
import { say } from '../../src/config/say.ts';
import { folder, loaded } from './workspace.ts';

const packageDir = new URL('../..', import.meta.url).pathname;

interface Given {
  /** tmops.config.yaml. */
  readonly config: string;
  /** tools/flow.yaml, if there is one. */
  readonly flow?: string;
  /** The layout asked for with the start. */
  readonly layout?: string;
}

function plan({ config, flow, layout }: Given, root = folder()): PlanResult {
  if (flow !== undefined) write(join(root, 'tools/flow.yaml'), flow);
  const places = { workspaceRoot: root, packageDir };
  return planStart(loaded({ files: { 'tmops.config.yaml': config } }, root), places, layout);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function planned(given: Given): StartPlan {
  const result = plan(given);
  if (!result.ok) throw new Error(result.faults.map(say).join('\n'));
  return result.plan;
}

/** What a human is told, with the folder of the workspace as /p and that of tmops as /t. */
function told(given: Given): string {
  const root = folder();
  const result = plan(given, root);
  if (result.ok) throw new Error('expected faults, got a plan');
  return result.faults.map(say).join('\n').replaceAll(root, '/p').replaceAll(packageDir, '/t/');
}

const FLOW = 'workflow: tools/flow.yaml\n';
const EXTENDS = 'name: flow\nextends: teamops\n';

describe('a start that can be made', () => {
  const steps = (given: Given): string =>
    planned(given)
      .workflow.steps.map((step) => step.id)
      .join(' ');

  test('without a word in the configuration it is teamops in a quad', () => {
    const made = planned({ config: '' });
    expect(made).toMatchObject({ workflow: { name: 'teamops' }, layout: { name: 'quad' }, leftOut: [] });
    expect(made.workflowDir).toBe(`${packageDir}config/workflows`);
    expect(made.workflow.steps).toHaveLength(7);
  });

  test('the layout asked for with the start wins', () => {
    expect(planned({ config: 'layout: windows\n' }).layout.name).toBe('windows');
    expect(planned({ config: 'layout: windows\n', layout: 'main-left' }).layout.name).toBe('main-left');
  });

  test('a shorter list of roles leaves steps out, and says whom', () => {
    const config = 'features: {default_phases: [orchestrator, tester, implementer]}\n';
    expect(steps({ config })).toBe('discovery testing implementation-trigger implementation summary');
    expect(planned({ config }).leftOut).toEqual(['verifier']);
  });

  test('a team of its own', () => {
    const config = `${FLOW}features:\n  default_phases: [author, critic]\n`;
    const role = (title: string): string => `{title: ${title}, instructions: ${title}.md}`;
    const roles = `roles: {author: ${role('Author')}, critic: ${role('Critic')}}\n`;
    const two =
      'steps:\n' +
      '  - {id: draft, role: author, prompt: "Draft {feature}", checkpoint: draft.checkpoint}\n' +
      '  - {id: review, role: critic, prompt: "{previous} is done", checkpoint: SUMMARY.md, kind: summary}\n';
    expect(steps({ config, flow: `name: duo\n${roles}${two}` })).toBe('draft review');
  });
});

describe('a start that cannot be made points at the reason', () => {
  const rows: { name: string; given: Given; says: string[] }[] = [
    {
      name: 'an unknown role in default_phases',
      given: { config: 'features:\n  default_phases: [orchestrator, testor, implementer]\n' },
      says: [
        '/p/tmops.config.yaml:2:34: features.default_phases[1] cannot be "testor"',
        '  2 |   default_phases: [orchestrator, testor, implementer]',
        '    |                                  ^^^^^^',
        '  did you mean tester?',
        '  expected one of the roles orchestrator, tester, implementer, verifier of teamops',
      ],
    },
    {
      name: 'a list without the orchestrator',
      given: { config: 'features:\n  default_phases: [tester, implementer]\n' },
      says: [
        '/p/tmops.config.yaml:2:19: features.default_phases cannot be "[tester, implementer]"',
        '  2 |   default_phases: [tester, implementer]',
        '    |                   ^^^^^^^^^^^^^^^^^^^^^',
        '  expected a list with orchestrator, which teamops cannot do without; [orchestrator, tester, implementer] would do',
      ],
    },
    {
      name: 'the orchestrator alone',
      given: { config: 'features: {default_phases: [orchestrator]}\n' },
      says: [
        '/p/tmops.config.yaml:1:28: features.default_phases cannot be "[orchestrator]"',
        '  1 | features: {default_phases: [orchestrator]}',
        '    |                            ^^^^^^^^^^^^^^',
        '  expected a list with at least one of tester, implementer, verifier, so that there is work to hand over; [orchestrator, tester] would do',
      ],
    },
    {
      name: 'a step that would report what nobody did',
      given: { config: 'features: {default_phases: [orchestrator, implementer, verifier]}\n' },
      says: [
        '/p/tmops.config.yaml:1:28: features.default_phases cannot be "[orchestrator, implementer, verifier]"',
        '  1 | features: {default_phases: [orchestrator, implementer, verifier]}',
        '    |                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^',
        '  expected a list with tester, whose work the step implementation-trigger is told of; [orchestrator, tester, implementer, verifier] would do',
      ],
    },
    {
      name: 'a slip in after',
      given: { config: FLOW, flow: `${EXTENDS}steps:\n  - {id: lint, after: implementatoin, module: lint}\n` },
      says: [
        '/p/tools/flow.yaml:4:23: steps[0].after cannot be "implementatoin"',
        '  4 |   - {id: lint, after: implementatoin, module: lint}',
        '    |                       ^^^^^^^^^^^^^^',
        '  did you mean implementation?',
        '  expected one of the steps discovery, testing, implementation-trigger, implementation, verification-trigger, verification, summary',
      ],
    },
    {
      name: 'a new step without after',
      given: { config: FLOW, flow: `${EXTENDS}steps:\n  - {id: lint, module: lint}\n` },
      says: [
        '/p/tools/flow.yaml:4:5: steps[0].after is missing',
        '  4 |   - {id: lint, module: lint}',
        '    |     ^^^^^^^^^^^^^^^^^^^^^^^^',
        '  expected the step of teamops that lint comes directly after',
      ],
    },
    {
      name: 'an unknown placeholder',
      given: {
        config: FLOW,
        flow: `${EXTENDS}steps:\n  - id: summary\n    role: orchestrator\n    prompt: '{prevoius} is done'\n    checkpoint: SUMMARY.md\n`,
      },
      says: [
        "/p/tools/flow.yaml:6:13: steps[0].prompt cannot be '{prevoius} is done'",
        "  6 |     prompt: '{prevoius} is done'",
        '    |             ^^^^^^^^^^^^^^^^^^^^',
        '  did you mean {previous}?',
        '  expected the placeholders {feature}, {run}, {role}, {previous} ({prevoius} is none of them)',
      ],
    },
    {
      name: 'a role of a step, counted in the file',
      given: {
        config: FLOW,
        flow: `${EXTENDS}steps:\n  - {id: audit, after: testing, role: verifer, prompt: Audit, checkpoint: a.md}\n`,
      },
      says: [
        '/p/tools/flow.yaml:4:39: steps[0].role cannot be "verifer"',
        '  4 |   - {id: audit, after: testing, role: verifer, prompt: Audit, checkpoint: a.md}',
        '    |                                       ^^^^^^^',
        '  did you mean verifier?',
        '  expected one of the roles orchestrator, tester, implementer, verifier',
      ],
    },
    {
      name: 'a workflow of another name to extend',
      given: { config: FLOW, flow: 'name: flow\nextends: temops\n' },
      says: [
        '/p/tools/flow.yaml:2:10: extends cannot be "temops"',
        '  2 | extends: temops',
        '    |          ^^^^^^',
        '  did you mean teamops?',
        '  expected the name of a shipped workflow: teamops',
      ],
    },
    {
      name: 'roles of its own while nobody chose any',
      given: {
        config: FLOW,
        flow: 'name: solo\nroles: {author: {title: Author, instructions: a.md}}\nsteps: [{id: draft, role: author, prompt: Draft, checkpoint: d.md}]\n',
      },
      says: [
        '/p/tmops.config.yaml:1:11: workflow cannot be "tools/flow.yaml"',
        '  1 | workflow: tools/flow.yaml',
        '    |           ^^^^^^^^^^^^^^^',
        '  expected features.default_phases beside it, out of the roles author (the usual list orchestrator, tester, implementer, verifier does not fit)',
      ],
    },
    {
      name: 'a module that the configuration does not give',
      given: {
        config: `${FLOW}modules: {lint-gate: tools/l.mjs}\n`,
        flow: `${EXTENDS}steps:\n  - {id: lint, after: implementation, module: lintgate}\n`,
      },
      says: [
        '/p/tools/flow.yaml:4:47: steps[0].module cannot be "lintgate"',
        '  4 |   - {id: lint, after: implementation, module: lintgate}',
        '    |                                               ^^^^^^^^',
        '  did you mean lint-gate?',
        '  expected one of the modules lint-gate, or an entry lintgate: FILE under modules in tmops.config.yaml',
      ],
    },
    {
      name: 'no shipped workflow of that name',
      given: { config: 'workflow: teamop\n' },
      says: [
        '/p/tmops.config.yaml:1:11: workflow cannot be "teamop"',
        '  1 | workflow: teamop',
        '    |           ^^^^^^',
        '  did you mean teamops?',
        '  expected one of teamops, or a file of the project such as tools/workflow.yaml',
      ],
    },
    {
      name: 'no file of that name',
      given: { config: FLOW },
      says: [
        '/p/tmops.config.yaml:1:11: "tools/flow.yaml" names no file',
        '  1 | workflow: tools/flow.yaml',
        '    |           ^^^^^^^^^^^^^^^',
        '  expected a file /p/tools/flow.yaml',
      ],
    },
    {
      name: 'no shipped layout of the name asked for with the start',
      given: { config: '', layout: 'qaud' },
      says: [
        'command line:1:8: layout cannot be "qaud"',
        '  1 | layout=qaud',
        '    |        ^^^^',
        '  did you mean quad?',
        '  expected one of main-left, quad, status, windows, or a file of the project such as tools/layout.yaml',
      ],
    },
    {
      name: 'a layout outside of the project asked for with the start',
      given: { config: '', layout: '/etc/passwd' },
      says: [
        'command line:1:8: layout cannot be "/etc/passwd"',
        '  1 | layout=/etc/passwd',
        '    |        ^^^^^^^^^^^',
        '  expected a file inside of /p; the configuration may name another',
      ],
    },
    {
      name: 'a layout without a place for everyone',
      given: { config: 'layout: tools/flow.yaml\n', flow: 'name: one\nwindows:\n  - roles: [tester]\n' },
      says: [
        '/p/tools/flow.yaml:3:3: windows cannot be "- roles: [tester]"',
        '  3 |   - roles: [tester]',
        '    |   ^^^^^^^^^^^^^^^^^',
        '  expected a place for orchestrator, implementer, verifier (roles: rest takes every role not named)',
      ],
    },
  ];
  test.each(rows)('$name', ({ given, says }) => {
    expect(told(given).split('\n')).toEqual(says);
  });

  test('a shipped workflow cannot be extended by itself', () => {
    const file = join(packageDir, 'config/workflows/teamops.yaml');
    expect(plan({ config: `workflow: ${file}\n` })).toMatchObject({ ok: true });
    expect(told({ config: FLOW, flow: 'name: flow\nextends: ../tools/flow\n' })).toContain(
      'extends cannot be "../tools/flow"',
    );
  });

  test('roles chosen in a variable are blamed there', () => {
    const root = folder();
    const given = loaded({ env: { TMOPS_FEATURES_DEFAULT_PHASES: 'orchestrator, testr' } }, root);
    const result = planStart(given, { workspaceRoot: root, packageDir }, undefined);
    expect(result).toMatchObject({
      ok: false,
      faults: [{ file: 'environment', text: 'testr', key: 'features.default_phases[1]', nearest: 'tester' }],
    });
  });
});
