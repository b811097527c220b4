import type { AgentNews, Evidence } from './agent.ts';
import type { Fact, HumanSign } from './event.ts';
import type { Request } from './request.ts';
import { holderOf, markerOf, openPrompts, relaunch, type Agent, type Prompt, type Run } from './run.ts';
import { isNews } from './evidence-window.ts';
import { isSameDialog } from './screen.ts';

/** More unasked-for ends than this within the window and the agent is left alone for a human. */
export const CRASH_LIMIT = { count: 3, withinMs: 10 * 60_000 };

/** Tool calls are noted as signs of life no more often than this, to keep the journal short. */
const SIGN_EVERY_MS = 60_000;

/** What was seen of an agent or its pane. */
export type AgentObservation = Exclude<
  Extract<Request, { role: string }>,
  {
    kind:
      | 'message'
      | 'role-report'
      | 'dialog-answering'
      | 'dialog-answered'
      | 'memory-seen'
      | 'interrupting'
      | 'interrupt-failed';
  }
>;

export function agentObserved(run: Run, request: AgentObservation, at: number): Fact[] {
  const agent = run.agents[request.role];
  if (!agent) return [];
  switch (request.kind) {
    case 'agent-placed':
      return agent.pane === request.pane || agent.generation !== request.generation
        ? []
        : [{ ...request, kind: 'agent.placed' }];
    case 'agent-process':
      return same(agent.process, { pid: request.pid, startTime: request.startTime }) ||
        agent.generation !== request.generation
        ? []
        : [{ ...request, kind: 'agent.process' }];
    case 'agent-news':
      return isNews(agent.evidence, request.evidence.id) ? news(run, agent, request.evidence, at) : [];
    case 'agent-interrupted':
      return agent.state.kind === 'busy'
        ? [{ kind: 'agent.turn-ended', role: agent.role, failed: null, background: 0, evidence: null }]
        : [];
    case 'human-seen':
      return humanSeen(run, request, at);
    case 'human-left': {
      const holder = holderOf(run, request.role);
      return holder.kind === 'human' && holder.stays ? [{ kind: 'pane.left', role: request.role }] : [];
    }
    case 'agent-asking':
      return asking(agent, request, at);
    case 'agent-answered':
      return agent.state.kind === 'asking' ? [{ ...request, kind: 'agent.answered' }] : [];
    case 'agent-exited':
      return exited(run, agent, request, at);
    case 'conversation-lost':
      return [{ kind: 'agent.forgot', role: agent.role }];
    case 'agent-failed':
      return [{ ...request, kind: 'agent.failed' }];
    default:
      return unreachable(request);
  }
}

/** A mark that moves is no news, nor is the end of a limit: when that time has come, the same words mean the next day. */
function asking(agent: Agent, request: Extract<Request, { kind: 'agent-asking' }>, at: number): Fact[] {
  const { role, dialog } = request;
  if (agent.state.kind === 'asking' && isSameDialog(agent.state.dialog, dialog)) return [];
  const asks: Fact = { kind: 'agent.asking', role, dialog };
  return dialog.limitUntilMs === undefined ? [asks] : [asks, parked(role, dialog.limitUntilMs, dialog.text, at)];
}

function exited(run: Run, agent: Agent, request: Extract<Request, { kind: 'agent-exited' }>, at: number): Fact[] {
  if (agent.generation !== request.generation || agent.state.kind === 'gone') return [];
  // Exit code 0 is the human's /exit or Ctrl-D: their will, not a crash.
  const deliberate = request.exit.kind === 'code' && request.exit.code === 0;
  const gone: Fact = {
    kind: 'agent.exited',
    role: agent.role,
    generation: agent.generation,
    exit: request.exit,
    deliberate,
  };
  if (deliberate) return [gone, ...takenByEnding(run, agent.role)];
  const recent = agent.crashes.filter((crash) => at - crash < CRASH_LIMIT.withinMs).length;
  if (recent < CRASH_LIMIT.count) return [gone, relaunch(agent, request.spareId)];
  const sentence = `The ${agent.role}'s agent ended ${recent + 1} times within ${CRASH_LIMIT.withinMs / 60_000} minutes and is not started again by itself.`;
  return [
    gone,
    {
      kind: 'agent.failed',
      role: agent.role,
      sentence,
      hint: 'Look at its pane for the reason, then start the feature again.',
    },
  ];
}

