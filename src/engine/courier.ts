import { createHash } from 'node:crypto';
import type { AgentHandle } from '../core/agent.ts';
import { LOOK_AGAIN, nextMove, type Move, type Sight } from '../core/delivery.ts';
import type { DeliveryNews } from '../core/request.ts';
import { openPrompts, typedLine, type Agent, type Prompt } from '../core/run.ts';
import type { Screen } from '../core/screen.ts';
import type { RunLoop } from './loop.ts';
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
    const attempt: Attempt = { prompt: 0, seenAt: null };
    for (;;) {
      const prompt = openPrompts(parts.loop.run(), parts.role)[0];
      if (!prompt || isOver()) return;
      if (attempt.prompt !== prompt.id) Object.assign(attempt, { prompt: prompt.id, seenAt: null });
      const pauseMs = await carry(prompt, attempt);
      if (pauseMs > 0) {
        nap = new AbortController();
        await parts.clock.sleep(pauseMs, AbortSignal.any([nap.signal, ended.signal]));
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
      nap.abort();
      busy ??= work();
    },
    async stop() {
      ended.abort();
      await busy;
    },
  };
}

/** The longest pause before what could not be done is tried again, in ms. */
const LONGEST_PAUSE_MS = 8000;

interface Attempt {
  prompt: number;
  seenAt: number | null;
}

/** Looks once and makes one move. Gives how long to wait before the next look, in ms. */
async function oneMove(parts: CourierParts, prompt: Prompt, attempt: Attempt): Promise<number> {
  const agent = parts.loop.run().agents[parts.role];
  if (!agent) return LOOK_AGAIN.heldMs;
  const sight = await lookAt(parts, prompt, agent, attempt);
  if (!sight) return LOOK_AGAIN.underWayMs;
  return make(parts, prompt, agent, nextMove(sight), sight);
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
  if (stage.kind === 'taken' || stage.kind === 'delivered-by-hand') return null;
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
  };
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

const squeezed = (text: string): string => text.replaceAll(/\s+/g, '');

async function make(parts: CourierParts, prompt: Prompt, agent: Agent, move: Move, sight: Sight): Promise<number> {
  const tell: Tell = async (news) => {
    const answer = await parts.loop.submit({ kind: 'delivery', prompt: prompt.id, news });
    return answer.ok && answer.events.length > 0;
  };
  switch (move.do) {
    case 'wait':
      return move.ms;
    case 'hold':
      // An agent that is still starting is no news; it happens at each start.
      if (move.outcome === 'not_ready') return LOOK_AGAIN.underWayMs * 2;
      await tell({ kind: 'held', outcome: move.outcome, reason: move.reason });
      return LOOK_AGAIN.heldMs;
    case 'stuck':
      await tell({ kind: 'stuck', outcome: move.outcome, reason: move.reason });
      return LOOK_AGAIN.heldMs;
    case 'reopen':
      await parts.drainEvidence(parts.role);
      await tell({ kind: 'reopened', why: move.why });
      return 0;
    case 'leave-mode':
      if (agent.pane !== null) await parts.terminal.leaveMode(agent.pane);
      return LOOK_AGAIN.underWayMs;
    case 'note-typed':
      if (sight.stage.kind === 'wanted') await intend(agent, sight.line, tell);
      await tell({ kind: 'typed' });
      return 0;
    case 'type':
      return type(parts, agent, sight.line, tell);
    case 'enter':
      return enter(parts, agent, sight, move.lastRow, tell);
    default:
      return unreachable(move);
  }
}

/** Whether it was journaled. What is not may not be done: the prompt went elsewhere, or the run was stopped. */
type Tell = (news: DeliveryNews) => Promise<boolean>;

async function type(parts: CourierParts, agent: Agent, line: string, tell: Tell): Promise<number> {
  if (agent.pane === null) return LOOK_AGAIN.heldMs;
  if (!(await intend(agent, line, tell))) return LOOK_AGAIN.underWayMs;
  const result = await parts.terminal.paste(agent.pane, line);
  if (result === 'typed') {
    await tell({ kind: 'typed' });
    return 1;
  }
  // tmux itself saw a dead pane or a mode and sent nothing, so that the text may be typed later under the same id.
  if (result === 'refused') await tell({ kind: 'reopened', why: 'the pane did not take input; nothing was typed' });
  return LOOK_AGAIN.underWayMs;
}

function intend({ pane, generation }: Agent, line: string, tell: Tell): Promise<boolean> {
  const sha256 = createHash('sha256').update(line).digest('hex');
  return tell({ kind: 'intended', pane: pane ?? '', generation, sha256 });
}

async function enter(parts: CourierParts, agent: Agent, sight: Sight, lastRow: string, tell: Tell): Promise<number> {
  if (agent.pane === null) return LOOK_AGAIN.heldMs;
  const times = sight.stage.kind === 'entered' ? sight.stage.times + 1 : 1;
  // Journaled first: after a crash an Enter that may have been pressed is not pressed again unless the text still stands.
  if (!(await tell({ kind: 'entered', times, busy: isBusy(sight) }))) return LOOK_AGAIN.underWayMs;
  // A dialog has the keyboard before it is drawn, and journaling took its time; the next look tells of it.
  if ((await parts.provider.activity(handleOf(parts, agent))).kind === 'waiting') return 1;
  await parts.terminal.enter(agent.pane, lastRow);
  return 1;
}

function isBusy({ activity }: Sight): boolean | null {
  return activity.kind === 'busy' ? true : activity.kind === 'idle' ? false : null;
}

function unreachable(value: never): never {
  throw new Error(`Internal error: unknown move ${JSON.stringify(value)}`);
}
