import { missing, ok, warning, type Verdict } from './check.ts';
import type { Answer } from './program.ts';
import { firstLine, isAtLeast, readVersion } from './versions.ts';

/** Judgement of the programs tmops works with. `install` is the command that installs the program on this machine. */

export const NEEDED = { node: '20.19', tmux: '3.3', git: '2.30' } as const;

/** `said` is what node says of itself, e.g. `v20.19.0`. */
export function judgeNode(said: string): Verdict {
  const version = readVersion(said);
  if (version && isAtLeast(version, NEEDED.node)) return ok(said);
  return missing(
    `${said}, too old`,
    `Install Node 24, or at least ${NEEDED.node}, with what this one was installed with.`,
  );
}

export function judgeTmux(answer: Answer, install: string | null): Verdict {
  const fix = install ?? `Install tmux ${NEEDED.tmux} or newer.`;
  if (answer.kind !== 'said') return unusable('tmux -V', answer, fix);
  const version = readVersion(answer.text);
  if (version === null) return warning(`${firstLine(answer.text)}, a version that cannot be compared: untested`, null);
  if (isAtLeast(version, NEEDED.tmux)) return ok(version.text);
  return warning(`${version.text}, older than ${NEEDED.tmux}: untested`, `Where the system has a newer one: ${fix}`);
}

export function judgeGit(answer: Answer, install: string | null): Verdict {
  const fix = install ?? `Install git ${NEEDED.git} or newer.`;
  if (answer.kind !== 'said') return unusable('git --version', answer, fix);
  const version = readVersion(answer.text);
  if (version === null) return warning(`${firstLine(answer.text)}, a version that cannot be compared: untested`, null);
  if (isAtLeast(version, NEEDED.git)) return ok(version.text);
  return missing(`${version.text}, older than ${NEEDED.git}`, fix);
}

export interface ClaudeCommand {
  /** As configured. */
  readonly command: string;
  /** Whether agents are Claude Code unless something else is asked for. */
  readonly isDefault: boolean;
}

export function judgeClaude(answer: Answer, { command, isDefault }: ClaudeCommand): Verdict {
  if (answer.kind === 'said') return ok(firstLine(answer.text));
  const fix =
    command === 'claude' || answer.kind !== 'absent'
      ? 'npm install -g @anthropic-ai/claude-code'
      : `Correct providers.claude_code.command (now ${command}) in tmops.config.yaml, or: npm install -g @anthropic-ai/claude-code`;
  const verdict = unusable(`${command} --version`, answer, fix);
  return isDefault ? verdict : warning(`${verdict.found}; only needed for agents that are Claude Code`, verdict.fix);
}

function unusable(asked: string, answer: Exclude<Answer, { kind: 'said' }>, fix: string): Verdict {
  switch (answer.kind) {
    case 'absent':
      return missing('not found on the PATH', fix);
    case 'broken':
      return missing(`${asked} failed: ${answer.why}`, fix);
    case 'silent':
      return warning(`${asked} did not answer within ${answer.withinMs} ms`, `Run it by hand and see: ${asked}`);
    default:
      return answer satisfies never;
  }
}
