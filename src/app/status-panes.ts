import { holderOf, type Agent, type Run } from '../core/run.ts';
import { dialogId } from './dialog-id.ts';
import { exitWord, quoted } from './narrate.ts';
import type { StatusView } from './views.ts';

type PaneView = StatusView['panes'][number];

/** One pane: its agent's state and who holds it. */
export function paneOf(run: Run, agent: Agent): PaneView {
  const { state } = agent;
  const word = state.kind === 'asking' ? 'waiting' : state.kind === 'gone' ? 'exited' : state.kind;
  const holder = holderOf(run, agent.role);
  return {
    role: agent.role,
    pane: agent.pane,
    state: word,
    since: iso(state.since),
    detail: detailOf(agent),
    holder: holder.kind,
    heldWhy: heldWhy(run, agent.role),
    heldSince: holder.kind === 'human' ? iso(holder.since) : null,
    handBackAt: holder.kind === 'human' && holder.backAt !== null ? iso(holder.backAt) : null,
    dialog:
      state.kind === 'asking'
        ? {
            id: dialogId(state.dialog),
            name: state.dialog.name,
            text: state.dialog.text,
            choices: [...state.dialog.choices],
          }
        : null,
    report: reportOf(run, agent.role),
  };
}

function reportOf(run: Run, role: string): PaneView['report'] {
  const report = run.reports[role];
  return report ? { what: report.what, text: report.text, at: iso(report.at) } : null;
}

/** How a human came to hold the role's pane; null while nobody does. */
export function heldWhy(run: Run, role: string): string | null {
  const holder = holderOf(run, role);
  if (holder.kind === 'auto') return null;
  return holder.how === 'command' ? `taken by ${holder.by}` : holder.why;
}

function detailOf({ state, parked }: Agent): string | null {
  if (parked) return `at a limit of its account until ${iso(parked.untilMs)}`;
  switch (state.kind) {
    case 'starting':
      return null;
    case 'idle':
      return state.failed === null ? null : `its last turn failed: ${quoted(state.failed)}`;
    case 'busy':
      return state.prompt === null ? 'at work' : `at work on prompt ${state.prompt}`;
    case 'asking':
      return `${state.dialog.name}: ${quoted(state.dialog.text)}`;
    case 'gone':
      return exitWord(state.exit);
    case 'failed':
      return state.sentence;
    default:
      return state satisfies never;
  }
}

export const iso = (ms: number): string => new Date(ms).toISOString();
