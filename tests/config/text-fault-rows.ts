import { LIMITS } from '../../src/config/compose.ts';
import type { FaultRow } from './fault-rows.ts';

const deep = `${'['.repeat(30)}${']'.repeat(30)}`;

/** What is wrong with the text before any schema is asked: YAML, bounds, expansions. And how places are counted. */
export const TEXT_FAULTS: readonly FaultRow[] = [
  {
    name: 'a key twice',
    yaml: 'layout: quad\nworkflow: teamops\nlayout: windows\n',
    faults: ['3:1 duplicate-key layout "layout"'],
  },
  {
    name: 'a key twice, the second in quotes',
    yaml: 'tmux: {cols: 100, "cols": 120}\n',
    faults: ['1:19 duplicate-key tmux.cols "\\"cols\\""'],
  },
  {
    name: 'a key that is no name',
    yaml: '? [a, b]\n: 1\n',
    faults: ['1:3 syntax  "[a, b]"'],
    expected: 'a name',
  },
  {
    name: 'the key of a prototype',
    yaml: 'modules:\n  __proto__: x\n',
    faults: ['2:3 bad-key modules.__proto__ "__proto__"'],
  },
  {
    name: 'a tab as indentation',
    yaml: 'features:\n\tconcurrent_limit: 1\n',
    faults: ['2:1 syntax  ""'],
    expected: 'Tabs',
  },
  {
    name: 'a bracket left open',
    yaml: 'layout: quad\nmodules: {a: b\n',
    faults: ['3:1 syntax  ""'],
    expected: 'YAML',
  },
  {
    name: 'an expansion between brackets without quotes',
    yaml: 'features: {concurrent_limit: ${N}}\n',
    env: { N: '3' },
    faults: ['1:31 syntax  "{"'],
    expected: 'into quotes',
  },
  {
    name: 'two documents',
    yaml: 'layout: quad\n---\nlayout: windows\n',
    faults: ['2:1 syntax  "---"'],
    expected: 'one document',
  },
  { name: 'a tag', yaml: 'layout: !!js/function x\n', faults: ['1:9 syntax  "!!js/function"'], expected: 'tag' },
  { name: 'binary data', yaml: 'layout: !!binary aGk=\n', faults: ['1:9 syntax  "!!binary"'], expected: 'tag' },
  {
    name: 'an alias of nothing',
    yaml: 'layout: *gone\n',
    faults: ['1:9 syntax layout "*gone"'],
  },
  {
    name: 'an alias inside what it names',
    yaml: 'modules: &m {a: *m}\n',
    faults: ['1:17 syntax modules.a "*m"'],
  },
  {
    name: 'more levels than a configuration has',
    yaml: `layout: ${deep}\n`,
    faults: ['1:29 too-large'],
    expected: '20',
  },
  {
    name: 'aliases of aliases of aliases',
    yaml: `a: &a [x]\n${'bcdefghij'.replaceAll(
      /./g,
      (name) =>
        `${name}: &${name} [${Array(9)
          .fill(`*${String.fromCharCode(name.charCodeAt(0) - 1)}`)
          .join(', ')}]\n`,
    )}`,
    faults: Array<string>(LIMITS.faults).fill('too-large'),
    expected: 'at most 100 aliases',
  },
  {
    name: 'a variable that is not set',
    yaml: 'layout: x-${LAYOUT}\n',
    faults: ['1:11 unset-variable layout "${LAYOUT}"'],
    expected: '${LAYOUT:-…}',
  },
  {
    name: 'the second of two equal expansions, in quotes, over lines',
    yaml: 'project:\n  copy:\n    - "${A:-x} ${B} and\n      ${B}"\n',
    faults: ['3:16 unset-variable project.copy[0] "${B}"', '4:7 unset-variable project.copy[0] "${B}"'],
  },
  {
    name: 'an expansion inside a default',
    yaml: 'layout: ${A:-x${B}y}\n',
    faults: ['1:15 unset-variable layout "${B}"'],
  },
  {
    name: 'an expansion of another form',
    yaml: 'layout: a ${B:?no} b\n',
    env: { B: 'x' },
    faults: ['1:11 bad-expansion layout "${B:?no}"'],
    expected: '${NAME:-default}',
  },
  {
    name: 'an expansion left open',
    yaml: 'layout: a ${B\n',
    env: { B: 'x' },
    faults: ['1:11 bad-expansion layout "${B"'],
  },
  {
    name: 'an expansion of a method of objects',
    yaml: 'layout: ${constructor}\n',
    faults: ['1:9 unset-variable layout "${constructor}"'],
  },
  {
    name: 'an expansion that is no number where one is wanted',
    yaml: 'features:\n  concurrent_limit: ${N}\n',
    env: { N: '1; rm -rf /' },
    faults: ['2:21 wrong-type features.concurrent_limit "${N}"'],
    expected: 'a whole number',
  },
  {
    name: 'columns count characters, not bytes or halves',
    yaml: 'server: {name: "ä😀漢", nme: x}\n',
    faults: ['1:23 unknown-key server.nme "nme"'],
  },
  {
    name: 'lines of Windows',
    yaml: 'server:\r\n  name: a\r\n  nme: x\r\n',
    faults: ['3:3 unknown-key server.nme "nme"'],
  },
  {
    name: 'a byte order mark',
    yaml: '\u{FEFF}nme: x\n',
    faults: ['1:1 unknown-key nme "nme"'],
  },
  {
    name: 'several at once, from top to bottom',
    yaml: 'layuot: x\ntmux: {cols: 1}\nsinks: 3\n',
    faults: ['1:1 unknown-key layuot "layuot"', '2:14 bad-value tmux.cols "1"', '3:8 wrong-type sinks "3"'],
    nearest: 'layout',
  },
];
