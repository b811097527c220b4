/** What a prompt that MCP clients offer may be called, and its version: three numbers, as https://semver.org has them. */
export const PROMPT_NAME = /^[a-z][a-z0-9-]{0,39}$/;
export const VERSION = /^(?:0|[1-9]\d{0,4})(?:\.(?:0|[1-9]\d{0,4})){2}$/;

/** Below 0 where `a` is the lower version. */
export function byVersion(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const at = [0, 1, 2].find((part) => left?.[part] !== right?.[part]) ?? 0;
  return (left?.[at] ?? 0) - (right?.[at] ?? 0);
}

/** The code of a prompt's name, version or argument that is not right: whoever asked has to say it differently. */
export const BAD_PROMPT_ARGUMENTS = 'prompt-arguments';
