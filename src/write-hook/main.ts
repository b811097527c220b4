import { readFileSync } from 'node:fs';
import type { WriteHookRules } from '../core/write-rules.ts';
import { refusalOf } from './judge.ts';

// Run before an agent's tool writes a file: `node write-hook.mjs RULES_FILE`, the event as JSON on stdin. Says on stdout
// why it may not, in the form of Claude Code's hooks, or nothing when it may. Anything that goes wrong ends it with an
// error, which lets the tool go on; config/write-hook.sh reports it, and git shows what was written.

const [rulesFile = ''] = process.argv.slice(2);
// All of it comes first: whoever writes a large event must not meet a closed pipe.
const event: unknown = JSON.parse(readFileSync(0, 'utf8'));
const rules = JSON.parse(readFileSync(rulesFile, 'utf8')) as WriteHookRules;
const permissionDecisionReason = refusalOf(rules, event);
if (permissionDecisionReason !== null) {
  const hookSpecificOutput = { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason };
  process.stdout.write(JSON.stringify({ hookSpecificOutput }));
}
