import type { Run } from './run.ts';

/** What a role may say of itself. The first two are for a human; `progress` is for whoever wants to know. */
export const REPORT_KINDS = ['blocked', 'question', 'progress'] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

/** Longer words of a role are cut. Counted in UTF-16 units. */
export const REPORT_CHARS = 2000;

/** What a role said last of itself, while that stands. `text` is the role's own and untrusted. */
export interface Report {
  readonly what: ReportKind;
  readonly text: string;
  readonly at: number;
  /** Number of the event. */
  readonly seq: number;
  /** The last prompt that was wanted by then: a message that is wanted later may answer it. 0: there was none. */
  readonly prompt: number;
  /** The step that the run was in; null when all were done. */
  readonly step: string | null;
}

export interface ReportFact {
  readonly kind: 'role.reported';
  readonly role: string;
  readonly what: ReportKind;
  readonly text: string;
}

/** What the role said that a human has to do something about; null where there is nothing. */
export function callOf(run: Run, role: string): Report | null {
  const report = run.reports[role];
  return report && report.what !== 'progress' ? report : null;
}

/** The `code` under which a human is told of it; null where they need not be. */
export const needCodeOf = (what: ReportKind): string | null => (what === 'progress' ? null : `role-${what}`);

/** Control, format, private and unassigned characters, and blanks of every kind, but for line feeds. */
const ODD = /(?:[\p{C}\p{Zl}\p{Zp}](?<!\n)|[^\S \n])+/gu;

/**
 * Words as they are kept: lines of visible characters, at most REPORT_CHARS. What is not visible becomes a blank; taken out,
 * it could bring together what was kept apart so that it is not known as a secret.
 */
export function plainWords(text: string): string {
  const plain = text.replaceAll(/\r\n?/g, '\n').replaceAll(ODD, ' ').trim();
  // One half of a pair is no character.
  return plain.length > REPORT_CHARS ? plain.slice(0, REPORT_CHARS).replace(/\p{Cs}$/u, '') : plain;
}
