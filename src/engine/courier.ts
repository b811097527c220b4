import { createHash } from 'node:crypto';
import type { AgentHandle } from '../core/agent.ts';
import { LOOK_AGAIN, nextMove, squeezed, type Move, type Sight } from '../core/delivery.ts';
import type { DeliveryNews } from '../core/request.ts';
import { holderOf, openPrompts, typedLine, type Agent, type Prompt, type Run } from '../core/run.ts';
import type { Screen, StandingRow } from '../core/screen.ts';
import type { Answer, RunLoop } from './loop.ts';
import { humanSign } from './human-sign.ts';
import type { AgentProvider, Clock, PaneLook, Terminal } from './ports.ts';

/**
 * Carries the open prompts of one role into its pane, one at a time and in order. It takes no decision of its own:
 * it looks, asks delivery.ts for the next move, journals what the move is about, and only then acts.
 */
export interface Courier {
  /** There may be something to deliver. */
  wake(): void;
  /** Ends after the move under way. */
  stop(): Promise<void>;
}

export interface CourierParts {
  readonly role: string;
  readonly agentDir: string;
  readonly loop: RunLoop;
  readonly terminal: Terminal;
  readonly provider: AgentProvider;
  readonly clock: Clock;
  /** Takes up all evidence that is on disk now; called before a prompt is given up for typing again. */
  readonly drainEvidence: (role: string) => Promise<void>;
  /** Writes a file of the run's folder whole; `file` is relative to it. */
  readonly writeFile: (file: string, text: string) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export function openCourier(parts: CourierParts): Courier {
  const ended = new AbortController();
  const isOver = (): boolean => ended.signal.aborted;
  let nap = new AbortController();
  let busy: Promise<void> | null = null;
  let again = false;
  let failures = 0;
  const shouldGoOn = (): boolean => again && !isOver();

  // What could not be done once is looked at again, less and less often: nobody else would.
  const carry = async (prompt: Prompt, attempt: Attempt): Promise<number> => {
    try {
      const pauseMs = await oneMove(parts, prompt, attempt);
      failures = 0;
      return pauseMs;
    } catch (error) {
      parts.onError(error);
      failures += 1;
      return Math.min(LOOK_AGAIN.heldMs * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    }
  };

  const round = async (): Promise<void> => {
    let attempt = attemptAt(0);
    for (;;) {
      const prompt = openPrompts(parts.loop.run(), parts.role)[0];
      if (!prompt || isOver()) return;
      if (attempt.prompt !== prompt.id) attempt = attemptAt(prompt.id);
      again = false;
      const pauseMs = await carry(prompt, attempt);
      // Whoever woke it during the move saw something that the move may not have seen.
      if (pauseMs > 0 && !shouldGoOn()) {
        nap = new AbortController();
        await parts.clock.sleep(pauseMs, nap.signal);
      }
    }
  };

  const work = async (): Promise<void> => {
    try {
      do {
        again = false;
        await round();
      } while (shouldGoOn());
    } catch (error) {
      parts.onError(error);
    } finally {
      // In the same breath as the last look at `again`: whoever wakes from here on begins anew.
      busy = null;
    }
  };

  return {
    wake() {
      again = true;
      nap.abort(null);
      busy ??= work();
    },
    async stop() {
      ended.abort();
      nap.abort();
      await busy;
    },
  };
}

/** The longest pause before what could not be done is tried again, in ms. */
const LONGEST_PAUSE_MS = 8000;
/** What a human holds is not looked at for them; the courier is woken when they let go. In ms. */
const HELD_BY_HUMAN_MS = 8000;

/** What is remembered of one prompt from move to move; nothing of it has to outlive the process. */
interface Attempt {
  readonly prompt: number;
  seenAt: number | null;
  /** How often the Enter that was journaled last was not pressed; 0 when it was. */
  refusals: number;
}

const attemptAt = (prompt: number): Attempt => ({ prompt, seenAt: null, refusals: 0 });

/** How often one Enter is tried while the screen moves: a busy agent scrolls between the look and the key. */
const ENTER_TRIES = 20;

/** Looks once and makes one move. Gives how long to wait before the next look, in ms. */
async function oneMove(parts: CourierParts, prompt: Prompt, attempt: Attempt): Promise<number> {
  const agent = parts.loop.run().agents[parts.role];
  if (!agent) return LOOK_AGAIN.heldMs;
  const sight = await lookAt(parts, prompt, agent, attempt);
  if (!sight) return LOOK_AGAIN.underWayMs;
  return make({ parts, prompt, agent, attempt, sight }, nextMove(sight));
}

async function lookAt(parts: CourierParts, prompt: Prompt, agent: Agent, attempt: Attempt): Promise<Sight | null> {
  const { provider, terminal, clock } = parts;
  const look: PaneLook = agent.pane === null ? { kind: 'gone' } : await terminal.look(agent.pane);
  // Asked after the screen was read: what stands in the pane of an agent that has just ended is not the agent's word.
  const alive = agent.process === null ? ('not-started' as const) : await provider.alive(agent.process);
  const activity =
    agent.process === null ? ({ kind: 'unknown' } as const) : await provider.activity(handleOf(parts, agent));
  const { stage } = parts.loop.run().prompts[prompt.id - 1] ?? prompt;
  // Evidence came while we looked.
  if (stage.kind === 'taken' || stage.kind === 'delivered-by-hand' || stage.kind === 'withdrawn') return null;
  const screen: Screen = look.kind === 'seen' ? provider.classify(look.capture) : { kind: 'unknown' };
  const line = typedLine(prompt);
  const now = clock.now();
  if (screen.kind === 'composer' && squeezed(screen.draft) === squeezed(line)) attempt.seenAt ??= now;
  else attempt.seenAt = null;
  return {
    now,
    stage,
    line,
    generation: agent.generation,
    attempts: prompt.attempts,
    mark: markOf(prompt.id, prompt.attempts),
    sessionBegun:
      agent.state.kind !== 'starting' && !(agent.state.kind === 'asking' && agent.state.before === 'starting'),
    launchedAt: agent.state.since,
    alive: agent.state.kind === 'gone' || agent.state.kind === 'failed' ? 'gone' : alive,
    activity,
    pane: agent.process === null && look.kind === 'gone' ? { kind: 'unknown', why: 'it is being opened' } : look,
    screen,
    takenBefore: takenBefore(parts),
    seenAt: attempt.seenAt,
    timing: provider.timing,
    hold: whyHeld(parts.loop.run(), parts.role),
    whenIdle: prompt.purpose.kind === 'message',
    enterRefused: stage.kind === 'entered' && attempt.refusals > 0 && attempt.refusals < ENTER_TRIES,
  };
}

/** Why nothing may be typed into the role's pane now; null when it may. */
function whyHeld(run: Run, role: string): string | null {
  const holder = holderOf(run, role);
  if (holder.kind === 'human') return holder.how === 'command' ? `a human took the pane (${holder.by})` : holder.why;
  if (run.rollback) return 'work is being taken back';
  return run.paused ? `the run is paused (${run.paused.by})` : null;
}

const handleOf = ({ agentDir }: CourierParts, { role, sessionId, process }: Agent): AgentHandle => ({
  role,
  sessionId,
  agentDir,
  process,
});

function takenBefore({ loop, role }: CourierParts): Sight['takenBefore'] {
  const last = loop.run().prompts.findLast((prompt) => prompt.role === role && prompt.stage.kind === 'taken');
  return last?.stage.kind === 'taken' ? { line: typedLine(last), at: last.stage.at } : null;
}

/** All that a move is made with. */
interface Scene {
  readonly parts: CourierParts;
  readonly prompt: Prompt;
  readonly agent: Agent;
  readonly attempt: Attempt;
  readonly sight: Sight;
}

async function make(scene: Scene, move: Move): Promise<number> {
  const { parts, agent, sight } = scene;
  switch (move.do) {
    case 'wait':
      return move.ms;
    case 'hold':
      await tellOfHuman(scene);
      // An agent that is still starting is no news; it happens at each start.
      if (move.outcome === 'not_ready') return LOOK_AGAIN.underWayMs * 2;
      await tell(scene, { kind: 'held', outcome: move.outcome, reason: move.reason });
      return sight.hold === null ? LOOK_AGAIN.heldMs : HELD_BY_HUMAN_MS;
    case 'stuck':
      await tellOfHuman(scene);
      await tell(scene, { kind: 'stuck', outcome: move.outcome, reason: move.reason });
      return LOOK_AGAIN.heldMs;
    case 'reopen':
      await parts.drainEvidence(parts.role);
      await tell(scene, { kind: 'reopened', why: move.why });
      return 0;
    case 'leave-mode':
      if (agent.pane !== null) await parts.terminal.leaveMode(agent.pane);
      return LOOK_AGAIN.underWayMs;
    case 'note-typed':
      if (sight.stage.kind === 'wanted' && !(await intend(scene, { standing: true }))) return LOOK_AGAIN.heldMs;
      await tell(scene, { kind: 'typed' });
      return 0;
    case 'type':
      return type(scene, move.rows);
    case 'enter':
      return enter(scene, move.rows);
    default:
      return unreachable(move);
  }
}

const tell = ({ parts, prompt }: Scene, news: DeliveryNews): Promise<Answer> =>
  parts.loop.submit({ kind: 'delivery', prompt: prompt.id, news });

/** What stands in the way may be a human's hand: that makes the pane theirs before anything else is noted of it. */
async function tellOfHuman({ parts: { loop, role, clock }, agent, sight }: Scene): Promise<void> {
  const run = loop.run();
  const seen = humanSign(run, role, sight, clock.now());
  if (seen === null || holderOf(run, role).kind === 'human' || run.agents[role]?.generation !== agent.generation)
    return;
  await loop.submit({ kind: 'human-seen', role, stays: true, sign: seen.sign, why: seen.why });
}

async function type(scene: Scene, rows: readonly StandingRow[]): Promise<number> {
  const { parts, prompt, agent, sight } = scene;
  if (agent.pane === null) return LOOK_AGAIN.heldMs;
  // What the line points at is there before anybody can read the line.
  if (prompt.text !== null && prompt.file !== null) await parts.writeFile(prompt.file, prompt.text);
  if (!(await intend(scene))) return LOOK_AGAIN.heldMs;
  // Looked at once more in the same breath as the write begins: whoever took the pane since is in the journal by now.
  if (whyHeld(parts.loop.run(), parts.role) !== null) {
    await tell(scene, { kind: 'reopened', why: 'the pane was taken before anything was typed' });
    return 0;
  }
  // An empty box is its first row; what goes on below it does not matter.
  const result = await parts.terminal.paste(
    agent.pane,
    sight.line,
    rows.slice(0, 1).map(({ text }) => text),
    { before: sight.pane.kind === 'seen' ? sight.pane.pasted : '', after: markOf(prompt.id, prompt.attempts + 1) },
  );
  if (result === 'typed') {
    await tell(scene, { kind: 'typed' });
    return 1;
  }
  // tmux itself saw a dead pane, a mode or a box that is not empty and sent nothing: it may be typed later under its id.
  if (result !== 'refused') return LOOK_AGAIN.underWayMs;
  await tell(scene, { kind: 'reopened', why: 'the pane did not take input; nothing was typed' });
  return LOOK_AGAIN.heldMs;
}

/** What a paste leaves at the pane: another one for each attempt. */
const markOf = (prompt: number, attempt: number): string => `${prompt}.${attempt}`;

/** Whether typing may begin: not where somebody took the pane meanwhile. */
async function intend(scene: Scene, how: { readonly standing?: true } = {}): Promise<boolean> {
  const { pane, generation } = scene.agent;
  const sha256 = createHash('sha256').update(scene.sight.line).digest('hex');
  return isNoted(await tell(scene, { kind: 'intended', pane: pane ?? '', generation, sha256, ...how }));
}

/** A write without its fact must not be: refused to a held pane, or overtaken by a report of the agent. */
const isNoted = (answer: Answer): boolean => answer.ok && answer.events.length > 0;

async function enter(scene: Scene, [first, ...rest]: readonly StandingRow[]): Promise<number> {
  const { parts, prompt, agent, attempt, sight } = scene;
  if (agent.pane === null || first === undefined) return LOOK_AGAIN.heldMs;
  // Journaled first: after a crash an Enter that may have been pressed is not pressed again unless the text still stands.
  if (!sight.enterRefused) {
    const times = sight.stage.kind === 'entered' ? sight.stage.times + 1 : 1;
    const answer = await tell(scene, { kind: 'entered', times, busy: isBusy(sight) });
    if (!isNoted(answer)) return answer.ok ? LOOK_AGAIN.underWayMs : LOOK_AGAIN.heldMs;
    attempt.refusals = 0;
  }
  attempt.refusals += 1;
  // A dialog has the keyboard before it is drawn, and journaling took its time; the next look tells of it.
  if ((await parts.provider.activity(handleOf(parts, agent))).kind === 'waiting') return 1;
  const run = parts.loop.run();
  const isStillWanted = run.prompts[prompt.id - 1]?.stage.kind === 'entered';
  if (!isStillWanted || whyHeld(run, parts.role) !== null) return 0;
  if ((await parts.terminal.press(agent.pane, 'enter', [first, ...rest])) !== 'refused') attempt.refusals = 0;
  return 1;
}

function isBusy({ activity }: Sight): boolean | null {
  return activity.kind === 'busy' ? true : activity.kind === 'idle' ? false : null;
}

function unreachable(value: never): never {
  throw new Error(`Internal error: unknown move ${JSON.stringify(value)}`);
}
