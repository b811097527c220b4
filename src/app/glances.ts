import type { Clock } from '../engine/ports.ts';

/** How long a look at what no event tells of is good for, in ms. */
export const GOOD_FOR_MS = 1000;

/** What was looked at a moment ago, so that many who follow a pane cost one look a second. */
export type Glances = (what: string, look: () => Promise<string>) => Promise<string>;

export function openGlances(clock: Clock): Glances {
  const kept = new Map<string, { readonly at: number; readonly seen: Promise<string> }>();
  return (what, look) => {
    const now = clock.now();
    for (const [key, { at }] of kept) if (now - at >= GOOD_FOR_MS || now < at) kept.delete(key);
    const known = kept.get(what);
    if (known) return known.seen;
    const seen = look();
    kept.set(what, { at: now, seen });
    return seen;
  };
}
