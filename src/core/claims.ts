import type { Labelled } from './outline.ts';

/** What a checkpoint says of its gate: passed by rule, waiting for a human, or nothing. */
export type Gate = 'auto' | 'human' | null;

/** First value of each label. */
export function fieldsOf(entries: readonly Labelled[]): Record<string, string> {
  const fields = new Map<string, string>();
  for (const { label, value } of entries) if (!fields.has(label)) fields.set(label, value);
  // fromEntries defines properties, so a label such as `__proto__` stays a label.
  return Object.fromEntries(fields);
}

/** The fields whose value starts with a number. */
export function numbersOf(fields: Readonly<Record<string, string>>): Record<string, number> {
  const numbers: [string, number][] = [];
  for (const [label, value] of Object.entries(fields)) {
    const number = leadingNumber(value);
    if (number !== null) numbers.push([label, number]);
  }
  return Object.fromEntries(numbers);
}

/** 87 for `87% (lines)`, 12 for `12/12`, 50 for `<50ms`; null for `Low (avg 2.1)`. */
export function leadingNumber(value: string): number | null {
  const found = /^[<>~≈≥≤✅\s]*(\d{1,15}(?:\.\d{1,15})?)/u.exec(value)?.[1];
  return found === undefined ? null : Number(found);
}

/** Reads the gate from labelled lines. Where both words stand, the human is asked. */
export function gateOf(entries: readonly Labelled[]): Gate {
  const words = entries.filter(({ label }) => GATE_LABELS.has(slug(label))).map(({ value }) => slug(value));
  if (words.some((word) => HUMAN.some((sign) => word.includes(sign)))) return 'human';
  return words.some((word) => word.includes('auto-approved')) ? 'auto' : null;
}

/** Lower case, everything but letters and digits made one hyphen: `Next Action:` is `next-action`. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
}

/** Whether a role as agents write it (`TESTER`, `Implementer (via Orchestrator)`, `Security Reviewer Agent`) is `role`. */
export function namesRole(written: string, role: string): boolean {
  const bare = slug(written.slice(0, NAME_MAX_CHARS).split(/[(,;|/→—–]| - /u, 1)[0] ?? '');
  return bare === slug(role) || bare.replace(/(?:-(?:instance|agent|role|claude|\d+))+$/, '') === slug(role);
}

/** Whether a feature as agents write it (`auth-api`, `Auth API`, `` `auth-api` (retry) ``) is `feature`. */
export function namesFeature(written: string, feature: string): boolean {
  const words = written.slice(0, NAME_MAX_CHARS).replaceAll('`', '').trim();
  return slug(words) === feature || words.split(/\s/, 1)[0]?.toLowerCase() === feature;
}

const NAME_MAX_CHARS = 200;
const GATE_LABELS = new Set(['status', 'gate', 'gate-status']);
const HUMAN = ['awaiting-human-review', 'awaiting-approval', 'awaiting-human-approval'];
