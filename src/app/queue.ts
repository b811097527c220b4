import type { Config } from '../config/schema.ts';
import type { Life } from '../core/life.ts';
import type { Run } from '../core/run.ts';
import type { CrewSetup } from '../core/saved-setup.ts';
import type { LiveRun } from '../engine/live-run.ts';
import { checkBaseline } from './baseline.ts';
import { unfit } from './fitness.ts';
import type { AppPorts } from './ports.ts';
import { roomFor, tooManyPanes, whyFull } from './room.ts';
import { sessionOpened, setGoing } from './set-going.ts';
import { iso } from './status-panes.ts';
import type { ProblemView, QueueView } from './views.ts';

/** How often it is looked whether there is room while somebody waits: the configuration may have changed. In ms. */
const LOOK_EVERY_MS = 2000;
/** How long it is left alone after something went wrong, such as a full disk. In ms. */
const AGAIN_MS = 5000;

/**
 * The runs that wait until there is room, in order. Who waits and in which place is a fact of each run; nothing is kept
 * here but what the first of them was last seen to wait for.
 */
export interface StartQueue {
  /** Whether anybody waits. */
  isEmpty(): boolean;
  readonly placeOf: (run: Run) => QueueView;
  /** The place of whoever comes last. */
  lastPlace(): number;
  /** What the first one waits for, as somebody has just seen it. */
  noteWhy(why: string): void;
  /** There may be room. */
  wake(): void;
  /** Begins runs as there is room for them, until closed. */
  keep(onError: (error: unknown) => void): void;
  /** Ends looking; whoever waits is found again by the next supervisor. */
  close(): Promise<void>;
}

/** Does one thing after the other, so that each counts what came before. */
export type InTurn = <T>(act: () => Promise<T>) => Promise<T>;

type Queued = Extract<Life, { kind: 'queued' }>;
interface Waiting {
  readonly live: LiveRun;
  readonly run: Run;
  readonly life: Queued;
}

/** What the rounds share with whoever asks. */
interface Keeping {
  readonly ports: AppPorts;
  readonly inTurn: InTurn;
  readonly closing: AbortSignal;
  /** What the first one waits for. */
  why: string;
}

export function openQueue(ports: AppPorts, inTurn: InTurn): StartQueue {
  const ended = new AbortController();
  const keeping: Keeping = { ports, inTurn, closing: ended.signal, why: 'it is about to be looked at' };
  let nap = new AbortController();
  let running: Promise<void> | null = null;

  const rounds = async (onError: (error: unknown) => void): Promise<void> => {
    const opening = new Set<Promise<void>>();
    while (!keeping.closing.aborted) {
      nap = new AbortController();
      const found = await next(keeping).catch((error: unknown) => {
        onError(error);
        return 'failed' as const;
      });
      if (typeof found === 'object') {
        const work = follow(keeping, found.began).catch(onError);
        opening.add(work);
        void work.finally(() => opening.delete(work));
      } else if (found === 'failed') await ports.clock.sleep(AGAIN_MS, ended.signal);
      else if (found === 'waits') {
        const pauseMs = waitingIn(ports).length > 0 ? LOOK_EVERY_MS : Infinity;
        await ports.clock.sleep(pauseMs, AbortSignal.any([nap.signal, ended.signal]));
      }
    }
    await Promise.all(opening);
  };

  return {
    isEmpty: () => waitingIn(ports).length === 0,
    placeOf: (run) => (run.life.kind === 'queued' ? placeIn(waitingIn(ports), run, run.life.at, keeping.why) : null),
    lastPlace: () => Math.max(0, ...waitingIn(ports).map(({ life }) => life.place)),
    noteWhy(seen) {
      keeping.why = seen;
    },
    wake() {
      nap.abort();
    },
    keep(onError) {
      running ??= rounds(onError);
    },
    async close() {
      ended.abort();
      await running;
    },
  };
}

function placeIn(all: readonly Waiting[], run: Run, at: number, why: string): QueueView {
  const index = all.findIndex((each) => each.run.identity?.feature === run.identity?.feature);
  const since = iso(at);
  if (index <= 0) return { position: 1, length: Math.max(1, all.length), since, why };
  const first = all[0]?.run.identity?.feature ?? '';
  return { position: index + 1, length: all.length, since, why: `${first} is the first; ${why}` };
}

/** What came of the first one: it has begun, it cannot and was told so, or it waits (and so does everybody behind it). */
type Found = { readonly began: LiveRun } | 'gave-up' | 'waits';

