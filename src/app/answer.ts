import type { Dialog } from '../core/screen.ts';
import { answerDialog } from '../engine/answer.ts';
import { dialogId } from './dialog-id.ts';
import type { Answer, Handler } from './handler.ts';
import type { AppPorts } from './ports.ts';
import { tellAnswer, tellRefusal, unknownFeature } from './tell.ts';

/** Answers dialogs, one answer at a time in each pane. */
export function answerHandler(ports: AppPorts): Handler<'answer'> {
  const under = new Set<string>();
  return async ({ feature, role, choice, dialog: wanted }, { door, principal }): Promise<Answer<'answer'>> => {
    const live = await ports.workspace.live(feature);
    if (!live?.loop.run().identity) return { ok: false, problem: unknownFeature(feature) };
    const [terminal, provider] = [live.terminal(), live.provider()];
    if (!terminal || !provider) return { ok: false, problem: tellAnswer({ kind: 'no-pane' }, feature, role) };
    const key = `${feature}/${role}`;
    if (under.has(key)) return { ok: false, problem: underWay(feature, role) };
    under.add(key);
    try {
      const isMeant = (dialog: Dialog): boolean => wanted === undefined || dialogId(dialog) === wanted;
      const order = { role, choice, by: door, principal, isMeant };
      const outcome = await answerDialog({ loop: live.loop, terminal, provider, clock: ports.clock }, order);
      if (outcome.ok) {
        const { dialog, choice: taken, isGone } = outcome;
        return { ok: true, output: { feature, role, dialog, choice: taken, answered: isGone } };
      }
      const problem =
        'refusal' in outcome ? tellRefusal(outcome.refusal, feature) : tellAnswer(outcome.problem, feature, role);
      return { ok: false, problem };
    } finally {
      under.delete(key);
    }
  };
}

const underWay = (feature: string, role: string) => ({
  code: 'answer-under-way',
  sentence: `Somebody else is just answering the ${role}'s question.`,
  hint: `tmops status ${feature}`,
});
