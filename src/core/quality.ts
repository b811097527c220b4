import { hiding, REDACTED } from './secrets.ts';

export type QualityRule = 'focused-test' | 'skipped-test' | 'conflict-marker' | 'debug-left' | 'loose-end' | 'secret';

/** `excerpt`: of the line, at most 120 UTF-16 units, without control characters; a secret does not stand in it. */
export interface QualityFinding {
  readonly path: string;
  readonly line: number;
  readonly rule: QualityRule;
  readonly sentence: string;
  readonly excerpt: string;
}

interface Line {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

const MOST_LINES = 20_000;
const MOST_FINDINGS = 200;
/** What stands further right is not looked at: patterns may need time in the square of it. */
const LOOKED_AT = 400;
const EXCERPT = 120;

/**
 * What should not be in finished work, by what lines look like; a reader decides. At most 200 findings in the first 20,000
 * lines, in their order, at most one of each rule a line. `isTest` says whether a path is that of a test.
 */
export function qualityFindings(lines: readonly Line[], isTest: (path: string) => boolean): readonly QualityFinding[] {
  const findings: QualityFinding[] = [];
  const tests = new Map<string, boolean>();
  for (const line of lines.slice(0, MOST_LINES)) {
    const known = tests.get(line.path) ?? isTest(line.path);
    tests.set(line.path, known);
    const text = line.text.slice(0, LOOKED_AT);
    for (const { rule, sentence, holds } of RULES) {
      if (!holds(text, { ...kindOf(line.path), isTest: known })) continue;
      const { path, line: number } = line;
      findings.push({
        path,
        line: number,
        rule,
        sentence,
        excerpt: excerptOf(withoutSecret(text) ?? text),
      });
      if (findings.length >= MOST_FINDINGS) return findings;
    }
  }
  return findings;
}

interface Kind {
  /** What the file name ends with, after the last dot; '' without one. */
  readonly ending: string;
  readonly isTest: boolean;
}

interface Rule {
  readonly rule: QualityRule;
  readonly sentence: string;
  readonly holds: (text: string, kind: Kind) => boolean;
}

const BLOCK = '(?:^|[^\\w$.])(?:it|test|describe|context|suite|specify|bench)(?:\\.\\w{1,40}){0,3}';
const FOCUSED: readonly RegExp[] = [
  new RegExp(`${BLOCK}\\.only\\b`),
  /(?:^|[^\w$.])f(?:it|describe|context)\s{0,4}\(\s{0,4}['"`]/,
  /[{,]\s{0,4}only\s{0,4}:\s{0,4}true\b/,
];
const SKIPPED: readonly RegExp[] = [
  new RegExp(`${BLOCK}\\.(?:skip|todo)\\b`),
  /(?:^|[^\w$.])x(?:it|test|describe|context)\s{0,4}\(\s{0,4}['"`]/,
  /[{,]\s{0,4}(?:skip|todo)\s{0,4}:\s{0,4}(?:true\b|['"`])/,
  /@(?:pytest\.mark\.skip|unittest\.skip)\b/,
  /(?:^|[^\w.])[tb]\.Skip(?:f|Now)?\(/,
  /^\s*#\[ignore\b/,
  /^\s*@(?:Disabled|Ignore)\b/,
];

const SCRIPT = new Set(['js', 'jsx', 'mjs', 'cjs', 'ts', 'tsx', 'mts', 'cts', 'vue', 'svelte']);
/** A row of `=` is how a heading is underlined there. */
const PROSE = new Set(['md', 'rst', 'txt', 'adoc', '']);
/** Halts by the languages that have them. */
const HALTS: readonly (readonly [endings: ReadonlySet<string>, sign: RegExp])[] = [
  [SCRIPT, /(?:^|[\s;{}()])debugger\s{0,4}(?:;|\}|$)/],
  [new Set(['py']), /\b(?:i?pdb\.set_trace|(?<![.\w])breakpoint)\(/],
  [new Set(['rb', 'erb', 'rake']), /\bbinding\.(?:pry|irb)\b|^\s*byebug\b/],
  [new Set(['rs']), /\bdbg!\(/],
];
const COMMENT = /^\s*(?:\/\/|\/\*|\*|#)/;

/** Classes of one letter keep the words out of this file's own search for them. */
const LOOSE_END = /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/;

/** Said quickly of nearly every line: without one of these it holds none. */
const MAY_HOLD_SECRET =
  /key|token|secret|passw|passphrase|auth|cookie|credential|bearer|sk-|gh[a-z]_|github_pat_|xox|eyJ|BEGIN|tmops-agent-|:\/\/|AKIA/i;
/** Beside what `secrets.ts` knows wherever it stands: keys of AWS, and a value in quotes for a name of that kind. */
const SECRET_LITERALS: readonly RegExp[] = [
  /()\bAKIA[0-9A-Z]{16}\b/g,
  /((?:api[-_]?key|private[-_]?key|access[-_]?key|token|secret|passw(?:or)?d|passphrase)['"]?\s{0,4}(?::|=(?!=))\s{0,4})(['"])(?![^'"]{0,200}(?:\$\{|\{\{|<|%\())[^\s'"]{8,200}\2/gi,
];
const isAny = (signs: readonly RegExp[], text: string): boolean => signs.some((sign) => sign.test(text));

const RULES: readonly Rule[] = [
  {
    rule: 'focused-test',
    sentence: 'A test is focused, so that others do not run.',
    holds: (text, { isTest }) => isTest && isAny(FOCUSED, text),
  },
  {
    rule: 'skipped-test',
    sentence: 'A test is skipped or only planned.',
    holds: (text, { isTest }) => isTest && isAny(SKIPPED, text),
  },
  {
    rule: 'conflict-marker',
    sentence: 'A mark of an unresolved merge was left behind.',
    holds: (text, { ending }) =>
      /^(?:<{7}|>{7}|\|{7})(?: |\r?$)/.test(text) || (!PROSE.has(ending) && /^={7}\r?$/.test(text)),
  },
  {
    rule: 'debug-left',
    sentence: 'Something that serves debugging was left behind.',
    holds: (text, { ending, isTest }) =>
      !COMMENT.test(text) &&
      (HALTS.some(([endings, sign]) => endings.has(ending) && sign.test(text)) ||
        (!isTest && SCRIPT.has(ending) && /(?:^|[^\w$.])console\.(?:log|debug|trace)\(/.test(text))),
  },
  {
    rule: 'loose-end',
    sentence: 'A note says that something is still to be done.',
    holds: (text) => LOOSE_END.test(text),
  },
  {
    rule: 'secret',
    sentence: 'Something looks like a key, a token or a password.',
    holds: (text) => withoutSecret(text) !== null,
  },
];

const hideKnown = hiding([]);

/** The text without what looks like a secret in it; null where nothing does. */
function withoutSecret(text: string): string | null {
  if (!MAY_HOLD_SECRET.test(text)) return null;
  const plain = text.replaceAll(LOOKED_UP, '= ').replaceAll(LONG_RUN, '$1');
  const hidden = SECRET_LITERALS.reduce((rest, sign) => rest.replaceAll(sign, `$1${REDACTED}`), hideKnown(plain));
  return hidden === plain ? null : hidden;
}

/** Patterns of `secrets.ts` take time by the cube of a word's length, and know each secret by its first 80 characters. */
const LONG_RUN = /(\w{80})\w+/g;

/** `token=readToken()` names no secret but where it comes from. */
const LOOKED_UP = /=(?=(?:[A-Za-z_$][\w$]{0,60}(?:[([]|\.[A-Za-z_])|\$[{(\w]|<|\{))/g;

function kindOf(path: string): { readonly ending: string } {
  return { ending: /\.([A-Za-z0-9]{1,20})$/.exec(path)?.[1]?.toLowerCase() ?? '' };
}

/** One line of what can be shown, cut off at the 120th unit, and not within a character of two. */
function excerptOf(text: string): string {
  const shown = text.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return shown.length <= EXCERPT ? shown : `${shown.slice(0, EXCERPT - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
