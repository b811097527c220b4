import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readEnvironment, RESERVED_VARIABLES } from '../../src/config/environment.ts';
import { loadConfig, loadWorkspaceConfig } from '../../src/config/load.ts';
import { brief, folder, load, loaded, SHIPPED } from './workspace.ts';

const BASE = 'tmops.config.yaml';

describe('each layer wins over those below it', () => {
  const files = {
    [BASE]: 'features: {concurrent_limit: 3}\ntmux: {cols: 100, rows: 50}\nlayout: windows\n',
    'tmops.config.ci.yaml': 'features: {concurrent_limit: 4}\ntmux: {cols: 110}\n',
  };
  const env = { TMOPS_ENV: 'ci' };
  const variable = { TMOPS_FEATURES_CONCURRENT_LIMIT: '5' };
  const overrides = { 'features.concurrent_limit': '6' };
  const rows: [string, Parameters<typeof load>[0], number, string[]][] = [
    ['shipped', {}, 2, ['tmops-mcp.config.yaml']],
    ['workspace', { files }, 3, ['tmops-mcp.config.yaml', BASE]],
    ['TMOPS_ENV', { files, env }, 4, ['tmops-mcp.config.yaml', BASE, 'tmops.config.ci.yaml']],
    [
      'variables',
      { files, env: { ...env, ...variable } },
      5,
      ['tmops-mcp.config.yaml', BASE, 'tmops.config.ci.yaml', 'environment'],
    ],
    [
      'flags',
      { files, env: { ...env, ...variable }, overrides },
      6,
      ['tmops-mcp.config.yaml', BASE, 'tmops.config.ci.yaml', 'environment', 'command line'],
    ],
  ];
  test.each(rows)('%s', (_, given, limit, sources) => {
    const result = loaded(given);
    expect(result.config.features.concurrent_limit).toBe(limit);
    expect(result.sources.map((source) => source.replace(/^.*\//, ''))).toEqual(sources);
  });

  test('maps merge, lists replace, an empty section changes nothing', () => {
    const { config } = loaded({
      files: {
        [BASE]: 'modules: {a: a.js, b: b.js}\nfeatures: {default_phases: [tester, verifier]}\nsinks: [{module: x}]\n',
        'tmops.config.ci.yaml': 'modules: {b: c.js}\nfeatures:\ntmux:\n  # cols: 3\nsinks: []\n',
      },
      env: { TMOPS_ENV: 'ci', TMOPS_MODULES: '{d: d.js}', TMOPS_FEATURES_DEFAULT_PHASES: 'tester' },
    });
    expect(config.modules).toEqual({ a: 'a.js', b: 'c.js', d: 'd.js' });
    expect(config.features.default_phases).toEqual(['tester']);
    expect(config.sinks).toEqual([]);
    expect(config.tmux.cols).toBe(220);
  });

  test('the other name of the workspace file is read as well', () => {
    const { config, sources } = loaded({ files: { 'tmops-mcp.config.yaml': 'layout: windows\n' } });
    expect(config.layout).toBe('windows');
    expect(sources).toHaveLength(2);
  });

  test('without a workspace the shipped file, variables and flags count', () => {
    const env = { TMOPS_ENV: 'ci', TMOPS_LAYOUT: 'windows' };
    const result = loadConfig({ workspaceRoot: null, shippedFile: SHIPPED, env, overrides: {} });
    expect(result.ok && result.config.layout).toBe('windows');
  });

  test('a workspace that is not there yet', () => {
    const root = join(folder(), 'gone');
    expect(load({}, root).ok).toBe(true);
    expect(load({ env: { TMOPS_ENV: 'ci' } }, root)).toMatchObject({ ok: false, faults: [{ kind: 'missing-file' }] });
  });
});

describe('variables and flags', () => {
  const rows: [string, Record<string, string>, Record<string, unknown>, string, unknown][] = [
    ['a number', { TMOPS_TMUX_COLS: '100' }, {}, 'tmux.cols', 100],
    ['a boolean', { TMOPS_TELEMETRY_ENABLED: 'false' }, {}, 'telemetry.enabled', false],
    ['a word that looks like a number, for text', { TMOPS_SERVER_NAME: '123' }, {}, 'server.name', '123'],
    ['null, where it is allowed', { TMOPS_SERVER_VERSION: 'null' }, {}, 'server.version', null],
    ['a duration in seconds', { TMOPS_FEATURES_CHECKPOINT_TIMEOUT: '90' }, {}, 'features.checkpoint_timeout', 90_000],
    ['a duration with its unit', { TMOPS_SUPERVISOR_IDLE_EXIT: '1.5h' }, {}, 'supervisor.idle_exit', 5_400_000],
    ['never', { TMOPS_SUPERVISOR_IDLE_EXIT: 'never' }, {}, 'supervisor.idle_exit', null],
    ['milliseconds', { TMOPS_CHECKPOINTS_SETTLE_MS: '75' }, {}, 'checkpoints.settle_ms', 75],
    ['a list with commas', { TMOPS_PROJECT_COPY: '.env, a b' }, {}, 'project.copy', ['.env', 'a b']],
    ['a list in brackets', { TMOPS_PROJECT_COPY: '[.env, "a, b"]' }, {}, 'project.copy', ['.env', 'a, b']],
    [
      'a list of maps',
      { TMOPS_SINKS: '[{command: [log-it, -x]}]' },
      {},
      'sinks',
      [{ kind: 'command', argv: ['log-it', '-x'], events: null }],
    ],
    [
      'a command',
      { TMOPS_PROJECT_TEST_COMMAND: 'npm test -- "a b"' },
      {},
      'project.test_command',
      ['npm', 'test', '--', 'a b'],
    ],
    ['a command as a list', { TMOPS_PROJECT_TEST_COMMAND: '[npm, test]' }, {}, 'project.test_command', ['npm', 'test']],
    [
      'true for a file',
      { TMOPS_TELEMETRY_OUTPUTS_FILE: 'true' },
      {},
      'telemetry.outputs.file',
      '.tmops/.logs/tmops.log',
    ],
    ['false for a file', { TMOPS_TELEMETRY_OUTPUTS_FILE: 'false' }, {}, 'telemetry.outputs.file', null],
    ['a file', { TMOPS_TELEMETRY_OUTPUTS_FILE: 'x.log' }, {}, 'telemetry.outputs.file', 'x.log'],
    ['an empty variable counts as unset', { TMOPS_TMUX_COLS: '' }, {}, 'tmux.cols', 220],
    ['nothing is expanded in a variable', { TMOPS_LAYOUT: '${HOME}' }, {}, 'layout', '${HOME}'],
    ['a flag of text', {}, { 'tmux.cols': '101' }, 'tmux.cols', 101],
    ['a flag of a number', {}, { 'tmux.cols': 102 }, 'tmux.cols', 102],
    ['a flag of a boolean', {}, { 'telemetry.outputs.console': false }, 'telemetry.outputs.console', false],
    ['a flag of a list', {}, { 'features.default_phases': ['a', 'b'] }, 'features.default_phases', ['a', 'b']],
    ['a flag into a map of names', {}, { 'modules.gate': 'g.js' }, 'modules', { gate: 'g.js' }],
    ['a flag that was not given', { TMOPS_TMUX_COLS: '103' }, { 'tmux.cols': undefined }, 'tmux.cols', 103],
  ];
  test.each(rows)('%s', (_, env, overrides, key, value) => {
    const { config } = loaded({ env, overrides });
    const found = key
      .split('.')
      .reduce<unknown>((here, step) => Object.entries(here ?? {}).find(([name]) => name === step)?.[1], config);
    expect(found).toEqual(value);
  });

  test('reserved variables, and those that a file names itself, are no keys', () => {
    const reserved = Object.fromEntries(Object.keys(RESERVED_VARIABLES).map((name) => [name, 'x']));
    const env = { ...reserved, TMOPS_ENV: '', TMOPS_PORT: '7', HOME: '/root', TMOP: 'x' };
    expect(load({ env }).ok).toBe(false);
    expect(loaded({ env, files: { [BASE]: 'layout: l${TMOPS_PORT}\n' } }).config.layout).toBe('l7');
  });
});

describe('the environment of this process', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('is copied and used', () => {
    vi.stubEnv('TMOPS_TMUX_ROWS', '77');
    const copy = readEnvironment();
    expect(copy['TMOPS_TMUX_ROWS']).toBe('77');
    copy['TMOPS_TMUX_ROWS'] = '78';
    const result = loadWorkspaceConfig({ workspaceRoot: folder(), shippedFile: SHIPPED, overrides: {} });
    expect(result.ok && result.config.tmux.rows).toBe(77);
  });
});

describe('the result', () => {
  test('is frozen all the way down', () => {
    const { config } = loaded({ files: { [BASE]: 'sinks: [{command: [a, b]}]\n' } });
    const walk = (value: unknown): void => {
      expect(Object.isFrozen(value)).toBe(true);
      if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
    };
    walk(config);
  });

  test('knows where each value was given', () => {
    const root = folder();
    const files = { [BASE]: 'features:\n  default_phases:\n    - tester\n    - reviewer\n' };
    const result = loaded({ files, env: { TMOPS_LAYOUT: 'windows' } }, root);
    const at = (path: (string | number)[]): string => {
      const { file, line, column, text } = result.locate(path);
      return `${file.replace(/^.*\//, '')}:${line}:${column} ${text}`;
    };
    expect(at(['features', 'default_phases', 1])).toBe(`${BASE}:4:7 reviewer`);
    expect(at(['layout'])).toBe('environment:1:14 windows');
    expect(at(['isolation'])).toMatch(/^tmops-mcp\.config\.yaml:\d+:12 worktree$/);
    expect(at(['features', 'default_phases', 7])).toBe(`${BASE}:3:5 - tester`);
    const fault = result.blame(['features', 'default_phases', 1], 'one of the roles a, b');
    expect(brief(fault)).toBe(`${BASE}:4:7 bad-value features.default_phases[1] "reviewer"`);
    expect(fault.expected).toBe('one of the roles a, b');
  });

  test('a link to a workspace file is followed', () => {
    const root = folder();
    mkdirSync(join(root, 'real'));
    writeFileSync(join(root, 'real', BASE), 'layout: windows\n');
    expect(loaded({}, join(root, 'real')).config.layout).toBe('windows');
  });
});

test('loading takes less than 100 ms', () => {
  const root = folder();
  const times = Array.from({ length: 60 }, () => {
    const started = performance.now();
    loaded({ files: { [BASE]: 'layout: ${L:-windows}\n' }, env: { TMOPS_TMUX_COLS: '100' } }, root);
    return performance.now() - started;
  }).sort((a, b) => a - b);
  expect(times[30]).toBeLessThan(100);
});
