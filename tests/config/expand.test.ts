import { describe, expect, test } from 'vitest';
import { expand, MAX_EXPANDED } from '../../src/config/expand.ts';
import { loaded } from './workspace.ts';

const ENV = { A: 'one', EMPTY: '', N: '3', SELF: '${A}', B: 'two' };

describe('one scalar', () => {
  const rows: [string, string, boolean][] = [
    ['plain', 'plain', false],
    ['${A}', 'one', true],
    ['a ${A} b', 'a one b', false],
    ['${A}${B}', 'onetwo', false],
    ['${X:-dflt}', 'dflt', true],
    ['${EMPTY:-dflt}', 'dflt', true],
    ['${EMPTY}', '', true],
    ['${X:-}', '', true],
    ['${A:-dflt}', 'one', true],
    ['${X:-${Y:-deep}}', 'deep', true],
    ['${X:-a${A}b}c', 'aonebc', false],
    ['${X:-.tmops/{feature}/x}', '.tmops/{feature}/x', true],
    ['${X:-:-}', ':-', true],
    ['$${A}', '${A}', false],
    ['$$${A}', '$${A}', false],
    ['a$${A} ${B}', 'a${A} two', false],
    ['${SELF}', '${A}', true],
    ['$A $ $$ {A} }', '$A $ $$ {A} }', false],
    ['${A}\n${B}', 'one\ntwo', false],
  ];
  test.each(rows)('%j is %j', (text, result, whole) => {
    expect(expand(text, ENV, new Set())).toEqual({ text: result, whole, faults: [] });
  });

  test('the names looked up are collected, those of an unused default are not', () => {
    const used = new Set<string>();
    expand('${A:-${B}} ${N} $${EMPTY}', ENV, used);
    expect([...used]).toEqual(['A', 'N']);
  });

  const bad: [string, string, string, number][] = [
    ['${}', 'bad-expansion', '${}', 0],
    ['${A', 'bad-expansion', '${A', 0],
    ['${A-b}', 'bad-expansion', '${A-b}', 0],
    ['${1A}', 'bad-expansion', '${1A}', 0],
    ['${ A}', 'bad-expansion', '${ A}', 0],
    ['x ${GONE}', 'unset-variable', '${GONE}', 0],
    ['$${GONE} ${GONE}', 'unset-variable', '${GONE}', 1],
    ['${toString}', 'unset-variable', '${toString}', 0],
    ['x'.repeat(MAX_EXPANDED) + '${A}', 'too-large', '', 0],
    ['${A}'.repeat(MAX_EXPANDED / 8) + '${BIG}', 'too-large', '', 0],
  ];
  test.each(bad)('%.20s is refused', (text, kind, raw, nth) => {
    const { faults } = expand(text, { ...ENV, BIG: 'y'.repeat(MAX_EXPANDED) }, new Set());
    expect(faults).toMatchObject([{ kind, ...(raw === '' ? {} : { raw, nth }) }]);
  });

  test('defaults nest to a bound, and faults are counted to one', () => {
    const nested = `${'${X:-'.repeat(1000)}end${'}'.repeat(1000)}`;
    expect(expand(nested, {}, new Set()).faults).toMatchObject([{ kind: 'bad-expansion' }]);
    expect(expand('${GONE}'.repeat(1000), {}, new Set()).faults).toHaveLength(20);
  });
});

describe('what a variable holds stays a plain scalar', () => {
  const hostile = [
    'a: {b: c}',
    ': {',
    "'; rm -rf / #",
    '$(reboot)',
    '`reboot`',
    '&a *b',
    '!!js/function x',
    '- x\n- y',
    'line\nsecond: key\n',
    '"quoted',
    '#not a comment',
    '\u{1F600}\t\u0000\u001b[31m',
    '${A}',
    'true',
    '12',
    'null',
  ];
  test.each(hostile)('%j', (value) => {
    const files = {
      'tmops.config.yaml': [
        'server: {name: "${V}", version: "a ${V} b"}',
        'project:',
        '  copy: ["${V}"]',
        '  test_command: [run, "${V}"]',
        'modules: {m: "${V}"}',
      ].join('\n'),
    };
    const { config } = loaded({ files, env: { V: value } });
    expect(config.server).toMatchObject({ name: value, version: `a ${value} b` });
    expect(config.project).toMatchObject({ copy: [value], test_command: ['run', value] });
    expect(config.modules).toEqual({ m: value });
  });

  test('a whole expansion becomes the number, boolean or null that is wanted, a part of one does not', () => {
    const yaml =
      'tmux: {cols: "${N}", rows: "${X:-60}"}\ntelemetry: {enabled: "${OFF}"}\nserver: {version: "${NO:-}"}\n';
    const { config } = loaded({ files: { 'tmops.config.yaml': yaml }, env: { N: '100', OFF: 'false' } });
    expect(config.tmux).toMatchObject({ cols: 100, rows: 60 });
    expect(config.telemetry.enabled).toBe(false);
    expect(config.server.version).toBeNull();
  });
});
