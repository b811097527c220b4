import { setTimeout as sleep } from 'node:timers/promises';
import { NO_NAMES, resourceRequests, type Watched } from '../../app/resource-requests.ts';
import type { OnFault } from './call.ts';
import { badParameter } from './resource-error.ts';
import type { ResourceDoorPorts } from './resource-door.ts';
import type { ResourceKind, Target } from './resource-uri.ts';

/** The longest that one request may wait (see resource-requests). */
const REQUEST_MS = 50_000;
/** What one connection may follow. */
export const MAX_SUBSCRIPTIONS = 64;
/** How many panes and specifications of them: each is looked at once a second. */
export const MAX_LOOKED_AT = 16;
/** How long to wait before a supervisor that went away is asked again, at first and at most, in ms. */
const AGAIN_MS = 500;
const AGAIN_AT_MOST_MS = 30_000;

/** What the client of one connection follows. */
export interface Subscriptions {
  /**
   * Resolves when it was looked at, so that any change from then on is told, or nobody answered. Rejects where there are too
   * many. A URI that is followed already stays so.
   */
  add(uri: string, target: Target): Promise<void>;
  remove(uri: string): void;
  /** From now on the client is told when there are other resources than now. */
  followList(): void;
  /** The client was shown none, since no supervisor answered. */
  shownNone(): void;
  /** A supervisor answers now. */
  reached(): void;
}

interface Followed {
  readonly uri: string;
  readonly watched: Watched;
  /** How it was when it was looked at last; see resource-requests. */
  seen: string | undefined;
  /** Called when it was looked at, or that was tried. */
  readonly looked: () => void;
}

/**
 * Follows all subscriptions of a connection by one request that waits; it is asked anew when they change. Where nothing but the
 * list is followed no supervisor is started for it. One that went away is asked again, and what may have been missed
 * meanwhile counts as changed.
 */
export function openSubscriptions(ports: ResourceDoorPorts): Subscriptions {
  const followed = new Map<string, Followed>();
  const list: Followed = { uri: '', watched: { what: 'names' }, seen: undefined, looked: () => undefined };
  let isListFollowed = false;
  let asking = new AbortController();
  let isGoing = false;

  const wanted = (): Followed[] => [...followed.values(), ...(isListFollowed ? [list] : [])];
  const tell = (each: Followed): void => {
    if (each === list) ports.onList();
    else if (followed.get(each.uri) === each) ports.onUpdate(each.uri);
  };
  /** Whether somebody answered. */
  const ask = async (all: readonly Followed[], signal: AbortSignal): Promise<boolean> => {
    const { name, output } = resourceRequests.changes;
    const port = followed.size > 0 ? ports.link : ports.listen;
    const reply = await port(name, inputFor(all), { door: 'mcp' }, signal);
    if (!reply.ok) return false;
    const { changed, seen } = output.parse(JSON.parse(reply.json));
    for (const [index, each] of all.entries()) each.seen = seen[index];
    for (const index of changed) if (all[index]) tell(all[index]);
    return true;
  };
  const follow = async (): Promise<void> => {
    let againMs = AGAIN_MS;
    while (!ports.signal.aborted && wanted().length > 0) {
      asking = new AbortController();
      const signal = AbortSignal.any([asking.signal, ports.signal]);
      const asked = wanted();
      const isAnswered = await ask(asked, signal).catch(unanswered(ports.onFault));
      if (signal.aborted) continue;
      for (const each of asked) each.looked();
      if (!isAnswered && followed.size === 0) break;
      if (!isAnswered) await sleep(againMs, undefined, { signal, ref: false }).catch(aborted);
      againMs = isAnswered ? AGAIN_MS : Math.min(againMs * 2, AGAIN_AT_MOST_MS);
    }
    // In the same turn: whoever adds one from now on begins anew.
    isGoing = false;
  };
  const go = (): void => {
    asking.abort();
    if (isGoing) return;
    isGoing = true;
    follow().catch(ports.onFault);
  };

  return {
    async add(uri, target) {
      if (followed.has(uri)) return;
      mustHaveRoom([...followed.values()], target.kind);
      await new Promise<void>((looked) => {
        followed.set(uri, { uri, watched: watchedOf(target), seen: undefined, looked });
        go();
      });
    },
    remove(uri) {
      followed.get(uri)?.looked();
      if (followed.delete(uri)) asking.abort();
    },
    followList() {
      if (isListFollowed) return;
      isListFollowed = true;
      go();
    },
    shownNone() {
      list.seen = NO_NAMES;
    },
    reached() {
      if (isListFollowed && !isGoing) go();
    },
  };
}

const inputFor = (all: readonly Followed[]): Record<string, unknown> => ({
  timeoutMs: REQUEST_MS,
  wanted: all.map(({ watched, seen }) => ({ ...watched, ...(seen !== undefined && { seen }) })),
});

function mustHaveRoom(followed: readonly Followed[], kind: ResourceKind): void {
  const looked = followed.filter(({ watched }) => LOOKED_AT.has(watched.what)).length;
  if (followed.length >= MAX_SUBSCRIPTIONS)
    throw badParameter(
      `This connection follows ${MAX_SUBSCRIPTIONS} resources, and that is the most. Unsubscribe one.`,
    );
  if (LOOKED_AT.has(kind) && looked >= MAX_LOOKED_AT)
    throw badParameter(
      `This connection follows ${MAX_LOOKED_AT} panes and specifications, and that is the most. Unsubscribe one.`,
    );
}

const LOOKED_AT: ReadonlySet<string> = new Set(['pane', 'spec']);

function watchedOf({ kind, names }: Target): Watched {
  const name = names.name ?? names.role;
  return {
    what: kind,
    ...(names.feature !== undefined && { feature: names.feature }),
    ...(name !== undefined && { name }),
  };
}

const unanswered =
  (onFault: OnFault) =>
  (error: unknown): false => {
    onFault(error);
    return false;
  };

function aborted(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
