import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { emptyComposer } from './composer.ts';
import { fireHook } from './hooks.ts';
import { changed, redraw, tell, type Stage } from './stage.ts';
import { interrupt } from './turns.ts';

const MOST_HISTORY_SHOWN = 200;
const LAST_HOOK_MS = 3000;

/** Begins the conversation, or shows the old one again, and opens the box. */
export function beginConversation(stage: Stage, source: 'startup' | 'resume'): void {
  if (source === 'resume') recall(stage);
  stage.surface = { kind: 'composer' };
  void fireHook(stage, 'SessionStart', { source, model: 'rehearsal' });
  redraw(stage);
  changed(stage);
}

/** Begins a new conversation under a new id in the same process. */
export function clearConversation(stage: Stage): void {
  stage.queue.length = 0;
  interrupt(stage);
  void fireHook(stage, 'SessionEnd', { reason: 'clear' });
  stage.sessionId = randomUUID();
  stage.entries.length = 0;
  stage.composer = emptyComposer;
  void fireHook(stage, 'SessionStart', { source: 'clear', model: 'rehearsal' });
  redraw(stage);
  changed(stage);
}

/** Says goodbye to the hooks and ends the process. */
export async function endConversation(stage: Stage, reason: string, code: number): Promise<void> {
  if (stage.surface.kind === 'leaving') return;
  stage.surface = { kind: 'leaving' };
  stage.turn?.interruption.abort();
  stage.turn = null;
  changed(stage);
  await Promise.race([fireHook(stage, 'SessionEnd', { reason }), sleep(LAST_HOOK_MS)]);
  stage.quit(code, `Resume this session with: --resume ${stage.sessionId}`);
}

/** A turn that a crash cut off is closed and does not go on by itself. */
function recall(stage: Stage): void {
  stage.entries.push(...stage.records.readHistory(stage.sessionId).slice(-MOST_HISTORY_SHOWN));
  const last = stage.entries.at(-1);
  if (last?.kind === 'prompt' || last?.kind === 'tool') tell(stage, { kind: 'say', text: 'No response requested.' });
}
