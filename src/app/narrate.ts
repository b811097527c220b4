import type { BranchStand, Settlement } from '../core/conflicted.ts';
import { durationWord } from '../core/duration.ts';
import type { CheckpointFault, CheckStage, Event, HumanSign } from '../core/event.ts';
import type { Report, ReportKind } from '../core/reported.ts';
import { sizeWord } from '../core/size.ts';
import type { EventView } from './views.ts';

/** An event as a sentence for people. Text that came from agents or files is quoted, never woven in. */
export function narrate(event: Event): EventView {
  return { seq: event.seq, at: new Date(event.at).toISOString(), kind: event.kind, text: sentence(event) };
}

type Sentences = { readonly [K in Event['kind']]: (event: Extract<Event, { kind: K }>) => string };

const SENTENCES: Sentences = {
  'run.initialised': (e) =>
    `The run ${e.identity.run} of ${e.identity.feature} was ${e.begunAt === undefined ? 'initialised' : 'adopted'} on branch ${e.identity.branch}.`,
  'conversation.adopted': ({ conversation: e }) =>
    `The ${e.role} is to carry on the conversation ${e.sessionId}, which process ${e.process.pid} has open.`,
  'run.started': (e) =>
    `Started with the workflow ${e.workflow.name}, layout ${e.settings.layout}, agents ${e.settings.provider}.`,
  'run.surveyed': () => 'The checkpoints on disk were looked at.',
  'run.completed': () => 'All steps are done.',
  'run.stopped': (e) => `Stopped by ${e.by}: ${e.why}.`,
  'run.queued': (e) => `Asked to start by ${e.by}; it waits in the queue until there is room.`,
  'run.unqueued': (e) =>
    e.problem === null ? `Taken out of the queue by ${e.by}: ${e.why}.` : `It could not begin: ${e.problem.sentence}`,
  'role.reported': (e) => reportSentence(e.role, e),
  'memory.noted': (e) =>
    e.above === null
      ? `The ${e.role}'s agent takes ${sizeWord(e.bytes)} of memory, which is in order again.`
      : `The ${e.role}'s agent takes ${sizeWord(e.bytes)} of memory, over the ${e.level === 'limit' ? 'limit' : 'warning level'} of ${sizeWord(e.above)}.`,
  'step.overran': (e) => `Step ${e.step} took longer than its limit of ${durationWord(e.limitMs)}.`,
  'interrupt.pressed': (e) => `Escape was pressed in the ${e.role}'s pane, to end its turn.`,
  'interrupt.failed': (e) => `The ${e.role}'s turn could not be interrupted: ${quoted(e.why)}.`,
  'supervisor.began': (e) =>
    `A supervisor (process ${e.pid}) took the run up; nobody had watched for ${seconds(e.gapMs)}.`,
  'session.opened': (e) => `The tmux session ${e.session} is open.`,
  'session.lost': (e) => `The tmux session is gone: ${e.why}.`,
  'agent.launched': (e) => `${e.resume ? 'Resuming' : 'Starting'} the ${e.role}'s agent (session ${e.sessionId}).`,
  'agent.placed': (e) => `The ${e.role} is in pane ${e.pane}.`,
  'agent.process': (e) => `The ${e.role}'s agent runs as process ${e.pid}.`,
  'agent.session': (e) => `The ${e.role}'s agent is up.`,
  'agent.turn-began': (e) => `The ${e.role} took a prompt that tmops did not send.`,
  'agent.turn-ended': (e) =>
    e.failed === null ? `The ${e.role} ended its turn.` : `The ${e.role}'s turn failed: ${quoted(e.failed)}.`,
  'agent.asking': (e) => `The ${e.role}'s agent asks: ${quoted(e.dialog.name)}.`,
  'agent.worked': (e) => `The ${e.role} is at work.`,
  'agent.answered': (e) => `The ${e.role}'s agent has its answer.`,
  'agent.exited': (e) => `The ${e.role}'s agent ${e.deliberate ? 'was ended' : 'ended unasked'} (${exitWord(e.exit)}).`,
  'agent.forgot': (e) => `The ${e.role}'s conversation was lost; a new one is briefed.`,
  'agent.failed': (e) => e.sentence,
  'step.began': (e) => `Step ${e.step} began.`,
  'step.completed': (e) => `Step ${e.step} is done${e.how === 'found' ? ' (its checkpoint was already there)' : ''}.`,
  'step.skipped': (e) => `Step ${e.step} was skipped by ${e.by}${e.why === '' ? '' : `: ${quoted(e.why)}`}.`,
  'step.retried': (e) => `Step ${e.step} is asked for again (${e.by}).`,
  'step.reopened': (e) =>
    `Step ${e.step} and those after it are open again (${e.by})${e.why === '' ? '' : `: ${quoted(e.why)}`}.`,
  'rollback.began': (e) =>
    e.direction === 'back'
      ? `Work is taken back to the beginning of ${e.step} (rollback ${e.number}, ${e.by})${e.why === '' ? '' : `: ${quoted(e.why)}`}.`
      : `Rollback ${e.number} is undone (${e.by}).`,
  'rollback.done': (e) =>
    `${e.direction === 'back' ? `Rollback ${e.number} is done` : `What rollback ${e.number} took is back`}${e.commit === null ? '' : `; commit ${e.commit.slice(0, 12)} says so on the branch`}.${e.late === null ? '' : ` Files that were changed meanwhile are kept as ${e.late}.`}`,
  'rollback.failed': (e) => `Rollback ${e.number} could not be finished: ${quoted(e.why)}.`,
  'rollback.retried': (e) => `Rollback ${e.number} is taken up again (${e.by}).`,
  'branch.known': (e) => `The branch is at ${e.tip.slice(0, 12)}, by the run's own work.`,
  'conflict.found': (e) => `Others changed the branch (conflict ${e.number}): ${standWord(e.stand)}.`,
  'conflict.over': (e) => `What others had changed is as it was (conflict ${e.number}).`,
  'conflict.settling': (e) => `What others changed is put aside (conflict ${e.number}, ${e.by}).`,
  'conflict.kept': (e) =>
    `It is kept under ${e.kept.ref}-*${e.kept.stash === null ? '' : `; its uncommitted part: git stash apply --index ${e.kept.ref}-stash`}.`,
  'conflict.failed': (e) => `Conflict ${e.number} could not be put aside: ${quoted(e.why)}.`,
  'conflict.settled': (e) =>
    `Conflict ${e.number} is settled by ${e.by}: ${SETTLED[e.how]}.${e.late === null ? '' : ` Files that were changed meanwhile are kept as ${e.late}.`}`,
  'run.paused': (e) => `Paused by ${e.by}: ${e.why}.`,
  'run.resumed': (e) => `Resumed by ${e.by}.`,
  'pane.taken': (e) => `The ${e.role}'s pane is the human's (${e.how === 'command' ? `taken by ${e.by}` : e.why}).`,
  'pane.used': (e) => `The human uses the ${e.role}'s pane (${SIGNS[e.sign]}).`,
  'pane.left': (e) => `The human has left nothing standing in the ${e.role}'s pane.`,
  'pane.returning': (e) => `The ${e.role}'s pane goes back at ${new Date(e.backAt).toISOString()} unless it is used.`,
  'pane.given': (e) =>
    `The ${e.role}'s pane is handed back${e.how === 'idle' ? ': nobody used it any more' : ` by ${e.by}`}.`,
  'gate.approved': (e) => `Step ${e.step} was approved by ${e.by}${commented(e.comment)}.`,
  'gate.rejected': (e) => `Step ${e.step} was sent back by ${e.by}${commented(e.comment)}.`,
  'check.wanted': (e) =>
    `Step ${e.step} is checked ${e.stage === 'before' ? 'before it begins' : 'against its claim'}.`,
  'check.passed': (e) =>
    `The check ${stageWord(e)} passed in ${e.tookMs} ms.${e.shown.map((each) => ` ${each}`).join('')}`,
  'check.failed': (e) =>
    `The check ${stageWord(e)} ${e.finding.verdict === 'refuted' ? 'failed' : 'was inconclusive'}: ${e.finding.sentence}`,
  'check.waived': (e) => `The check ${stageWord(e)} was waived by ${e.by}${commented(e.comment)}.`,
  'agent.parked': (e) =>
    `The ${e.role}'s agent is at a limit until ${new Date(e.untilMs).toISOString()}: ${quoted(e.why)}.`,
  'agent.unparked': (e) => `The ${e.role}'s limit is over.`,
  'dialog.answered': (e) => `${e.by} answered the ${e.role}'s dialog: ${quoted(e.choice)}.`,
  'prompt.withdrawn': (e) => `Prompt ${e.prompt} was withdrawn: ${e.why}.`,
  'checkpoint.gone': (e) => `${e.file} is not there any more.`,
  'module.failed': (e) =>
    `The module of step ${e.step} failed to ${e.stage}: ${quoted(e.why)}${e.rolledBack ? '; it was rolled back' : ''}.`,
  'prompt.wanted': (e) => `For the ${e.role}: ${quoted(e.line)} (prompt ${e.prompt}).`,
  'prompt.intended': (e) =>
    e.standing === true
      ? `Prompt ${e.prompt} was typed before and stands in pane ${e.pane} still.`
      : `Typing prompt ${e.prompt} into pane ${e.pane}.`,
  'prompt.typed': (e) => `Prompt ${e.prompt} stands in the composer.`,
  'prompt.entered': (e) => `Enter was pressed for prompt ${e.prompt}${e.times > 1 ? ` (${e.times} times)` : ''}.`,
  'prompt.taken': (e) => `Prompt ${e.prompt} was ${e.queued ? 'queued by the agent' : 'accepted'}.`,
  'prompt.held': (e) => `Prompt ${e.prompt} waits: ${quoted(e.reason)}.`,
  'prompt.stuck': (e) => `Prompt ${e.prompt} is ${e.outcome.replaceAll('_', ' ')}: ${quoted(e.reason)}.`,
  'prompt.reopened': (e) => `Prompt ${e.prompt} will be typed again: ${quoted(e.why)}.`,
  'prompt.settled': (e) => `${e.by} said of prompt ${e.prompt}: ${e.as}.`,
  'checkpoint.seen': (e) => `${e.file} is whole${e.gate === 'human' ? ' and asks for a human review' : ''}.`,
  'checkpoint.refused': (e) => `${faultWord(e.fault)}.`,
};

