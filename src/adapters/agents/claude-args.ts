import { UNSAFE_MODES } from '../../core/unsafe.ts';

/** An argument that cannot be given to the agents, why, and what to do instead. */
export interface RefusedArgument {
  readonly arg: string;
  readonly why: string;
  readonly instead: string;
}

export const PERMISSION_MODES = ['acceptEdits', 'manual', 'dontAsk', 'plan'] as const;
export type PermissionMode = (typeof PERMISSION_MODES)[number];

/**
 * Those of the user's extra arguments that would break the way tmops runs Claude Code. Empty when all may be passed. `bypass`:
 * agents may act without asking.
 */
export function refuseArgs(args: readonly string[], bypass = false): RefusedArgument[] {
  const first = args[0];
  const words = first !== undefined && !first.startsWith('-') ? [refusedWord(first)] : [];
  return [...words, ...args.flatMap((arg, index) => refusedFlags(arg, args[index + 1], bypass))];
}

/** Why a permission mode is refused, or null when agents may run in it. `bypass`: they may act without asking. */
export function refuseMode(mode: string, bypass = false): Omit<RefusedArgument, 'arg'> | null {
  if (isPermissionMode(mode) || (bypass && UNSAFE_MODES.includes(mode))) return null;
  const known = REFUSED_MODES[mode];
  const instead = `Use one of ${PERMISSION_MODES.join(', ')}.`;
  return { why: known ?? `"${mode}" is not a permission mode of Claude Code`, instead };
}

export function isPermissionMode(mode: string): mode is PermissionMode {
  return PERMISSION_MODES.some((known) => known === mode);
}

const REFUSED_MODES: Readonly<Record<string, string>> = {
  bypassPermissions:
    'it lets an agent do anything without asking, and the write rules of the roles would be all that is left',
  auto: 'it opens a dialog that waits for a human wherever the check on the server is not available',
  default: 'this is the old name of manual',
};

interface Rule {
  readonly why: string;
  readonly instead: string;
}

const NOT_INTERACTIVE: Rule = {
  why: 'tmops drives the interactive program in a pane',
  instead: 'Leave it out; prompts are typed into the pane and evidence comes from hooks.',
};
const OWN_SESSION: Rule = {
  why: 'tmops chooses and journals the id of each conversation',
  instead: 'Leave it out; `tmops start` carries on the conversations of a feature by itself.',
};
const OWN_SETTINGS: Rule = {
  why: 'tmops passes its own file with the hooks it depends on',
  instead: 'Put settings into .claude/settings.json of the project, or rules into `permissions` of the role.',
};
const OWN_SERVERS: Rule = {
  why: 'tmops passes its own file, and asks nothing about servers of the project',
  instead: 'Name the servers under the `mcp_servers` setting of tmops.',
};
const OWN_PLACE: Rule = {
  why: 'tmops makes the worktree and the tmux session of each feature',
  instead: 'Leave it out; see the `isolation` setting.',
};
const NO_HOOKS: Rule = {
  why: 'it switches hooks off, and they are how tmops knows what an agent does',
  instead: 'Leave it out; use --setting-sources to ignore settings of the user or the project.',
};
const NO_CHECKS: Rule = {
  why: 'it lets an agent do anything without asking',
  instead: `Use --permission-mode (${PERMISSION_MODES.join(', ')}) and allow what the role needs under \`permissions\`.`,
};
const ELSEWHERE: Rule = {
  why: 'the conversation would not run in the pane',
  instead: 'Leave it out.',
};
const ENDS_AT_ONCE: Rule = { why: 'the program would print something and end', instead: 'Run it in your own shell.' };

