import type { Fact } from './event.ts';
import type { Refusal, Request } from './request.ts';
import { holderOf, type Run } from './run.ts';
import { isSameDialog } from './screen.ts';

type AnswerRequest = Extract<Request, { kind: 'dialog-answering' | 'dialog-answered' }>;

/**
 * Whether keys may be pressed in the dialog that a role's agent shows. Only in the one that is in the journal, which is
 * the one that somebody was told of; and never while a human holds the pane: they answer it there. A pause does not
 * matter, since the turn that asks is the present one.
 */
export function answering(run: Run, request: AnswerRequest): Fact[] | Refusal {
  const { role, dialog, choice } = request;
  const agent = run.agents[role];
  if (!agent) return { reason: 'unknown-role', received: role, allowed: Object.keys(run.agents) };
  if (agent.state.kind !== 'asking') return { reason: 'no-dialog', received: role, allowed: [] };
  const asked = agent.state.dialog;
  if (!isSameDialog(asked, dialog)) return { reason: 'dialog-changed', received: dialog.name, allowed: dialog.choices };
  if (!dialog.choices.includes(choice)) return { reason: 'no-such-choice', received: choice, allowed: dialog.choices };
  if (holderOf(run, role).kind === 'human') return { reason: 'held', received: role, allowed: [] };
  return request.kind === 'dialog-answered' ? [{ kind: 'dialog.answered', role, choice, by: request.by }] : [];
}