const SETTLED: Readonly<Record<Settlement, string>> = {
  accept: 'the branch is taken as it is',
  stash: 'it is put aside, and all is as it was known',
  abort: 'the run is stopped, and nothing was touched',
};

/** Where the branch went, and what the worktree is in. */
function standWord({ tip, head, move, underWay }: BranchStand): string {
  const at = tip === null ? 'it is gone' : `it is at ${tip.slice(0, 12)}`;
  const from = move ? `, ${move.kind === 'ahead' ? 'ahead of' : 'not on top of'} ${move.from.slice(0, 12)}` : '';
  const by = move?.log ? `, by ${quoted(move.log.by)}` : '';
  const tree = underWay === null ? '' : `, with an unfinished ${underWay}`;
  return `${at}${from}${by}; the worktree is on ${head.branch === null ? 'no branch' : quoted(head.branch)}${tree}`;
}

const SIGNS: Readonly<Record<HumanSign, string>> = {
  prompt: 'a prompt',
  draft: 'a draft',
  'copy-mode': 'copy mode',
  typing: 'typing',
  key: 'a key',
};
const commented = (comment: string | null): string => (comment === null ? '' : `: ${quoted(comment)}`);
const stageWord = ({ step, stage }: { readonly step: string; readonly stage: CheckStage }): string =>
  stage === 'before' ? `before ${step}` : `of ${step}`;