function news(run: Run, agent: Agent, { id, atMs, news: what }: Evidence, at: number): Fact[] {
  const role = agent.role;
  switch (what.kind) {
    case 'session-started':
      return [{ kind: 'agent.session', role, sessionId: what.sessionId, source: what.source, evidence: id }];
    case 'prompt-taken': {
      const ours = openPrompts(run, role).find((prompt) => what.text.includes(markerOf(prompt.id)) && hasBegun(prompt));
      if (ours)
        return [
          { kind: 'prompt.taken', prompt: ours.id, queued: isQueued(ours, agent), evidence: id, writtenAt: atMs },
        ];
      return [
        { kind: 'agent.turn-began', role, prompt: null, evidence: id },
        ...(what.injected === true || isOwnText(run, role, what.text)
          ? []
          : seen(run, role, 'prompt', false, 'a prompt that tmops did not send', at)),
      ];
    }
    case 'turn-ended':
      return [{ kind: 'agent.turn-ended', role, failed: null, background: what.background, evidence: id }];
    case 'turn-failed':
      return [
        { kind: 'agent.turn-ended', role, failed: what.error, background: 0, evidence: id },
        ...parking(run, role, what, at),
      ];
    case 'tool-started':
    case 'tool-ended':
      return at - agent.signAt > SIGN_EVERY_MS ? [{ kind: 'agent.worked', role, evidence: id }] : [];
    // Questions and farewells are seen by other means too (the screen, the exit); alone they change no state.
    case 'asking':
    case 'session-ended':
      return [];
    default:
      return unreachable(what);
  }
}

/** Every sign of the human counts, and one a second is enough to tell when the last one was. */
const USED_EVERY_MS = 1000;

function humanSeen(run: Run, request: Extract<AgentObservation, { kind: 'human-seen' }>, at: number): Fact[] {
  return seen(run, request.role, request.sign, request.stays, request.why, at);
}

function seen(run: Run, role: string, sign: HumanSign, stays: boolean, why: string, at: number): Fact[] {
  const holder = holderOf(run, role);
  const used: Fact = { kind: 'pane.used', role, sign, stays };
  if (holder.kind === 'human') {
    const isNothingNew = holder.stays === stays && holder.backAt === null && at - holder.usedAt < USED_EVERY_MS;
    return isNothingNew ? [] : [used];
  }
  return [...takenByUse(run, role, why), ...(stays ? [used] : [])];
}

const takenByUse = (run: Run, role: string, why: string): Fact[] =>
  run.life.kind === 'running' && holderOf(run, role).kind === 'auto'
    ? [{ kind: 'pane.taken', role, how: 'use', by: 'human', why }]
    : [];

/** Also where typing the farewell was seen before: it stays theirs until it is given back, and not only while it is used. */
function takenByEnding(run: Run, role: string): Fact[] {
  const holder = holderOf(run, role);
  if (run.life.kind !== 'running' || (holder.kind === 'human' && holder.how !== 'use')) return [];
  return [{ kind: 'pane.taken', role, how: 'ended', by: 'human', why: 'its agent was ended on purpose' }];
}

/** A turn that broke off at a limit of the account: the agent is asked again when that ends. */
function parking(run: Run, role: string, what: Extract<AgentNews, { kind: 'turn-failed' }>, at: number): Fact[] {
  if (what.error !== 'rate_limit' && what.limitUntilMs === undefined) return [];
  return [parked(role, what.limitUntilMs ?? at + (run.settings?.limitRetryMs ?? 0), what.last, at)];
}

const parked = (role: string, untilMs: number, why: string, at: number): Fact => ({
  kind: 'agent.parked',
  role,
  untilMs: Math.max(at + 1000, untilMs),
  why: why.slice(0, 200),
});

/** What the agent said of itself when Enter was pressed; its reports, which may be late, where it said nothing. */
const isQueued = ({ stage }: Prompt, agent: Agent): boolean =>
  (stage.kind === 'entered' ? stage.busy : null) ?? isWorking(agent);

/** A question in the middle of a turn does not end the turn. */
const isWorking = ({ state }: Agent): boolean =>
  state.kind === 'busy' || (state.kind === 'asking' && state.before === 'busy');

/** A report of our own prompt that came twice, or late, is not a human's doing. */
const isOwnText = (run: Run, role: string, text: string): boolean =>
  run.prompts.some((prompt) => prompt.role === role && hasBegun(prompt) && text.includes(markerOf(prompt.id)));

const hasBegun = (prompt: Prompt): boolean => prompt.attempts > 0;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function unreachable(value: never): never {
  throw new Error(`Internal error: unknown request ${JSON.stringify(value)}`);
}
