import { composerWith, edit, emptyComposer, textOf, withoutLast } from './composer.ts';
import { clearConversation, endConversation } from './conversation.ts';
import { press as pressDialog } from './dialogs.ts';
import { menuIsOpen, slashCommands } from './frame.ts';
import { fireHook } from './hooks.ts';
import { isAmbiguous, readKeys, settleRest, type Key } from './keys.ts';
import { stashDraft } from './questions.ts';
import { changed, noteInput, tell, type Stage } from './stage.ts';
import { interrupt, submit } from './turns.ts';

/** How long a lone ESC may wait for the rest of a sequence. */
const ESCAPE_SETTLES_MS = 25;

/** Makes the function that takes what arrives on stdin. */
export function createInput(stage: Stage): (chunk: Buffer) => void {
  let rest = '';
  let settling: NodeJS.Timeout | undefined;
  const take = (read: { keys: Key[]; rest: string }): void => {
    rest = read.rest;
    for (const key of read.keys) press(stage, key);
  };
  return (chunk) => {
    stage.records.bytes(chunk);
    clearTimeout(settling);
    if (isDeaf(stage)) {
      stage.counts.lost += chunk.length;
      rest = '';
      return;
    }
    take(readKeys(rest + chunk.toString('latin1')));
    if (isAmbiguous(rest)) {
      settling = setTimeout(() => {
        take(settleRest(rest));
      }, ESCAPE_SETTLES_MS);
    }
  };
}

/** Does what a key does, or what steering made of it. */
export function press(stage: Stage, key: Key): void {
  if (key.kind === 'paste' && stage.faults.refusePaste) return;
  if (key.kind === 'enter') {
    stage.counts.enters += 1;
    if (stage.faults.swallowEnters > 0) {
      stage.faults.swallowEnters -= 1;
      stage.counts.swallowed += 1;
      return;
    }
  }
  switch (stage.surface.kind) {
    case 'composer':
      pressComposer(stage, key);
      break;
    case 'dialog': {
      const { answered } = stage.surface;
      const { dialog, answer } = pressDialog(stage.surface.dialog, key);
      stage.surface = { kind: 'dialog', dialog, answered };
      if (answer !== undefined) answered(answer);
      break;
    }
    case 'transcript-view':
      if (key.kind === 'escape' || isControl(key, 'o')) stage.surface = { kind: 'composer' };
      break;
    case 'starting':
    case 'leaving':
      return;
  }
  changed(stage);
}

function isDeaf(stage: Stage): boolean {
  return stage.faults.deaf || stage.surface.kind === 'starting' || stage.surface.kind === 'leaving';
}

function pressComposer(stage: Stage, key: Key): void {
  const { armed } = stage;
  stage.armed = null;
  const isEmpty = stage.composer.cells.length === 0;
  switch (key.kind) {
    case 'enter':
      pressEnter(stage);
      break;
    case 'escape':
      if (stage.turn !== null) interrupt(stage);
      else stage.mode = 'prompt';
      break;
    case 'control':
      pressControl(stage, key, armed);
      break;
    case 'tab':
      if (menuIsOpen(stage.composer)) stage.composer = composerWith(firstMatch(textOf(stage.composer)));
      break;
    case 'backspace':
      if (isEmpty) stage.mode = 'prompt';
      stage.composer = edit(stage.composer, key);
      break;
    case 'text':
    case 'paste':
      pressText(stage, key);
      break;
    default:
      stage.composer = edit(stage.composer, key);
  }
}

/** An exclamation mark at the beginning is no text: it makes the box a shell's. */
function pressText(stage: Stage, key: Key & { kind: 'text' | 'paste' }): void {
  const makesShell = stage.composer.cells.length === 0 && stage.mode === 'prompt' && key.text.startsWith('!');
  if (makesShell) stage.mode = 'shell';
  stage.composer = edit(stage.composer, makesShell ? { ...key, text: key.text.slice(1) } : key);
}

function pressControl(stage: Stage, key: Key & { kind: 'control' }, armed: Stage['armed']): void {
  switch (key.letter) {
    case 'c':
      pressControlC(stage, armed);
      break;
    case 'd':
      if (stage.composer.cells.length > 0) break;
      if (armed === 'd') leave(stage);
      else stage.armed = 'd';
      break;
    case 'o':
      stage.surface = { kind: 'transcript-view' };
      break;
    case 's':
      stashDraft(stage);
      break;
    default:
      stage.composer = edit(stage.composer, key);
  }
}

function pressControlC(stage: Stage, armed: Stage['armed']): void {
  if (stage.turn !== null) {
    interrupt(stage);
  } else if (armed === 'c') {
    leave(stage);
  } else {
    stage.composer = emptyComposer;
    stage.mode = 'prompt';
    stage.armed = 'c';
  }
}

function leave(stage: Stage): void {
  void endConversation(stage, 'prompt_input_exit', 0);
}

function pressEnter(stage: Stage): void {
  const { mode, composer } = stage;
  if (composer.cells.at(-1)?.text === '\\') {
    stage.composer = edit(withoutLast(composer), { kind: 'newline' });
    return;
  }
  const text = textOf(composer).trim();
  if (text === '') return;
  stage.composer = emptyComposer;
  stage.mode = 'prompt';
  if (mode === 'shell') {
    takeShellLine(stage, text);
  } else if (/^\/[\w-]*(\s|$)/.test(text)) {
    takeCommand(stage, menuIsOpen(composer) ? firstMatch(text) : text);
  } else {
    if (stage.stash !== null) stashDraft(stage);
    submit(stage, { text, pasted: composer.pasted });
  }
}

/** A rehearsal runs no shell; what matters is that the text did not reach the agent. */
function takeShellLine(stage: Stage, text: string): void {
  noteInput(stage, { text, as: 'shell' });
  tell(stage, { kind: 'tool', title: `! ${text}`, output: 'A rehearsal runs no shell.', failed: false });
  void fireHook(stage, 'Stop', { last_assistant_message: '', stop_hook_active: false, background_tasks: [] });
}

function takeCommand(stage: Stage, text: string): void {
  noteInput(stage, { text, as: 'command' });
  const name = text.split(/\s/)[0] ?? '';
  if (name === '/exit') leave(stage);
  else if (name === '/clear') clearConversation(stage);
  else if (name === '/help') tell(stage, { kind: 'note', text: HELP });
  else tell(stage, { kind: 'note', text: `Unknown command: ${name}` });
}

const HELP = 'An agent that plays a written part. It needs no account.';

function firstMatch(typed: string): string {
  return slashCommands.find(({ name }) => name.startsWith(typed))?.name ?? typed;
}

function isControl(key: Key, letter: string): boolean {
  return key.kind === 'control' && key.letter === letter;
}