async function next(keeping: Keeping): Promise<Found> {
  const { ports, inTurn, closing } = keeping;
  const head = waitingIn(ports)[0];
  if (!head) return 'waits';
  const setup = head.live.setup();
  if (!setup) return inTurn(() => giveUp(head, unsettled(head)));
  const turn = turnOf(ports, head, setup);
  if (!turn.ok) {
    keeping.why = turn.why;
    return 'waits';
  }
  keeping.why = 'what a start checks is being looked at';
  const problem = await problemOf(ports, head, turn, closing);
  if (closing.aborted) return 'waits';
  return inTurn(() => (problem ? giveUp(head, problem) : begin(ports, head, turn.config)));
}

/** One that has begun and cannot open its panes gives its place to the next. */
async function follow({ ports, closing }: Keeping, live: LiveRun): Promise<void> {
  const problem = await sessionOpened(ports, live, closing);
  if (problem) await live.loop.submit({ kind: 'stop', by: 'tmops', why: problem.sentence, problem });
}

/** Those that wait, the first one first. */
function waitingIn({ workspace }: AppPorts): Waiting[] {
  return workspace
    .opened()
    .flatMap((live): Waiting[] => {
      const run = live.loop.run();
      return run.life.kind === 'queued' ? [{ live, run, life: run.life }] : [];
    })
    .sort((a, b) => a.life.place - b.life.place || a.life.at - b.life.at);
}

type Turn =
  | { readonly ok: true; readonly config: Config; readonly setup: CrewSetup; readonly callerEnv: CrewSetup['env'] }
  | { readonly ok: false; readonly why: string };

const unsettled = ({ run }: Waiting): ProblemView => ({
  code: 'not-settled',
  sentence: 'What start had settled for it could not be read.',
  hint: `tmops start ${run.identity?.feature ?? ''}`,
});

/** Whether it is the first one's turn, by the configuration as it is now. */
function turnOf(ports: AppPorts, { life, run }: Waiting, setup: CrewSetup): Turn {
  const callerEnv = { ...setup.env, ...setup.variables };
  const loaded = ports.config(setup.variables === undefined ? undefined : callerEnv);
  if (!loaded.ok) return { ok: false, why: 'the configuration is not valid: tmops doctor says where' };
  const { config } = loaded;
  const { feature = '' } = run.identity ?? {};
  const panes = life.settings.panes ?? 0;
  // One that could never begin is not waited for.
  const full = tooManyPanes(config, feature, panes) ? null : whyFull(roomFor(ports, config, feature), panes);
  return full === null ? { ok: true, config, setup, callerEnv } : { ok: false, why: full };
}

/** What has come between the start that was asked for and its turn. */
async function problemOf(
  ports: AppPorts,
  { live, life, run }: Waiting,
  { config, setup, callerEnv }: Extract<Turn, { ok: true }>,
  closing: AbortSignal,
): Promise<ProblemView | null> {
  const { workflow, settings } = life;
  const provider =
    settings.provider === 'rehearsal' || settings.provider === 'client' ? settings.provider : 'claude_code';
  const { feature = '' } = run.identity ?? {};
  const problem =
    tooManyPanes(config, feature, settings.panes ?? 0) ??
    (await unfit(ports, {
      ...{ live, config, workflow, settings, provider, callerEnv },
      env: setup.env,
      trust: false,
    }));
  if (problem) return problem;
  const left = new AbortController();
  const unsubscribe = live.loop.subscribe((run) => {
    if (run.life.kind !== 'queued') left.abort();
  });
  const { env, testCommand } = setup;
  const order = { live, workflow, settings, env, testCommand };
  const proved = await checkBaseline(ports, order, AbortSignal.any([closing, left.signal]));
  unsubscribe();
  return proved.ok ? null : proved.problem;
}

async function giveUp({ live, run }: Waiting, problem: ProblemView): Promise<'gave-up'> {
  // Whoever took it out of the queue meanwhile is right.
  if (live.loop.run().life === run.life)
    await live.loop.submit({ kind: 'leave-queue', by: 'tmops', why: problem.sentence, problem });
  return 'gave-up';
}

/** Others may have begun, and somebody may have taken it out, since it was looked at. */
async function begin(ports: AppPorts, { live, run }: Waiting, config: Config): Promise<Found> {
  const { life, identity } = live.loop.run();
  if (life.kind !== 'queued' || (await ports.workspace.live(identity?.feature ?? '')) !== live) return 'gave-up';
  // Asked for once more: what was settled then is looked at first.
  if (life !== run.life) return 'gave-up';
  if (whyFull(roomFor(ports, config, identity?.feature ?? ''), life.settings.panes ?? 0) !== null) return 'waits';
  const began = await setGoing(live, { door: life.by }, life, true);
  if (began.ok) return began.isNews ? { began: live } : 'gave-up';
  return giveUp({ live, run, life }, began.problem);
}
