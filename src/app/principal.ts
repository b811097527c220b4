import type { Caller } from '../link/protocol.ts';

/** Whoever asks for an operation, once it is known who that is. */
export interface Asker extends Caller {
  /** As it stands in journals and logs, see `principalOf`. */
  readonly principal: string;
  /** The agent whose pane it comes from; null or absent: none. */
  readonly agent?: AgentAsking | null;
}

/** An agent whose pane a call comes from. */
export interface AgentAsking {
  readonly feature: string;
  readonly role: string;
}

/**
 * Who asks, in one word: `cli:1000`, `mcp:1000`, `http:1000`, `socket:1000` for a door and a user, `http:1000/ada` for a client whose
 * token has a name, `agent:1000/auth-api/tester` for a call out of an agent's pane. `owner` is the supervisor's own user.
 */
export function principalOf({ door, user, tokenName }: Caller, owner: number, agent: AgentAsking | null): string {
  const id = user ?? owner;
  if (agent !== null) return `agent:${id}/${agent.feature}/${agent.role}`;
  return tokenName === undefined ? `${door}:${id}` : `${door}:${id}/${tokenName}`;
}

/** What tmops does by itself. */
export const ownPrincipal = (owner: number): string => `tmops:${owner}`;
