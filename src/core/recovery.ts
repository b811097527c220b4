import type { Exit } from './agent.ts';
import type { Event } from './event.ts';
import { openPrompts, presentStep, typedLine, type Run } from './run.ts';

/** One time that something died, what went with it, and how it went on. Follows from the journal alone. */
export interface Recovery {
  /** From 1, in the order of the run. */
  readonly number: number;
  /** When it was noted, in ms since the epoch. */
  readonly at: number;
  readonly what:
    | {
        readonly kind: 'agent';
        readonly role: string;
        readonly sessionId: string;
        readonly exit: Exit;
      }
    | { readonly kind: 'session'; readonly why: string };
  readonly step: string | null;
  /** What each role had taken and not ended, or had been typed and not taken. */
  readonly lost: readonly {
    readonly role: string;
    readonly prompt: number;
    readonly line: string;
    readonly taken: boolean;
  }[];
  readonly wentOn: readonly { readonly at: number; readonly sentence: string }[];
  /** Roles that have not taken a prompt since. */
  readonly open: readonly string[];
}

/** More than this happens after one death only when the next one is not far. */
const MOST_SENTENCES = 20;

/** `run` is the state after the event. */
export function recoveriesAfter(all: readonly Recovery[], run: Run, event: Event): readonly Recovery[] {
  const carried = all.some(({ open }) => open.length > 0) ? all.map((each) => carriedOn(each, run, event)) : all;
  const begun = beginning(all.length + 1, run, event);
  return begun ? [...carried, begun] : carried;
}

function beginning(number: number, run: Run, event: Event): Recovery | null {
  const { at } = event;
  const shared = { number, at, step: presentStep(run)?.step.id ?? null, wentOn: [] };
  if (event.kind === 'agent.exited' && !event.deliberate) {
    const { role, exit } = event;
    const sessionId = run.agents[role]?.sessionId ?? '';
    return { ...shared, what: { kind: 'agent', role, sessionId, exit }, lost: lostBy(run, role), open: [role] };
  }
  if (event.kind !== 'session.lost') return null;
  const roles = Object.keys(run.agents);
  const lost = roles.flatMap((role) => lostBy(run, role));
  return { ...shared, what: { kind: 'session', why: event.why }, lost, open: roles };
}

function lostBy(run: Run, role: string): Recovery['lost'] {
  const [typed] = openPrompts(run, role).filter(({ stage }) => stage.kind !== 'wanted');
  const working = run.prompts.findLast((prompt) => prompt.role === role && prompt.stage.kind === 'taken');
  const isBroken = working?.stage.kind === 'taken' && !working.stage.turnEnded;
  return [...(isBroken ? [working] : []), ...(typed ? [typed] : [])].map((prompt) => ({
    role,
    prompt: prompt.id,
    line: typedLine(prompt),
    taken: prompt.stage.kind === 'taken',
  }));
}

function carriedOn(recovery: Recovery, run: Run, event: Event): Recovery {
  const sentence = sentenceOf(recovery, run, event);
  if (sentence === null || recovery.wentOn.length >= MOST_SENTENCES) return recovery;
  const isOver = OVER_FOR_ALL.has(event.kind) ? () => true : (role: string) => role === roleOf(run, event);
  return {
    ...recovery,
    wentOn: [...recovery.wentOn, { at: event.at, sentence }],
    open: OVER.has(event.kind) ? recovery.open.filter((role) => !isOver(role)) : recovery.open,
  };
}

const OVER_FOR_ALL: ReadonlySet<Event['kind']> = new Set(['run.stopped', 'session.lost']);
const OVER: ReadonlySet<Event['kind']> = new Set([...OVER_FOR_ALL, 'prompt.taken', 'agent.failed', 'agent.exited']);

function roleOf(run: Run, event: Event): string | null {
  if ('role' in event) return event.role;
  return 'prompt' in event ? (run.prompts[event.prompt - 1]?.role ?? null) : null;
}

