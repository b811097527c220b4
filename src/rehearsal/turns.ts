import { perform, say, thinkFor, type Step } from './actions.ts';
import { composerWith } from './composer.ts';
import { fireHook } from './hooks.ts';
import { findRule } from './play.ts';
import { cueOf, delivered } from './prompt.ts';
import { cancelQuestion } from './questions.ts';
import { changed, noteInput, tell, type Prompt, type Stage, type Turn } from './stage.ts';

/** Takes a prompt in: a turn begins, or the prompt waits in the queue for the end of the one under way. */
export function submit(stage: Stage, prompt: Prompt): void {
  const queued = stage.turn !== null;
  stage.counts.prompts += 1;
  const announced = fireHook(stage, 'UserPromptSubmit', {
    prompt: delivered(prompt.text, prompt.pasted, stage.counts.prompts.toString(16).padStart(4, '0')),
  });
  noteInput(stage, { ...prompt, queued, as: 'prompt' });
  if (queued) {
    stage.counts.queued += 1;
    stage.queue.push(prompt);
    changed(stage);
  } else {
    void playTurn(stage, beginTurn(stage, [prompt]), announced);
  }
}

/** Makes the agent busy until it is hurried or interrupted, without a prompt. */
export function beBusy(stage: Stage): void {
  if (stage.turn !== null) return;
  stage.faults.nextWorkMs = FOREVER_MS;
  void playTurn(stage, beginTurn(stage, []), Promise.resolve());
}

/** Ends the turn without any event, as a human's Esc does. A prompt that nothing came of goes back into the box. */
export function interrupt(stage: Stage): void {
  const { turn } = stage;
  if (turn === null) return;
  stage.turn = null;
  turn.interruption.abort();
  cancelQuestion(stage);
  const given = turn.prompts.map(({ text }) => text).join('\n\n');
  if (!turn.spoke && given !== '' && stage.composer.cells.length === 0) {
    stage.composer = composerWith(given);
  } else {
    tell(stage, { kind: 'note', text: 'Interrupted · What should be done instead?' });
  }
  takeQueue(stage);
  changed(stage);
}

const FOREVER_MS = 2 ** 31 - 1;

function beginTurn(stage: Stage, prompts: readonly Prompt[]): Turn {
  const turn: Turn = {
    prompts,
    interruption: new AbortController(),
    hurry: new AbortController(),
    spoke: false,
    last: '',
    activity: 'Rehearsing…',
  };
  stage.turn = turn;
  stage.counts.turns += 1;
  stage.ghost = '';
  for (const { text } of prompts) tell(stage, { kind: 'prompt', text });
  changed(stage);
  return turn;
}

async function playTurn(stage: Stage, turn: Turn, announced: Promise<void>): Promise<void> {
  const workMs = stage.faults.nextWorkMs;
  stage.faults.nextWorkMs = 0;
  await announced;
  if (workMs > 0) await thinkFor(turn, workMs);
  const end = await playParts(stage, turn);
  if (stage.turn !== turn) return;
  await close(stage, turn, end);
  if (stage.turn !== turn) return;
  stage.turn = null;
  takeQueue(stage);
  changed(stage);
}

async function playParts(stage: Stage, turn: Turn): Promise<Step> {
  for (const { text } of turn.prompts) {
    const rule = findRule(stage.play, stage.given.role, cueOf(text, stage.cwd));
    for (const action of rule?.do ?? []) {
      if (turn.interruption.signal.aborted) return { kind: 'next' };
      const step = await perform(stage, turn, action);
      if (step.kind !== 'next') return step;
    }
  }
  return { kind: 'next' };
}

/** Reports how the turn ended, before the agent is idle: a slow hook holds it. */
async function close(stage: Stage, turn: Turn, end: Step): Promise<void> {
  switch (end.kind) {
    case 'broken':
      say(stage, turn, `[${stage.given.role.toUpperCase()}] ERROR: ${end.why}`);
      break;
    case 'refused':
      tell(stage, { kind: 'note', text: 'Interrupted · What should be done instead?' });
      return;
    case 'failed':
      tell(stage, { kind: 'note', text: `API Error: ${end.error}` });
      stage.ghost = 'Resend your message to try again';
      return fireHook(stage, 'StopFailure', { error: end.error, last_assistant_message: turn.last });
    case 'next':
      break;
  }
  await fireHook(stage, 'Stop', {
    last_assistant_message: turn.last,
    stop_hook_active: false,
    background_tasks: [],
  });
}

/** Everything that waits becomes one turn. */
function takeQueue(stage: Stage): void {
  const prompts = stage.queue.splice(0);
  if (prompts.length > 0) void playTurn(stage, beginTurn(stage, prompts), Promise.resolve());
}
