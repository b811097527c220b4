import type { Run } from '../core/run.ts';
import type { LiveRun } from '../engine/live-run.ts';
import { queueMessage } from '../engine/message.ts';
import type { Answer } from './handler.ts';
import type { AppPorts } from './ports.ts';
import { outcomeOf, promptOf } from './status.ts';
import type { InputOf } from './table.ts';
import { tellRefusal } from './tell.ts';

/** Queues the message for one role or all and waits, a bounded time, until it is known what became of it. */
export async function sendMessage(
  live: LiveRun,
  { feature, role, text, waitMs, principal }: InputOf<'message'> & { readonly principal: string },
  ports: Pick<AppPorts, 'clock' | 'files'>,
  signal: AbortSignal,
): Promise<Answer<'message'>> {
  const { loop, place } = live;
  const { kind } = loop.run().life;
  if (kind !== 'running') {
    const reason = kind === 'completed' ? 'completed' : 'not-running';
    return { ok: false, problem: tellRefusal({ reason, received: 'message', allowed: [] }, feature) };
  }
  const roles = role === undefined ? Object.keys(loop.run().agents) : [role];
  const ids: number[] = [];
  for (const each of roles) {
    const answer = await queueMessage({ loop, place, files: ports.files }, each, text, principal);
    if (answer.ok)
      ids.push(...answer.events.flatMap((event) => (event.kind === 'prompt.wanted' ? [event.prompt] : [])));
    // Of those that have it already, what became of it is told all the same.
    else if (ids.length === 0) return { ok: false, problem: tellRefusal(answer.refusal, feature) };
  }
  await settled(live, ids, waitMs, ports.clock, signal);
  const { prompts } = loop.run();
  return { ok: true, output: { feature, deliveries: prompts.filter(({ id }) => ids.includes(id)).map(promptOf) } };
}

/** Resolves when every prompt has an outcome, or the time is up. */
async function settled(
  { loop }: LiveRun,
  ids: readonly number[],
  waitMs: number,
  clock: AppPorts['clock'],
  signal: AbortSignal,
): Promise<void> {
  const isKnown = (run: Run): boolean =>
    run.prompts.every((prompt) => !ids.includes(prompt.id) || !['wanted', 'typing'].includes(outcomeOf(prompt)));
  const done = new AbortController();
  const unsubscribe = loop.subscribe((run) => {
    if (isKnown(run)) done.abort();
  });
  if (!isKnown(loop.run())) await clock.sleep(waitMs, AbortSignal.any([done.signal, signal]));
  unsubscribe();
}
