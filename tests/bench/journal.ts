import { setTimeout as pause } from 'node:timers/promises';
import type { Event, EventKind } from '../../src/core/event.ts';
import type { Product } from '../rig/product.ts';

/** The first event of a kind in the feature's journal. Looks seldom, so that looking does not slow what is measured. */
export async function happened<K extends EventKind>(
  product: Product,
  feature: string,
  kind: K,
  fits: (event: Event & { kind: K }) => boolean = () => true,
  withinMs = 60_000,
): Promise<Event & { kind: K }> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = ofKind(await product.events(feature), kind).find(fits);
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${feature} had no ${kind} within ${withinMs} ms`);
    await pause(100);
  }
}

export const ofKind = <K extends EventKind>(events: readonly Event[], kind: K): (Event & { kind: K })[] =>
  events.filter((event): event is Event & { kind: K } => event.kind === kind);

/** One hand-off; all in ms. The parts do not add up to the whole: between them the checkpoint is judged. */
export interface HandOff {
  /** From the checkpoint being complete on disk to the next agent's own evidence that it took the prompt, without `checks`. */
  readonly whole: number;
  /** What the checks of the claim, and of the project before the next step, took in between by their own figures. */
  readonly checks: number;
  /** All of it: `whole` and `checks`. */
  readonly total: number;
  /** Whether the project's tests ran in one of the checks. */
  readonly runsTests: boolean;
  /** From the checkpoint being complete to tmops having noted it. */
  readonly detection: number;
  /** From wanting the prompt to having pressed Enter. */
  readonly typing: number;
  /** From Enter to the agent's evidence. */
  readonly evidence: number;
  /** Whether the next agent had ended its turn before: else its own start is in the figure. */
  readonly wasReady: boolean;
}

/** The hand-offs in a journal, in order. */
export function handOffsOf(events: readonly Event[]): HandOff[] {
  return ofKind(events, 'checkpoint.seen').flatMap((seen) => {
    const wanted = ofKind(events, 'prompt.wanted').find(
      ({ seq, purpose }) => seq > seen.seq && purpose.kind === 'step',
    );
    const entered = ofKind(events, 'prompt.entered').find(({ prompt }) => prompt === wanted?.prompt);
    const taken = ofKind(events, 'prompt.taken').find(({ prompt }) => prompt === wanted?.prompt);
    if (seen.found || !wanted || !entered || !taken) return [];
    const between = ofKind(events, 'check.passed').filter(({ seq }) => seq > seen.seq && seq < wanted.seq);
    const checks = between.reduce((sum, { tookMs }) => sum + tookMs, 0);
    return {
      whole: taken.writtenAt - seen.mtimeMs - checks,
      checks,
      total: taken.writtenAt - seen.mtimeMs,
      runsTests: between.some(({ shown }) => shown.some((sentence) => sentence.includes('tests'))),
      detection: seen.at - seen.mtimeMs,
      typing: entered.at - wanted.at,
      evidence: taken.writtenAt - entered.at,
      wasReady: ofKind(events, 'agent.turn-ended').some(({ role, at }) => role === wanted.role && at < seen.mtimeMs),
    };
  });
}
