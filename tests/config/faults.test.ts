import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MAX_SOURCE_BYTES } from '../../src/config/source.ts';
import { VALUE_FAULTS } from './fault-rows.ts';
import { TEXT_FAULTS } from './text-fault-rows.ts';
import { brief, faultsOf, folder, load } from './workspace.ts';

const FILE = 'tmops.config.yaml';

describe('a fault in a file points at its place', () => {
  test.each([...VALUE_FAULTS, ...TEXT_FAULTS])('$name', ({ yaml, env = {}, faults, expected, nearest }) => {
    const found = faultsOf(load({ files: { [FILE]: yaml }, env }));
    const shown = found.map(brief).map((text) => text.replace(`${FILE}:`, ''));
    expect(shown).toHaveLength(faults.length);
    shown.forEach((text, index) => {
      expect(text).toContain(faults[index]);
    });
    if (expected !== undefined) expect(found[0]?.expected).toContain(expected);
    if (nearest !== undefined) expect(found[0]?.nearest).toBe(nearest);
  });
});

describe('a fault of a file as a whole', () => {
  const whole = (name: string, kind: string): string => `${name}:1:1 ${kind}  ""`;

  test('both names of the workspace file', () => {
    const faults = faultsOf(load({ files: { 'tmops.config.yaml': '', 'tmops-mcp.config.yaml': '' } }));
    expect(faults.map(brief)).toEqual([whole('tmops.config.yaml', 'wrong-file')]);
    expect(faults[0]?.expected).toMatch(/tmops\.config\.yaml and .*tmops-mcp\.config\.yaml/);
  });

  test('a name that would not be read', () => {
    const faults = faultsOf(load({ files: { 'tmops.config.yml': 'layout: quad' } }));
    expect(faults.map(brief)).toEqual([whole('tmops.config.yml', 'wrong-file')]);
    expect(faults[0]?.expected).toContain('tmops.config.yaml');
  });

  test('more than 256 KB', () => {
    const faults = faultsOf(load({ files: { [FILE]: '#'.repeat(MAX_SOURCE_BYTES + 1) } }));
    expect(faults.map(brief)).toEqual([whole(FILE, 'too-large')]);
    expect(
      faultsOf(load({ files: { [FILE]: `#${' '.repeat(MAX_SOURCE_BYTES - 2)}\n` }, overrides: { x: 1 } }))[0]?.file,
    ).toBe('command line');
  });

  test('a folder, a pipe, and a missing shipped file', () => {
    const root = folder();
    mkdirSync(join(root, FILE));
    expect(faultsOf(load({}, root)).map(brief)).toEqual([whole(FILE, 'unreadable-file')]);
    const other = folder();
    execFileSync('mkfifo', [join(other, FILE)]);
    expect(faultsOf(load({}, other)).map(brief)).toEqual([whole(FILE, 'unreadable-file')]);
    const shippedFile = join(root, 'shipped.yaml');
    expect(faultsOf(load({ shippedFile }, folder())).map(brief)).toEqual([whole('shipped.yaml', 'missing-file')]);
  });

  test('a shipped file without a key names the key', () => {
    const root = folder();
    const shippedFile = join(root, 'shipped.yaml');
    writeFileSync(shippedFile, 'server: {name: a, version: null}\n');
    const faults = faultsOf(load({ shippedFile }, folder()));
    expect(faults.map(brief)).toContain('shipped.yaml:1:1 missing-key server.workspace_id "server"');
  });

  test('bytes that are no UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('layout: a\nworkflow: b'), Buffer.from([0xff]), Buffer.from('\n')]);
    const faults = faultsOf(load({ files: { [FILE]: bytes } }));
    expect(faults.map(brief)).toEqual([`${FILE}:2:12 syntax  "\u{FFFD}"`]);
    expect(load({ files: { [FILE]: 'layout: "\u{FFFD}"\n' } }).ok).toBe(true);
  });
});

describe('a fault in a variable or a flag', () => {
  const rows: {
    name: string;
    env?: Record<string, string>;
    overrides?: Record<string, unknown>;
    fault: string;
    nearest?: string;
  }[] = [
    {
      name: 'an unknown variable',
      env: { TMOPS_FEATURE_CONCURRENT_LIMIT: '3' },
      fault: 'environment:1:1 unknown-variable  "TMOPS_FEATURE_CONCURRENT_LIMIT"',
      nearest: 'TMOPS_FEATURES_CONCURRENT_LIMIT',
    },
    { name: 'a section is no key', env: { TMOPS_TMUX: '{}' }, fault: 'environment:1:1 unknown-variable  "TMOPS_TMUX"' },
    { name: 'a bad value', env: { TMOPS_TMUX_COLS: 'wide' }, fault: 'environment:1:17 wrong-type tmux.cols "wide"' },
    {
      name: 'one item of a list',
      env: { TMOPS_FEATURES_DEFAULT_PHASES: 'tester, Bad One ,verifier' },
      fault: 'environment:1:39 bad-value features.default_phases[1] "Bad One"',
    },
    { name: 'a map left open', env: { TMOPS_MODULES: '{a: b' }, fault: 'environment:1:20 syntax  ""' },
    {
      name: 'a TMOPS_ENV without a file',
      env: { TMOPS_ENV: 'stagin' },
      fault: 'environment:1:11 missing-file TMOPS_ENV "stagin"',
      nearest: 'staging',
    },
    {
      name: 'a TMOPS_ENV that is a path',
      env: { TMOPS_ENV: '../x' },
      fault: 'environment:1:11 bad-value TMOPS_ENV "../x"',
    },
    {
      name: 'an unknown flag',
      overrides: { 'tmux.colums': 9 },
      fault: 'command line:1:1 unknown-key tmux.colums "tmux.colums"',
    },
    { name: 'a bad flag', overrides: { 'tmux.rows': 'x' }, fault: 'command line:1:11 wrong-type tmux.rows "x"' },
    {
      name: 'an item of a flag given as a list',
      overrides: { 'features.default_phases': ['tester', 'No'] },
      fault: 'command line:1:35 bad-value features.default_phases[1] "\\"No\\""',
    },
  ];
  test.each(rows)('$name', ({ env = {}, overrides = {}, fault, nearest }) => {
    const found = faultsOf(load({ files: { 'tmops.config.staging.yaml': '' }, env, overrides }));
    expect(found.map(brief)).toEqual([fault]);
    if (nearest !== undefined) expect(found[0]?.nearest).toBe(nearest);
  });

  test('a value that a later layer hides is refused all the same', () => {
    const faults = faultsOf(load({ files: { [FILE]: 'tmux: {cols: 1}\n' }, env: { TMOPS_TMUX_COLS: '100' } }));
    expect(faults.map(brief)).toEqual([`${FILE}:1:14 bad-value tmux.cols "1"`]);
  });

  test('faults of all layers come together, file by file', () => {
    const files = { [FILE]: 'a: [\n', 'tmops.config.ci.yaml': 'layuot: x\n' };
    const found = faultsOf(load({ files, env: { TMOPS_ENV: 'ci', TMOPS_X: '1' }, overrides: { foo: 1 } }));
    expect(found.map((fault) => brief(fault).split(' ')[0])).toEqual([
      `${FILE}:2:1`,
      'tmops.config.ci.yaml:1:1',
      'environment:1:1',
      'command',
    ]);
  });
});