function sentence(event: Event): string {
  const say = SENTENCES[event.kind] as (event: Event) => string;
  return say(event);
}

const MAX_QUOTE = 160;
/** Untrusted text on one line, without control characters, between quotes. */
export const quoted = (text: string): string => `"${text.replaceAll(/[\p{C}\s]+/gu, ' ').slice(0, MAX_QUOTE)}"`;

const REPORTS: Readonly<Record<ReportKind, string>> = {
  blocked: 'says that it is blocked',
  question: 'has a question',
  progress: 'says how far it is',
};

/** What a role said, in quotes; longer words are cut, which shows. */
export function reportSentence(role: string, { what, text }: Pick<Report, 'what' | 'text'>): string {
  const words = text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE - 1)}…` : text;
  return `The ${role} ${REPORTS[what]}: ${quoted(words)}.`;
}

/** What is wrong with a checkpoint, without a full stop. Line 0 is the file as such. */
export function faultWord({ file, line, found, expected }: CheckpointFault): string {
  return `${file}${line > 0 ? `, line ${line}` : ''}: found ${quoted(found)}, expected ${expected}`;
}

const seconds = (ms: number): string => (ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`);

export const exitWord = (exit: { kind: string; code?: number; signal?: string }): string => {
  if (exit.kind === 'code') return `exit code ${exit.code ?? '?'}`;
  return exit.kind === 'signal' ? `signal ${exit.signal ?? '?'}` : 'how is not known';
};
