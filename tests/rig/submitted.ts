/** A word that the human typed: no two are alike, so that it is known when it was shown. Times in ms since the epoch. */
export interface Word {
  readonly text: string;
  readonly typedAt: number;
  shownAt: number | null;
}

/** What an agent took, and what is known of the time before. Times in ms since the epoch. */
export interface Submitted {
  readonly at: number;
  readonly text: string;
  /** When the Enter of ours that submitted it was journaled; it is pressed after that. 0 when there is none. */
  readonly journaledAt: number;
  /** When the human pressed a key that takes away what stands there. */
  readonly deletions: readonly number[];
  readonly words: readonly Word[];
}

/** An Enter that tmux has sent reaches the agent within this, in ms. */
const IN_FLIGHT_MS = 150;
/** A key of the human has reached the agent, and its echo their screen, after this. In ms. */
export const ARRIVED_MS = 1000;

export const isRecent = (time: number, at: number): boolean => time <= at && at - time < ARRIVED_MS;

/**
 * Judges what an Enter of ours submitted that is not a line of ours as it was typed: null when nobody could have known,
 * for the keys met our Enter on its way; otherwise what had stood on the human's screen before the Enter was pressed.
 */
export function judgeSubmitted({ at, text, journaledAt, deletions, words }: Submitted): string | null {
  const foreign = words.filter((word) => text.includes(word.text));
  const pressedAfter = Math.max(journaledAt, at - IN_FLIGHT_MS);
  const seen = foreign.filter(({ shownAt, typedAt }) => (shownAt ?? typedAt + ARRIVED_MS) < pressedAfter);
  const isExplained = foreign.length > 0 || deletions.some((time) => isRecent(time, at));
  if (seen.length === 0 && isExplained) return null;
  const shown = seen.map((word) => `${word.text}, shown ${at - (word.shownAt ?? at)} ms before`);
  return `our Enter submitted ${JSON.stringify(text)} at ${at}: ${shown.join('; ') || 'nobody typed that'}`;
}