function sentenceOf({ open }: Recovery, run: Run, event: Event): string | null {
  if (event.kind === 'run.stopped') return `The run was stopped by ${event.by}.`;
  if (event.kind === 'session.lost')
    return `The tmux session was lost: ${event.why}. The next recovery tells how it went on.`;
  if (event.kind === 'session.opened') return `The tmux session ${event.session} was opened again.`;
  const role = roleOf(run, event);
  if (role === null || !open.includes(role)) return null;
  switch (event.kind) {
    case 'agent.launched':
      return event.resume
        ? `The ${role} was started again with its own conversation, ${event.sessionId}.`
        : `The ${role} was started with a new conversation, ${event.sessionId}: nothing of the former one was kept.`;
    case 'agent.session':
      return `The ${role} reported its conversation: its program takes input again.`;
    case 'agent.exited':
      return `The ${role} ended again. The next recovery tells how it went on.`;
    case 'agent.failed':
      return `The ${role} was not started again: ${event.sentence}`;
    case 'prompt.reopened':
      return `Prompt ${event.prompt} is typed again: ${event.why}.`;
    case 'prompt.taken':
      return `The ${role} took prompt ${event.prompt}: ${JSON.stringify(lineOf(run, event.prompt))}.`;
    case 'pane.taken':
      return `The ${role}'s pane became a human's (${event.why}).`;
    default:
      return null;
  }
}

const lineOf = (run: Run, prompt: number): string => {
  const found = run.prompts[prompt - 1];
  return found ? typedLine(found) : '';
};

/** Base name of the file in the run's folder, e.g. `recovery-001.md`. */
export const recoveryFile = ({ number }: Recovery): string => `recovery-${String(number).padStart(3, '0')}.md`;

/** The recovery for a human to read, in Markdown. */
export function recoveryText(recovery: Recovery, run: Run): string {
  const { identity } = run;
  const feature = identity?.feature ?? '';
  const lines = [
    `# ${titleOf(recovery)}`,
    '',
    `**Feature:** ${feature}`,
    `**Run:** ${identity?.run ?? ''}`,
    `**Step:** ${recovery.step ?? 'none'}`,
    `**Timestamp:** ${time(recovery.at)}`,
    '',
    '## What happened',
    '',
    whatHappened(recovery),
    '',
    '## What was lost',
    '',
    ...whatWasLost(recovery),
    '',
    '## How it went on',
    '',
    ...(recovery.wentOn.length === 0 ? ['- Nothing has happened since.'] : []),
    ...recovery.wentOn.map(({ at, sentence }) => `- ${time(at)} ${sentence}`),
    '',
    '## If you want it otherwise',
    '',
    ...remedies(recovery, feature),
    '',
  ];
  return lines.join('\n');
}

const time = (at: number): string => new Date(at).toISOString();

const titleOf = ({ number, what }: Recovery): string =>
  `Recovery ${number}: ${what.kind === 'agent' ? `the ${what.role}'s agent ended` : 'the tmux session was lost'}`;

function whatHappened({ what }: Recovery): string {
  if (what.kind === 'session') return `The tmux session was lost with all its agents: ${what.why}.`;
  return `The ${what.role}'s agent (conversation ${what.sessionId}) ended without being asked to: ${exitOf(what.exit)}.`;
}

function exitOf(exit: Exit): string {
  if (exit.kind === 'code') return `exit code ${exit.code}`;
  return exit.kind === 'signal' ? `signal ${exit.signal}` : 'nobody could write down how';
}

function whatWasLost({ lost }: Recovery): readonly string[] {
  if (lost.length === 0) return ['No turn was under way. Conversations are kept by the agent’s own program.'];
  return [
    ...lost.map(({ role, prompt, line, taken }) =>
      taken
        ? `- The turn of the ${role} on prompt ${prompt}: ${JSON.stringify(line)}.`
        : `- Prompt ${prompt}, typed to the ${role} and not taken yet: ${JSON.stringify(line)}.`,
    ),
    '',
    'What was written to files until then stands, and so does the conversation up to its last message. A turn that broke off is',
    'not begun anew: its step is reminded of.',
  ];
}

function remedies({ what }: Recovery, feature: string): readonly string[] {
  const role = what.kind === 'agent' ? ` ${what.role}` : '';
  return [
    `- \`tmops take ${feature}${role}\` and work in the pane yourself; \`tmops give ${feature}${role}\` hands it back.`,
    `- \`tmops retry ${feature}\` asks for the present step once more; \`tmops pause ${feature}\` lets no new turn begin.`,
  ];
}
