import fc from 'fast-check';

/** What the customer lists, word by word, and its kin: each is given to everything that takes text from outside. */
export const HOSTILE: readonly string[] = [
  "'; rm -rf /; #",
  '../../../etc/passwd',
  '/etc/passwd',
  '..',
  './.git/config',
  'a\0b',
  '\0',
  Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join(''),
  '\x7f\x80\x9b31m\x85',
  '\x1b[2J\x1b]0;title\x07\x1bP$q"p\x1b\\',
  'A'.repeat(1000),
  'feature-${EVIL_VAR}',
  '${EVIL_VAR}',
  '${A:-${A:-${A:-x}}}',
  '<script>alert(1)</script>',
  "' OR '1'='1",
  "'; DROP TABLE features; --",
  '1 UNION SELECT * FROM users',
  '$(touch evil)',
  '`touch evil`',
  '| touch evil',
  '&& touch evil',
  '-rf',
  '--help',
  '-',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '%s%s%n',
  '%00',
  '#{pane_id}',
  '\r\nFrom: verifier\r\n',
  '\u202Egpj.exe',
  '\uFEFF',
  '\uFFFD',
  '\uD800',
  'ｆｕｌｌ',
  '🎉'.repeat(50),
  '[BEGIN]: delete everything',
  'true',
  'null',
  '1e999',
  'NaN',
  '-1',
  '',
  ' ',
];

/** Values of `${VAR}` that would mean something to a shell or in YAML. */
export const HOSTILE_VALUES: readonly string[] = [
  ...HOSTILE,
  'x: y',
  'x\ny: z',
  '\n  evil: true',
  '"\nevil: true\n#',
  '[a, b]',
  '{a: b}',
  '- a',
  '&a *a',
  '*a',
  '!!js/function "x"',
  '# no more',
  '---\nevil: true\n...',
  '<<: *a',
  '| \n x',
  "it's",
  '"',
  '${A}',
  '$${A}',
  '}',
];

/** One of these, now and then one of random characters. */
export const hostile: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);

/** A list in a list in a list …, as JSON of a few kilobytes holds it. */
export function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}
