import type { Config } from '../config/schema.ts';
import type { Caller } from '../link/protocol.ts';
import { calls, type CallKey } from './calls.ts';
import type { AppPorts } from './ports.ts';
import type { AgentAsking } from './principal.ts';
import { roleOperations } from './role-table.ts';
import type { NewsView, ProblemView } from './views.ts';

/** What a caller may reach. */
export interface Reach {
  /** The one feature; null: all. */
  readonly only: string | null;
  /** The agent whose pane the call comes from; null: none. */
  readonly agent: AgentAsking | null;
  /** Whether it may do more than read. */
  readonly drives: boolean;
}

export type Reached =
  { readonly ok: true; readonly reach: Reach } | { readonly ok: false; readonly problem: ProblemView };

const EVERYTHING: Reach = { only: null, agent: null, drives: true };

/**
 * What a caller may reach. The supervisor's own configuration decides, not that of the caller's variables; where it is faulty,
 * what ships. Whoever shows no binding reaches everything: the same user is no boundary.
 */
export async function reachOf(ports: Pick<AppPorts, 'access' | 'agentOf'>, caller: Caller): Promise<Reached> {
  const { only, agentToken } = caller;
  if (only === undefined && agentToken === undefined) return { ok: true, reach: EVERYTHING };
  const access: Config['access'] = ports.access();
  const agent = agentToken === undefined ? null : await ports.agentOf(agentToken);
  if (agentToken !== undefined && agent === null && !access.across_features)
    return { ok: false, problem: UNKNOWN_AGENT };
  const drives = agentToken === undefined || access.agents === 'drive';
  if (access.across_features) return { ok: true, reach: { only: null, agent, drives } };
  if (only !== undefined && agent !== null && agent.feature !== only)
    return { ok: false, problem: outOfReach(only, { only: agent.feature, agent }) };
  return { ok: true, reach: { only: agent?.feature ?? only ?? null, agent, drives } };
}

export type Admitted =
  | { readonly ok: true; readonly input: Record<string, unknown> }
  | { readonly ok: false; readonly problem: ProblemView };

/** Whether the operation may be carried out for this reach; one for all features is then for the only one. */
export function admitted(key: CallKey, input: Record<string, unknown>, reach: Reach): Admitted {
  const { only, agent, drives } = reach;
  const { name, effect, input: takes } = calls[key];
  const feature = input['feature'];
  if (only !== null && typeof feature === 'string' && feature !== only)
    return { ok: false, problem: outOfReach(feature, reach) };
  const asRole = key in roleOperations ? actingAs(input, agent) : null;
  if (asRole !== null) return { ok: false, problem: asRole };
  // A token that no pane has any more is no agent's: whoever shows one plays no role either.
  if (!drives && effect !== 'read' && (agent === null || !(key in roleOperations)))
    return { ok: false, problem: readsOnly(name, only, agent) };
  const isForAll = only !== null && feature === undefined && 'feature' in takes.shape;
  return { ok: true, input: isForAll ? { ...input, feature: only } : input };
}

/** Why what is shown of the feature is beyond this reach; null where it is not. */
export const outOfReachOf = (feature: string, reach: Reach): ProblemView | null =>
  reach.only === null || reach.only === feature ? null : outOfReach(feature, reach);

/** What tells of other features is left out. */
export function withinReach(key: CallKey, output: unknown, { only }: Reach): unknown {
  if (only === null || key !== 'list') return output;
  const { features } = output as { readonly features: readonly { readonly feature: string }[] };
  return { features: features.filter(({ feature }) => feature === only) };
}

export const newsWithin = (news: readonly NewsView[], { only }: Reach): NewsView[] =>
  news.filter(({ feature }) => only === null || feature === only);

/** Which role a caller plays comes from its pane: a tool of a role is for the agent of that role alone. */
function actingAs({ role, feature }: Record<string, unknown>, agent: AgentAsking | null): ProblemView | null {
  // Whoever comes from no pane plays all roles in turn, where the run is one of those (see role-acting.ts).
  if (agent === null || (agent.role === role && agent.feature === feature)) return null;
  return {
    code: 'role-not-yours',
    sentence: `The call comes from the pane of ${agent.feature}'s ${agent.role}, which has the tools of that role alone.`,
    hint: 'Use the tools of your own server; what another role has to do, its own agent is asked for.',
  };
}

const UNKNOWN_AGENT: ProblemView = {
  code: 'access-unknown-agent',
  sentence: "The call comes from an agent's pane, and no agent of this workspace has that pane now.",
  hint: 'Call from a shell of your own; an agent that was started before tmops was updated has to be started again.',
};

const outOfReach = (feature: string, { only, agent }: Pick<Reach, 'only' | 'agent'>): ProblemView => ({
  code: 'access-other-feature',
  sentence:
    agent === null
      ? `This client is bound to the feature ${only ?? ''} and does not reach ${feature}.`
      : `The call comes from the pane of ${only ?? ''}'s ${agent.role}, which does not reach ${feature}.`,
  hint: 'The user can ask from a shell of their own, or set access.across_features: true in tmops.config.yaml.',
});

const readsOnly = (operation: string, only: string | null, agent: AgentAsking | null): ProblemView => ({
  code: 'access-agent-reads',
  sentence: `${agent === null ? 'An agent' : `The ${agent.role} of ${only ?? agent.feature}`} may read how its feature stands and nothing else: ${operation} is for the user, or for a client outside of the panes.`,
  hint: 'The user can ask from a shell of their own, or set access.agents: drive in tmops.config.yaml.',
});
