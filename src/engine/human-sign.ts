import { squeezed, type PaneSight, type Sight } from '../core/delivery.ts';
import type { HumanSign } from '../core/event.ts';
import { openPrompts, typedLine, type Prompt, type Run } from '../core/run.ts';
import type { Screen } from '../core/screen.ts';

/** Our own text may stand half drawn, or a moment longer than it takes the agent to report it. In ms. */
const OWN_TEXT_MS = 3000;

/** What one look shows of a human; null where it shows nothing of one. */
export interface Sign {
  readonly sign: HumanSign;
  readonly why: string;
  /** Differs when the human has gone on since. What they typed is in it: it is compared and not kept. */
  readonly trace: string;
}

/** What is known of a pane; `alive` is asked for after the screen was read. */
export interface SignSight {
  readonly pane: PaneSight;
  readonly screen: Screen;
  readonly alive: Sight['alive'];
}

/**
 * Reads a look for a human's hand: a draft that is not ours, or somebody reading in copy mode. Text of ours that is on
 * its way counts as ours, whole or half drawn, and so does what the agent has just taken and still shows. What is left
 * on the screen of an agent that has ended is nobody's draft.
 */
export function humanSign(run: Run, role: string, { pane, screen, alive }: SignSight, now: number): Sign | null {
  if (pane.kind !== 'seen' || pane.dead || alive === 'gone') return null;
  if (pane.inMode && pane.watchers > 0)
    return { sign: 'copy-mode', why: 'somebody reads the pane in copy mode', trace: '' };
  // Nobody else opens these.
  if (screen.kind === 'view')
    return { sign: 'key', why: `somebody opened a view in the pane (${screen.name})`, trace: '' };
  const draft = draftOf(screen);
  if (screen.kind === 'composer-mode' && screen.mode === 'shell')
    return { sign: 'key', why: 'somebody put the composer into shell mode', trace: draft };
  if (draft === '' || isOwn(run, role, draft, now)) return null;
  const why = screen.kind === 'composer-mode' ? 'a menu is open' : 'a draft that is not ours stands';
  return { sign: 'draft', why: `${why} in the composer`, trace: draft };
}

const draftOf = (screen: Screen): string =>
  screen.kind === 'composer' || screen.kind === 'composer-mode' ? squeezed(screen.draft) : '';

function isOwn(run: Run, role: string, draft: string, now: number): boolean {
  const open = openPrompts(run, role).filter((prompt) => prompt.attempts > 0);
  if (open.some((prompt) => squeezed(typedLine(prompt)) === draft)) return true;
  const last = run.prompts.findLast((prompt) => prompt.role === role && prompt.stage.kind === 'taken');
  return [...open, ...(last ? [last] : [])].some(
    (prompt) => isMoving(prompt, now) && squeezed(typedLine(prompt)).startsWith(draft),
  );
}

/** On its way into the composer, or out of it. */
const isMoving = ({ stage }: Prompt, now: number): boolean => stage.kind !== 'wanted' && now - stage.at < OWN_TEXT_MS;