/** Short forms stand beside their long ones. */
const REFUSED_FLAGS: Readonly<Record<string, Rule>> = {
  '--': { why: 'what follows would be typed as a prompt', instead: 'Leave it out.' },
  '-p': NOT_INTERACTIVE,
  '--print': NOT_INTERACTIVE,
  '--output-format': NOT_INTERACTIVE,
  '--input-format': NOT_INTERACTIVE,
  '--json-schema': NOT_INTERACTIVE,
  '--include-partial-messages': NOT_INTERACTIVE,
  '--include-hook-events': NOT_INTERACTIVE,
  '--replay-user-messages': NOT_INTERACTIVE,
  '--forward-subagent-text': NOT_INTERACTIVE,
  '--max-budget-usd': NOT_INTERACTIVE,
  '--permission-prompts': NOT_INTERACTIVE,
  '--no-session-persistence': OWN_SESSION,
  '--session-id': OWN_SESSION,
  '-r': OWN_SESSION,
  '--resume': OWN_SESSION,
  '-c': OWN_SESSION,
  '--continue': OWN_SESSION,
  '--fork-session': OWN_SESSION,
  '--from-pr': OWN_SESSION,
  '--teleport': OWN_SESSION,
  '-n': { why: 'the name shows the feature and the role', instead: 'Leave it out.' },
  '--name': { why: 'the name shows the feature and the role', instead: 'Leave it out.' },
  '--settings': OWN_SETTINGS,
  '--mcp-config': OWN_SERVERS,
  '--strict-mcp-config': OWN_SERVERS,
  '--append-system-prompt-file': {
    why: 'tmops passes the instructions of the role this way',
    instead: 'Use --append-system-prompt, or change the instructions of the role.',
  },
  '--dangerously-skip-permissions': NO_CHECKS,
  '--allow-dangerously-skip-permissions': NO_CHECKS,
  '-w': OWN_PLACE,
  '--worktree': OWN_PLACE,
  '--tmux': OWN_PLACE,
  '--bare': NO_HOOKS,
  '--safe-mode': NO_HOOKS,
  '--bg': ELSEWHERE,
  '--background': ELSEWHERE,
  '--cloud': ELSEWHERE,
  '--environment': ELSEWHERE,
  '--desktop': ELSEWHERE,
  '--ax-screen-reader': { why: 'tmops reads the drawn input box', instead: 'Leave it out.' },
  '--prompt-suggestions': {
    why: 'a suggestion in the input box looks like a draft somebody typed',
    instead: 'Leave it out.',
  },
  '-h': ENDS_AT_ONCE,
  '--help': ENDS_AT_ONCE,
  '-v': ENDS_AT_ONCE,
  '--version': ENDS_AT_ONCE,
};

function refusedWord(word: string): RefusedArgument {
  return {
    arg: word,
    why: 'a word before any flag is a command of Claude Code or a prompt',
    instead: 'Leave it out; tmops types the prompts.',
  };
}

function refusedFlags(arg: string, next: string | undefined, bypass: boolean): RefusedArgument[] {
  const [flag, value] = splitOnce(arg, '=');
  if (flag === '--permission-mode')
    return refusedMode(value === undefined ? [arg, next ?? ''] : [arg], value ?? next ?? '', bypass);
  return lettersOf(flag).flatMap((one) => {
    const rule = REFUSED_FLAGS[one];
    return rule === undefined || (bypass && rule === NO_CHECKS) ? [] : [{ arg, ...rule }];
  });
}

function refusedMode(given: readonly string[], mode: string, bypass: boolean): RefusedArgument[] {
  const refused = refuseMode(mode, bypass);
  return refused === null ? [] : [{ arg: given.join(' ').trim(), ...refused }];
}

/** `-pc` is `-p -c`; what follows a letter that takes a value is that value. */
function lettersOf(flag: string): string[] {
  if (!/^-[A-Za-z]{2,}$/.test(flag)) return [flag];
  const letters: string[] = [];
  for (const letter of flag.slice(1)) {
    letters.push(`-${letter}`);
    if ('dnrw'.includes(letter)) break;
  }
  return letters;
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
