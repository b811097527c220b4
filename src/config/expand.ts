/** What `${NAME}` and `${NAME:-default}` in one scalar became. */
export interface Expansion {
  readonly text: string;
  /** The scalar was one expansion and nothing else, so that its text may stand for a number or a boolean. */
  readonly whole: boolean;
  readonly faults: readonly ExpansionFault[];
}

export interface ExpansionFault {
  readonly kind: 'unset-variable' | 'bad-expansion' | 'too-large';
  /** The offending part of the scalar, and how often the same text stands before it. */
  readonly raw: string;
  readonly nth: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const MAX_EXPANDED = 64 * 1024;

/**
 * Expands one scalar after the YAML is parsed: what a variable holds is never read as YAML, and never expanded again.
 * `$${` stands for `${`. A default holds whatever stands before the closing brace that balances, expansions too, and is
 * taken when the variable is unset or empty. `used` collects the names that were looked up.
 */
export function expand(text: string, env: Environment, used: Set<string>): Expansion {
  if (!text.includes('${')) return { text, whole: false, faults: [] };
  const tooLarge: ExpansionFault = { kind: 'too-large', raw: text, nth: 0 };
  if (text.length > MAX_EXPANDED) return { text: '', whole: false, faults: [tooLarge] };
  const faults: ExpansionFault[] = [];
  const result = expandPart(text, { env, used, root: text, faults }, { offset: 0, depth: 0 });
  if (result.length > MAX_EXPANDED) return { text: '', whole: false, faults: [tooLarge] };
  return { text: result, whole: closingBrace(text, 0) === text.length - 1, faults };
}

interface Scope {
  readonly env: Environment;
  readonly used: Set<string>;
  readonly root: string;
  readonly faults: ExpansionFault[];
}

/** Where a part stands in the whole scalar (a default is a part of it), and in how many defaults it stands. */
interface Part {
  readonly offset: number;
  readonly depth: number;
}

const MAX_DEPTH = 8;
const MAX_FAULTS = 20;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

function expandPart(text: string, scope: Scope, part: Part): string {
  let result = '';
  let at = 0;
  for (let open = text.indexOf('${'); open >= 0; open = text.indexOf('${', at)) {
    if (result.length > MAX_EXPANDED || scope.faults.length >= MAX_FAULTS) break;
    if (open > at && text[open - 1] === '$') {
      result += `${text.slice(at, open - 1)}\${`;
      at = open + 2;
      continue;
    }
    const close = closingBrace(text, open);
    const raw = text.slice(open, close < 0 ? text.length : close + 1);
    result += text.slice(at, open) + valueOf(raw, close >= 0, scope, { ...part, offset: part.offset + open });
    at = open + raw.length;
  }
  return result + text.slice(at);
}

function valueOf(raw: string, closed: boolean, scope: Scope, part: Part): string {
  const name = NAME.exec(raw.slice(2))?.[0] ?? '';
  const rest = raw.slice(2 + name.length, -1);
  const wellFormed = closed && name !== '' && (rest === '' || rest.startsWith(':-')) && part.depth < MAX_DEPTH;
  if (!wellFormed) return refuse('bad-expansion', raw, scope, part);
  scope.used.add(name);
  const value = Object.hasOwn(scope.env, name) ? scope.env[name] : undefined;
  if (rest === '') return value ?? refuse('unset-variable', raw, scope, part);
  if (value !== undefined && value !== '') return value;
  return expandPart(rest.slice(2), scope, { offset: part.offset + name.length + 4, depth: part.depth + 1 });
}

function refuse(kind: ExpansionFault['kind'], raw: string, scope: Scope, part: Part): string {
  scope.faults.push({ kind, raw, nth: scope.root.slice(0, part.offset).split(raw).length - 1 });
  return '';
}

/** Index of the brace that closes the `${` at `open`, or -1. */
function closingBrace(text: string, open: number): number {
  if (!text.startsWith('${', open)) return -1;
  let depth = 0;
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}
