import type { Agent } from './run.ts';

/** How many pieces of evidence an agent remembers; far more than can be out of order. */
const EVIDENCE_KEPT = 32;

/** Whether a piece of evidence has not been taken up yet. */
export const isNews = (evidence: readonly string[], id: string): boolean =>
  !evidence.includes(id) && (evidence.length < EVIDENCE_KEPT || id > (evidence[0] ?? ''));

/** The evidence remembered after one more piece; null stands for none. */
export const remembered = (evidence: readonly string[], id: string | null): readonly string[] =>
  id === null ? evidence : [...evidence, id].sort().slice(-EVIDENCE_KEPT);

/** Where reading an agent's evidence has to begin so that nothing is missed. */
export const evidenceFrom = (agent: Agent): string =>
  agent.evidence.length < EVIDENCE_KEPT ? '' : (agent.evidence[0] ?? '');
