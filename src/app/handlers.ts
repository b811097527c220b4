import type { Event } from '../core/event.ts';
import { presentStep, type Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import { adoptHandler } from './adopt.ts';
import { answerHandler } from './answer.ts';
import { attentionOf } from './attention.ts';
import { openCleanups } from './cleanup.ts';
import { explain } from './explain.ts';
import { conflictHandler } from './conflict.ts';
import { gcHandler } from './gc.ts';
import type { Answer, Handler } from './handler.ts';
import { initHandler } from './init.ts';
import { knownStatuses } from './known-status.ts';
import { narrate } from './narrate.ts';
import { openOrTell } from './open-run.ts';
import { plainText } from './pane-text.ts';
import type { AppPorts } from './ports.ts';
import type { Asker } from './principal.ts';
import { readCheckpoint } from './read-checkpoint.ts';
import { rollbackHandler } from './rollback.ts';
import { sendMessage } from './send-message.ts';
import { startHandler } from './start.ts';
import { openStarts, type Starts } from './starts.ts';
import { steeringHandlers } from './steering.ts';
import type { InputOf, OperationKey, OutputOf } from './table.ts';
import { abortSignalOf } from './stop-signal.ts';
import { tellRefusal, unknownFeature } from './tell.ts';
import { waitFor } from './wait.ts';
import type { QueueView } from './views.ts';
import { waitsFor } from './waits-for.ts';

/** How far back it is looked for what was seen last. */
const EXPLAINED_EVENTS = 200;

export type Handlers = { readonly [K in OperationKey]: Handler<K> };

export function handlersFor(ports: AppPorts, starts: Starts = openStarts(ports)): Handlers {
  const { placeOf } = starts.queue;
  const cleanups = openCleanups(ports);
  const statusNow = knownStatuses((run) => attachOf(ports, run), placeOf);
  return {
    init: initHandler(ports),
    adopt: adoptHandler(ports),
    start: startHandler(starts),
    status: ({ feature }) =>
      withRun(ports, feature, (live) => ({
        ok: true,
        ...statusNow(live.loop.run(), ports.clock.now(), live.loop.failing()),
      })),
    list: () => list(ports, placeOf),
    wait: (input, _caller, signal) =>
      withRun(ports, input.feature, async (live) => ({
        ok: true,
        output: await waitFor(live.loop, input, ports.clock, signal, placeOf),
      })),
    events: ({ feature, after, limit }) =>
      withRun(ports, feature, async (live) => ({ ok: true, output: await eventsAfter(live, after, limit) })),
    message: (input, { principal }, signal) =>
      withRun(ports, input.feature, (live) => sendMessage(live, { ...input, principal }, ports, abortSignalOf(signal))),
    explain: ({ feature }) =>
      withRun(ports, feature, async (live) => {
        // The journal, not what is in memory: a supervisor that has just taken the run up remembers nothing.
        const events = await live.events(live.loop.run().seq - EXPLAINED_EVENTS);
        const [run, failing] = [live.loop.run(), live.loop.failing()];
        return { ok: true, output: explain(run, { events, now: ports.clock.now(), failing, queue: placeOf(run) }) };
      }),
    answer: answerHandler(ports),
    readPane: (input) => withRun(ports, input.feature, (live) => readPane(live, input)),
    readCheckpoint: (input) => withRun(ports, input.feature, (live) => readCheckpoint(live, input)),
    ...steeringHandlers(ports),
    rollback: rollbackHandler(ports),
    conflict: conflictHandler(ports),
    settle: (input, asker) => withRun(ports, input.feature, (live) => settle(live, input, asker)),
    stop: ({ feature }, asker) => withRun(ports, feature, (live) => stop(live, asker)),
    cleanup: cleanups.handle,
    gc: gcHandler(ports, cleanups),
    doctor: async () => ({ ok: true, output: await ports.doctor() }),
  };
}

async function withRun<K extends OperationKey>(
  ports: AppPorts,
  feature: string,
  act: (live: LiveRun) => Answer<K> | Promise<Answer<K>>,
): Promise<Answer<K>> {
  const live = await ports.workspace.live(feature);
  return live?.loop.run().identity ? act(live) : { ok: false, problem: unknownFeature(feature) };
}

function attachOf(ports: AppPorts, run: Run): string | null {
  return run.settings ? ports.attachCommand(run.settings.session, run.settings.socket) : null;
}

async function list(ports: AppPorts, placeOf: (run: Run) => QueueView): Promise<Answer<'list'>> {
  const features: OutputOf<'list'>['features'] = [];
  for (const { feature, line } of await ports.features()) {
    const opened = await openOrTell(ports, feature);
    if ('problem' in opened) {
      features.push({
        feature,
        run: '',
        phase: 'unavailable',
        step: null,
        role: null,
        branch: line?.branch ?? '',
        waitsFor: opened.problem.sentence,
        attention: 1,
        queue: null,
      });
      continue;
    }
    const run = opened.live?.loop.run();
    if (!run?.identity) {
      features.push({
        feature,
        run: '',
        phase: 'by hand',
        step: null,
        role: null,
        branch: line?.branch ?? '',
        waitsFor: byHandSentence(feature, opened.live !== null),
        attention: 0,
        queue: null,
      });
      continue;
    }
    const step = presentStep(run)?.step;
    const role = step && isAgentStep(step) ? step.role : null;
    features.push({
      feature,
      run: run.identity.run,
      phase: run.life.kind,
      step: step?.id ?? null,
      role,
      branch: run.identity.branch,
      waitsFor: waitsFor(run, placeOf(run)),
      attention: attentionOf(run, ports.clock.now(), opened.live?.loop.failing()).length,
      queue: placeOf(run),
    });
  }
  return { ok: true, output: { features } };
}

const byHandSentence = (feature: string, hasRun: boolean): string =>
  hasRun
    ? `It was begun by hand: tmops adopt ${feature} takes it up from its checkpoints.`
    : `It has no run that tmops could take up: tmops init ${feature}.`;

async function eventsAfter(live: LiveRun, after: number, limit: number): Promise<OutputOf<'events'>> {
  const events: readonly Event[] = (await live.events(after)).slice(0, limit);
  const { identity, seq } = live.loop.run();
  return {
    feature: identity?.feature ?? '',
    run: identity?.run ?? '',
    events: events.map(narrate),
    cursor: events.at(-1)?.seq ?? Math.max(after, seq),
  };
}

async function readPane(live: LiveRun, { feature, role, lines }: InputOf<'readPane'>): Promise<Answer<'readPane'>> {
  const run = live.loop.run();
  const agent = run.agents[role];
  const terminal = live.terminal();
  if (!agent)
    return {
      ok: false,
      problem: {
        code: 'unknown-role',
        sentence: `${feature} has no pane for the role "${role}".`,
        hint: `Its roles: ${Object.keys(run.agents).join(', ') || 'none, it was not started'}.`,
      },
    };
  if (!terminal || agent.pane === null)
    return {
      ok: false,
      problem: {
        code: 'no-pane',
        sentence: `The ${role} of ${feature} has no pane now.`,
        hint: `tmops start ${feature}`,
      },
    };
  const look = await terminal.look(agent.pane);
  if (look.kind !== 'seen')
    return {
      ok: false,
      problem: {
        code: 'pane-not-seen',
        sentence: `The ${role}'s pane could not be read${look.kind === 'unknown' ? `: ${look.why}` : ', it is gone'}.`,
        hint: `tmops status ${feature}`,
      },
    };
  const shown = plainText(look.capture).split('\n').slice(-lines);
  return {
    ok: true,
    output: {
      feature,
      role,
      pane: agent.pane,
      state: agent.state.kind,
      untrusted_output: shown.join('\n'),
      lines: shown.length,
    },
  };
}

async function settle(
  live: LiveRun,
  { feature, prompt, as }: InputOf<'settle'>,
  asker: Asker,
): Promise<Answer<'settle'>> {
  const answer = await live.loop.submit({ kind: 'settle-prompt', prompt, as, by: asker.door }, asker.principal);
  if (!answer.ok) return { ok: false, problem: tellRefusal(answer.refusal, feature) };
  return { ok: true, output: { feature, prompt, as } };
}

async function stop(live: LiveRun, asker: Asker): Promise<Answer<'stop'>> {
  const { life, identity, startProblem } = live.loop.run();
  const feature = identity?.feature ?? '';
  const session = live.loop.run().settings?.session;
  const before = session === undefined ? null : await live.terminal()?.survey(session);
  const isOpen = life.kind === 'running' || life.kind === 'queued';
  if (isOpen || startProblem)
    await live.loop.submit({ kind: 'stop', by: asker.door, why: 'asked to' }, asker.principal);
  await live.endSession();
  const next =
    life.kind === 'completed'
      ? `${feature} is completed; its work is on ${identity?.branch ?? ''}.`
      : life.kind === 'queued'
        ? `It was taken out of the queue; tmops start ${feature} puts it at its end again.`
        : `tmops start ${feature} goes on from its present checkpoint.`;
  return {
    ok: true,
    output: { feature, run: identity?.run ?? '', stopped: isOpen || before?.kind === 'ours', next },
  };
}
