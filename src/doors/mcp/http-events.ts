/** How many events of a session are kept for a client that lost its connection, and how much of them. */
const MAX_EVENTS = 64;
const MAX_CHARACTERS = 512 * 1024;
/** Whoever comes back later than this begins a request anew. */
const KEPT_MS = 5 * 60_000;

interface Event {
  readonly stream: number;
  readonly number: number;
  /** A message, or '' for the one that only begins a stream. */
  readonly json: string;
  readonly at: number;
}

export interface Missed {
  readonly stream: number;
  readonly events: readonly { readonly id: string; readonly json: string }[];
  /** False where something that came after the event may have been let go of. */
  readonly isWhole: boolean;
}

/** The events of one session, for its clients to take a stream up where they lost it. Bounded: the oldest go first. */
export interface EventStore {
  /** Gives the id of the event. */
  keep(stream: number, json: string): string;
  /** What came on the stream of this event after it; null where that is the id of no event. */
  after(id: string): Missed | null;
  /** Lets go of what is too old. */
  sweep(): void;
}

export function eventStore(now: () => number): EventStore {
  const kept: Event[] = [];
  let characters = 0;
  let last = 0;
  /** Number of the newest event that is not kept any more. */
  let lost = 0;
  const drop = (): void => {
    const event = kept.shift();
    if (!event) return;
    characters -= event.json.length;
    lost = event.number;
  };
  return {
    keep(stream, json) {
      last += 1;
      kept.push({ stream, number: last, json, at: now() });
      characters += json.length;
      while (kept.length > MAX_EVENTS || characters > MAX_CHARACTERS) drop();
      return `${stream}-${last}`;
    },
    after(id) {
      const [stream, number] = /^(\d{1,15})-(\d{1,15})$/.exec(id)?.slice(1).map(Number) ?? [];
      if (stream === undefined || number === undefined || number > last) return null;
      const events = kept
        .filter((event) => event.stream === stream && event.number > number && event.json !== '')
        .map((event) => ({ id: `${stream}-${event.number}`, json: event.json }));
      return { stream, events, isWhole: lost <= number };
    },
    sweep() {
      while (kept[0] && now() - kept[0].at > KEPT_MS) drop();
    },
  };
}
