/** Permission modes in which an agent acts without asking. */
export const UNSAFE_MODES: readonly string[] = ['bypassPermissions', 'auto'];

const SHELLS = 'a?sh|bash|dash|zsh|ksh|mksh|fish|csh|tcsh|busybox|toybox|pwsh|powershell|env|sudo|doas|eval|exec|xargs';
const OTHERS =
  'cmd|nohup|setsid|timeout|nice|stdbuf|script|expect|su|ssh|docker|podman|tmux|screen|make|find|vim?|emacs';
const INTERPRETERS = 'python|perl|ruby|node|nodejs|deno|bun|php|lua|tclsh|awk|gawk|mawk|osascript';

/** `sh`, `/usr/bin/env`, `python3.12`: programs that run whatever their arguments say. */
export function runsAnything(program: string): boolean {
  const name = program.slice(program.lastIndexOf('/') + 1).replace(/\.exe$/i, '');
  return new RegExp(`^(?:${SHELLS}|${OTHERS}|(?:${INTERPRETERS})[\\d.]*)$`, 'i').test(name);
}

/** `Bash`, `Bash(*)`, `Bash(sh -c:*)`: permission rules that allow every command. */
export function allowsEverything(rule: string): boolean {
  const plain = rule.trim();
  if (/^(?:\*|Bash(?:\([\s*:]*\))?)$/i.test(plain)) return true;
  return new RegExp(`^Bash\\(\\s*(?:\\S*/)?(?:${SHELLS})(?:\\s+-\\w*)?[\\s:]*\\*[\\s*]*\\)$`, 'i').test(plain);
}

const BYPASS_FLAGS: readonly string[] = ['--dangerously-skip-permissions', '--allow-dangerously-skip-permissions'];
const ALLOW_FLAGS: readonly string[] = ['--allowedTools', '--allowed-tools'];

/** Indexes of the arguments that ask for an agent which does not ask. */
export function bypassingArgs(args: readonly string[]): number[] {
  let allowing = false;
  return args.flatMap((arg, index) => {
    const isFlag = arg.startsWith('-');
    const [flag, value] = isFlag ? parted(arg) : [''];
    if (isFlag) allowing = ALLOW_FLAGS.includes(flag);
    if (BYPASS_FLAGS.includes(flag)) return [index];
    if (flag === '--permission-mode') return UNSAFE_MODES.includes(value ?? args[index + 1] ?? '') ? [index] : [];
    const rules = allowing ? rulesIn(isFlag ? (value ?? '') : arg) : [];
    return rules.some(allowsEverything) ? [index] : [];
  });
}

function parted(arg: string): [string, string?] {
  const at = arg.indexOf('=');
  return at < 0 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)];
}

/** Rules are parted by commas or blanks, which may also stand within their brackets. */
const rulesIn = (text: string): string[] => [...text.matchAll(/[^\s,(]+(?:\([^)]*\))?/g)].map(([rule]) => rule);
