/** Prefixes of variables that belong to the session of whoever calls, not to the agents it starts. */
const SESSION_PREFIXES = ['CLAUDE', 'TMUX', 'ANTHROPIC_'];
/** tmops' own variables are set anew for each pane. */
const OWN_PREFIX = 'TMOPS_';

/**
 * The environment agents inherit: the caller's, without what belongs to the caller's own Claude Code and tmux, except
 * the variables the configuration names in `passed`.
 */
export function scrubEnvironment(
  env: Readonly<Record<string, string>>,
  passed: readonly string[],
): Record<string, string> {
  const kept = (name: string): boolean =>
    passed.includes(name) ||
    (!name.startsWith(OWN_PREFIX) && !SESSION_PREFIXES.some((prefix) => name.startsWith(prefix)));
  return Object.fromEntries(Object.entries(env).filter(([name]) => kept(name)));
}
