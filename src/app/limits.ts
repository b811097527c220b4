import { COMMANDS_WITHIN_MS, RUNS_COMMANDS } from '../core/role-tool-names.ts';
import { calls, type CallKey } from './calls.ts';

/** What waits for the user's machine or network; the link itself gives a call up after 300 s. */
const ACT_WITHIN_MS = 280_000;
const READ_WITHIN_MS = 30_000;
/** `wait` returns by 50 s itself; the look at the machine asks many programs. */
const OTHER: Partial<Record<CallKey, number>> = { wait: 60_000, doctor: 120_000 };

/** How long an operation may take before its caller is answered without it, in milliseconds, and what is said then. */
export function limitOf(key: CallKey): { readonly withinMs: number; readonly sentence: string } {
  const { name, effect } = calls[key];
  if (RUNS_COMMANDS.has(name))
    return { withinMs: COMMANDS_WITHIN_MS, sentence: `${name} did not end within ${COMMANDS_WITHIN_MS / 60_000} min.` };
  const withinMs = OTHER[key] ?? (effect === 'read' ? READ_WITHIN_MS : ACT_WITHIN_MS);
  return { withinMs, sentence: `${name} did not end within ${withinMs / 1000} s.` };
}
