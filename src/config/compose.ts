import { Composer, Lexer, Parser } from 'yaml';
import type { Document, ParsedNode } from 'yaml';
import type { ConfigFault, FaultKind } from './faults.ts';
import { faultAt } from './source.ts';
import type { Place } from './source.ts';

/**
 * Bounds of one document. Depth counts maps and lists; pieces are what the lexer makes of the text (a word, a sign, a blank, a
 * line break, a comment), which bounds the time, since the parser takes the square of them in the worst case; nodes count again for each alias that leads to them; `expanded`
 * counts the characters of all values with what variables bring in.
 */
export const LIMITS = {
  depth: 20,
  pieces: 25_000,
  nodes: 10_000,
  aliases: 100,
  expanded: 1024 * 1024,
  faults: 20,
} as const;

export interface Composed {
  /** Null for a document that is empty or cannot be read. */
  readonly contents: ParsedNode | null;
  readonly faults: readonly ConfigFault[];
}

/**
 * Parses the one YAML 1.2 document at `place`. The parser's stack is watched, since nested brackets would otherwise
 * exhaust the one of the machine; equal keys are left to whoever walks the nodes, since the parser compares each with each.
 */
export function compose(place: Place): Composed {
  const text = place.source.text.slice(place.start, place.end);
  const fault = (start: number, end: number, kind: FaultKind, expected: string): ConfigFault =>
    faultAt(kind, { ...place, start: place.start + start, end: place.start + end }, [], { expected });
  const over: Over = { at: -1, expected: '' };
  const composer = new Composer({ uniqueKeys: false, resolveKnownTags: false, logLevel: 'silent' });
  const documents = composer.compose(tokensOf(text, over), true, text.length);
  const first = documents.next().value;
  const second = documents.next().value;
  if (over.at >= 0) return { contents: null, faults: [fault(over.at, over.at + 1, 'too-large', over.expected)] };
  // One mistake makes the parser stumble several times: the first is the one to repair.
  const wrong = first ? [...first.errors, ...first.warnings].slice(0, 1) : [];
  const faults = wrong.map(({ pos, message }) => fault(pos[0], pos[1], 'syntax', advice(text, pos[0], message)));
  if (second && faults.length === 0)
    faults.push(fault(second.range[0], second.range[1], 'syntax', 'one document in a file'));
  return { contents: first ? contentsOf(first) : null, faults };
}

const contentsOf = (document: Document.Parsed): ParsedNode | null => document.contents;

/** Where a bound was passed, as an offset, and what is allowed; -1 while none was. */
interface Over {
  at: number;
  expected: string;
}

function* tokensOf(text: string, over: Over): ReturnType<Parser['parse']> {
  const parser = new Parser();
  let pieces = 0;
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    pieces += 1;
    const isDeep = parser.stack.length > LIMITS.depth * 3;
    if (!isDeep && pieces <= LIMITS.pieces) continue;
    over.at = Math.max(0, parser.offset - 1);
    over.expected = isDeep
      ? `at most ${LIMITS.depth} levels of maps and lists`
      : `at most ${LIMITS.pieces} words, signs, blanks and line breaks`;
    return;
  }
  yield* parser.end();
}

/** `${` in a list between brackets is where the parser's own words mislead most. */
function advice(text: string, at: number, message: string): string {
  const line = text.slice(text.lastIndexOf('\n', at) + 1, (text.indexOf('\n', at) + 1 || text.length + 1) - 1);
  const hint = /[[{].*\$\{/.test(line) ? ' (inside [ ] and { }, put a value with ${…} into quotes)' : '';
  return `YAML that can be read: ${message}${hint}`;
}
