import { untilBeat } from '../core/beat.ts';
import { holderOf, type Agent, type Run } from '../core/run.ts';
import type { CrewParts } from './crew.ts';
import { humanSign } from './human-sign.ts';
import type { PaneLook, Stop } from './ports.ts';
import { keyPressed } from './take-key.ts';

/**
 * Between two looks at a pane that goes on writing, in ms: soon enough where somebody may be typing, calmer where an agent
 * works and nobody is in front of it.
 */
const LOOK_EVERY = { watchedMs: 25, unwatchedMs: 500 };
/** How often panes are looked at that need it without having written anything, in ms. */
const ROUND_MS = 2000;

/** Watches every pane of a run for a human's hand and reports what it sees. It types nothing and decides nothing. */
export function keepSentinel(parts: CrewParts, onError: (error: unknown) => void): Stop {
  const { loop, clock } = parts;
  const ended = new AbortController();
  const posts = new Map<string, Post>();
  let attending: Promise<void> = Promise.resolve();
  let watching: Stop | null = null;

  const attendAll = async (): Promise<void> => {
    const { agents, settings } = loop.run();
    for (const { role, pane } of Object.values(agents)) {
      const post = posts.get(role);
      if (post?.pane === pane || ended.signal.aborted) continue;
      posts.delete(role);
      await post?.leave();
      if (pane !== null) posts.set(role, openPost(parts, role, pane, ended.signal, onError));
    }
    if (watching === null && settings !== null && posts.size > 0 && !ended.signal.aborted)
      watching = await watchSession(parts, settings.session, lookAt, onError);
  };
  const lookAt = (pane: string): void => {
    for (const post of posts.values()) if (post.pane === pane) post.look();
  };
  const unwatch = async (): Promise<void> => {
    const stop = watching;
    watching = null;
    await stop?.();
  };
  // One after the other: a pane has one post.
  const queue = (work: () => Promise<void>): void => {
    attending = attending.then(work).catch(onError);
  };
  const rounds = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      for (const [role, post] of posts) if (!post.hears() || isToBeVisited(loop.run(), role)) post.look();
      await clock.sleep(untilBeat(clock.now(), ROUND_MS), ended.signal);
    }
  };
  const unsubscribe = loop.subscribe((_run, events) => {
    for (const event of events) {
      if (event.kind === 'agent.placed') queue(attendAll);
      if (event.kind === 'session.lost') queue(unwatch);
      // What was typed during the turn shows without anything being written any more.
      if (event.kind === 'agent.turn-ended') posts.get(event.role)?.look();
    }
  });
  queue(attendAll);
  const running = rounds();
  return async () => {
    ended.abort();
    unsubscribe();
    await Promise.all([running, attending]);
    await unwatch();
    for (const post of posts.values()) await post.leave();
  };
}

/** Modes and keys, of which nothing is written into a pane. */
async function watchSession(
  parts: CrewParts,
  session: string,
  lookAt: (pane: string) => void,
  onError: (error: unknown) => void,
): Promise<Stop> {
  const { terminal, setup } = parts;
  const stopModes = terminal.onMode(session, lookAt);
  const stopKeys = await terminal
    .onKey(session, setup.takeKey, (pane, what) => {
      keyPressed(parts, pane, what).catch(onError);
    })
    .catch((error: unknown) => {
      onError(error);
      return null;
    });
  return async () => {
    await stopModes();
    await stopKeys?.();
  };
}

/** Somebody who is there is followed, so that it is seen when they have left. */
function isToBeVisited(run: Run, role: string): boolean {
  const holder = holderOf(run, role);
  return run.life.kind === 'running' && holder.kind === 'human' && holder.stays;
}

interface Post {
  readonly pane: string;
  /** Whether it is told when the pane's program writes. */
  hears(): boolean;
  look(): void;
  leave(): Promise<void>;
}

function openPost(
  parts: CrewParts,
  role: string,
  pane: string,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Post {
  const { terminal, loop, clock } = parts;
  const left = new AbortController();
  const over = AbortSignal.any([signal, left.signal]);
  let looking: Promise<void> | null = null;
  let again = false;
  const isWanted = (): boolean => again && !over.aborted;
  let hears = true;
  let trace: string | null = null;

  const looks = async (): Promise<void> => {
    do {
      again = false;
      const seen = await lookFor(parts, role, pane, trace);
      trace = seen.trace;
      const pauseMs = pauseOf(loop.run().agents[role], seen.watchers);
      await clock.sleep(pauseMs, over);
    } while (isWanted());
  };
  const look = (): void => {
    again = true;
    if (over.aborted) return;
    looking ??= looks()
      .catch(onError)
      .finally(() => {
        looking = null;
        // Written while the last look was ending.
        if (again) look();
      });
  };
  const following = terminal.onOutput(pane, look).catch((error: unknown) => {
    onError(error);
    return null;
  });
  // What was typed before it was listened to is there to be seen.
  void following.then((stop) => {
    hears = stop !== null;
    look();
  });
  return {
    pane,
    hears: () => hears,
    look,
    async leave() {
      left.abort();
      const stop = await following;
      await stop?.();
      await looking;
    },
  };
}

const pauseOf = (agent: Agent | undefined, watchers: number): number =>
  agent?.state.kind === 'idle' || watchers > 0 ? LOOK_EVERY.watchedMs : LOOK_EVERY.unwatchedMs;

interface Glance {
  readonly watchers: number;
  /** What the human was seen to do, null when nothing; to be told from what they do next. */
  readonly trace: string | null;
}

/** One look at a pane. What stands there as it stood before is no sign that the human is still there. */
async function lookFor(parts: CrewParts, role: string, pane: string, before: string | null): Promise<Glance> {
  const { terminal, loop } = parts;
  const run = loop.run();
  if (run.life.kind !== 'running' || run.agents[role]?.pane !== pane) return { watchers: 0, trace: null };
  const look = await terminal.look(pane);
  if (look.kind !== 'seen') return { watchers: 0, trace: before };
  return { watchers: look.watchers, trace: await report(parts, role, look, before) };
}

async function report(
  { provider, loop, clock }: CrewParts,
  role: string,
  look: PaneLook,
  before: string | null,
): Promise<string | null> {
  const screen = look.kind === 'seen' ? provider.classify(look.capture) : { kind: 'unknown' as const };
  const process = loop.run().agents[role]?.process ?? null;
  const alive = process === null ? 'not-started' : await provider.alive(process);
  if (alive === 'gone') return before;
  const seen = humanSign(loop.run(), role, { pane: look, screen, alive }, clock.now());
  const holder = holderOf(loop.run(), role);
  if (seen === null) {
    if (holder.kind === 'human' && holder.stays) await loop.submit({ kind: 'human-left', role });
    return null;
  }
  const { sign, why } = seen;
  const trace = `${sign} ${seen.trace}`;
  const isNews = holder.kind === 'auto' || !holder.stays || trace !== before;
  if (isNews) await loop.submit({ kind: 'human-seen', role, stays: true, sign, why });
  return trace;
}
