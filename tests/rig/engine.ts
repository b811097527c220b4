import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { rehearsalProvider, type RehearsalProvider } from '../../src/adapters/agents/rehearsal.ts';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { openTerminal, type TmuxTerminal } from '../../src/adapters/tmux/terminal.ts';
import { checkpointWatch } from '../../src/adapters/watch/watch.ts';
import type { Event } from '../../src/core/event.ts';
import { evolve } from '../../src/core/evolve.ts';
import { layoutSchema } from '../../src/core/layout.ts';
import type { Request } from '../../src/core/request.ts';
import { holderOf, newRun, type Run } from '../../src/core/run.ts';
import { workflowSchema } from '../../src/core/workflow.ts';
import { openLiveRun, type LiveRun } from '../../src/engine/live-run.ts';
import { queueMessage } from '../../src/engine/message.ts';
import { runPlace, type RunPlace } from '../../src/engine/place.ts';
import type { Prover } from '../../src/engine/ports.ts';
import { NOTHING_BEFORE } from '../../src/engine/record.ts';
import { writeAtomically } from '../../src/journal/atomic.ts';
import { openJournal, type Journal } from '../../src/journal/journal.ts';
import { FILES, logInto, SETTINGS } from './engine-parts.ts';
import { mortals } from './mortals.ts';
import { playedKeeper, playedRewinder } from './ports.ts';
import { rehearsalProgram } from './rehearsal.ts';
import { privateServer, type PrivateServer } from './tmux.ts';
import { within } from './wait.ts';

export const ROLES = ['orchestrator', 'tester', 'implementer', 'verifier'] as const;
export type Role = (typeof ROLES)[number];
export const SESSION = 'tmops-storm';

/** How the watching ends. */
export type Ending = 'closed' | 'crashed';

/** Longer than any wait of the engine at its end or beginning. */
const TURN_WITHIN_MS = 60_000;

/** The engine of the product in this process, with rehearsal agents on a tmux server of its own. */
export interface EngineRig {
  readonly server: PrivateServer;
  readonly place: RunPlace;
  readonly provider: RehearsalProvider;
  /** The state of the run, also between two lives. */
  run(): Run;
  /** Every event on disk. */
  events(): Promise<readonly Event[]>;
  /** Puts a message into the role's queue and gives the number of its prompt. */
  queue(role: Role, text: string): Promise<number>;
  /** Asks or tells the run something; throws when it is refused. */
  ask(request: Request): Promise<void>;
  /** Starts the agents that are not running, as `tmops start` does. */
  start(): Promise<void>;
  /** Ends the watching, by asking or as a crash does: whatever was under way never comes back. Then takes the run up again. */
  restart(how: Ending): Promise<void>;
  /** What went wrong inside. */
  readonly errors: readonly string[];
  dispose(): Promise<void>;
}

export async function openEngine(options: { slowStartMs: () => number }): Promise<EngineRig> {
  const server = await privateServer();
  const root = join(server.folder, 'sample');
  const place = runPlace(root, 'auth-api', 'initial', (feature, run) => `.tmops/${feature}/runs/${run}/checkpoints`);
  for (const folder of [place.checkpointsDir, place.rolesDir, place.promptsDir])
    await mkdir(folder, { recursive: true });
  await symlink('runs/initial', join(place.featureDir, 'current'));
  for (const role of ROLES) await writeAtomically(join(place.rolesDir, `${role}.md`), `# ${role}\n`);
  const errors: string[] = [];
  const world: World = { server, root, place, program: await rehearsalProgram(), errors, ...options };
  let life = await begin(world);
  await ask(life, { kind: 'initialise', identity: identityOf(root) });
  // Whoever asks waits until a life that was just ended has a successor.
  let ready: Promise<unknown> = Promise.resolve();
  let asking: Promise<unknown> = Promise.resolve();
  const whenReady = <T>(work: (present: Life) => Promise<T>): Promise<T> => {
    const done = ready.then(() => work(life));
    asking = Promise.allSettled([asking, done]);
    return done;
  };

  const rig: EngineRig = {
    server,
    place,
    errors,
    provider: life.provider,
    run: () => life.live.loop.run(),
    events: () => life.live.events(0),
    queue: (role, text) =>
      whenReady(async ({ live }) => {
        const answer = await queueMessage({ loop: live.loop, place, files: FILES }, role, text);
        const wanted = answer.ok ? answer.events.find((event) => event.kind === 'prompt.wanted') : undefined;
        if (wanted?.kind !== 'prompt.wanted') throw new Error(`Not queued: ${JSON.stringify(answer)}`);
        return wanted.prompt;
      }),
    ask: (request) => whenReady((present) => ask(present, request)),
    start: () => rig.ask(startRequest()),
    async restart(how) {
      const over = (async () => {
        await within('all that was asked is answered', asking, TURN_WITHIN_MS);
        await within(`the engine is ${how}`, life.end(how), TURN_WITHIN_MS);
        life = await within('the run is opened again', begin(world), TURN_WITHIN_MS);
        await life.live.loop.submit({ kind: 'watch-again', pid: process.pid, gapMs: 0 });
        life.live.loop.takeUp();
      })();
      ready = over;
      await over;
    },
    async dispose() {
      await Promise.allSettled([ready]);
      try {
        // A run that is not stopped would start its agents again.
        await ask(life, { kind: 'stop', by: 'the test', why: 'the storm is over' });
        await within('the session is ended', life.live.endSession(), TURN_WITHIN_MS);
        await within('the engine is closed', life.end('closed'), TURN_WITHIN_MS);
      } finally {
        // The last words of an agent's hooks may still be on their way into it.
        await rm(server.folder, { recursive: true, force: true, maxRetries: 10 });
        await server.end();
      }
    },
  };
  return rig;
}

/** The storm's settings have evidence switched off. */
const unasked = (): Promise<never> => Promise.reject(new Error('nothing is to be proved here'));
const NO_PROVER: Prover = {
  keep: unasked,
  changed: unasked,
  test: unasked,
  tested: unasked,
  baseline: unasked,
  testWithout: unasked,
};

interface World {
  readonly server: PrivateServer;
  readonly root: string;
  readonly place: RunPlace;
  readonly program: string;
  readonly errors: string[];
  readonly slowStartMs: () => number;
}

/** One supervisor's time: from the opening of the journal to its end. */
interface Life {
  readonly live: LiveRun;
  readonly provider: RehearsalProvider;
  end(how: Ending): Promise<void>;
}

async function begin(world: World): Promise<Life> {
  const { server, place, errors } = world;
  const opened = await openJournal<Event>(place.journalFile, { upgrade: (raw: object): Event => raw as Event });
  if (opened.kind !== 'open') throw new Error(`The journal is ${opened.kind}`);
  const { journal } = opened;
  const written: Event[] = [...opened.events];
  const mortal = mortals();
  const terminal = openTerminal({
    socketName: server.socketName,
    configFile: server.configFile,
    env: server.env,
    workspaceId: 'storm',
  });
  const provider = rehearsalProvider({ program: world.program, play: 'wait', slowStartMs: world.slowStartMs() });
  const live = openLiveRun({
    place,
    start: opened.events.reduce<Run>(evolve, newRun),
    store: mortal.wrap({ append: (events: readonly Event[]) => appendTo(journal, written, events) }),
    clock: mortal.wrap(systemClock()),
    watch: mortal.wrap(checkpointWatch()),
    settle: { shortMs: 30, longMs: 1000, unfinishedMs: 3000 },
    modules: { call: () => Promise.reject(new Error('there are no modules here')) },
    prover: NO_PROVER,
    rewinder: playedRewinder,
    keeper: playedKeeper,
    files: mortal.wrap(FILES),
    log: logInto(errors),
    record: { version: '0', files: mortal.wrap(FILES), sinks: [], writeMetrics: () => Promise.resolve() },
    before: NOTHING_BEFORE,
    readEvents: () => Promise.resolve(written),
  });
  live.equip({ terminal: mortal.wrap(terminal), provider: mortal.wrap(provider), setup: setupOf(server) });
  const giveBack = (): void => void giveWhatWasLeft(live).catch((error: unknown) => errors.push(String(error)));
  live.loop.subscribe((_run, events) => {
    if (events.some(({ kind }) => kind === 'pane.left' || kind === 'pane.taken')) giveBack();
  });
  giveBack();
  return {
    live,
    provider,
    end: async (how) => {
      if (how === 'closed') await live.close();
      else await mortal.die();
      await endOf(terminal, journal);
    },
  };
}

/** The humans of the storm say so when they are done with a pane. */
async function giveWhatWasLeft({ loop }: LiveRun): Promise<void> {
  const roles = ROLES.filter((role) => {
    const holder = holderOf(loop.run(), role);
    return holder.kind === 'human' && !holder.stays;
  });
  const spareIds = Object.fromEntries(roles.map((role) => [role, crypto.randomUUID()]));
  if (roles.length > 0) await loop.submit({ kind: 'give', roles, by: 'the test', spareIds });
}

async function appendTo(journal: Journal<Event>, written: Event[], events: readonly Event[]): Promise<void> {
  await journal.append(events);
  written.push(...events);
}

async function endOf(terminal: TmuxTerminal, journal: Journal<Event>): Promise<void> {
  await terminal.end();
  await journal.close();
}

async function ask({ live }: Life, request: Request): Promise<void> {
  const answer = await live.loop.submit(request);
  if (!answer.ok) throw new Error(`Refused: ${JSON.stringify(answer.refusal)}`);
}

const identityOf = (root: string) => ({
  workspaceId: 'storm',
  feature: 'auth-api',
  run: 'initial',
  runType: 'initial' as const,
  branch: 'feature/auth-api',
  worktree: root,
  base: null,
});

/** The one step is never done, so that the run goes on for as long as the storm lasts. */
const workflow = workflowSchema.parse({
  name: 'storm',
  reminder: '[CONTINUE]: {checkpoint} is missing',
  reminders: 0,
  correction: '[CORRECTION]: Read {file}',
  tests: [],
  roles: Object.fromEntries(ROLES.map((role) => [role, { title: role, instructions: `${role}.md` }])),
  steps: [{ id: 'discovery', role: 'orchestrator', prompt: '[BEGIN]: Start', checkpoint: '001-discovery-trigger.md' }],
});

function startRequest(): Request {
  return {
    kind: 'start',
    by: 'the test',
    workflow,
    settings: { ...SETTINGS, session: SESSION, evidence: false },
    spareIds: Object.fromEntries(ROLES.map((role) => [role, crypto.randomUUID()])),
  };
}

const setupOf = (server: PrivateServer) => ({
  workspaceId: 'storm',
  layout: layoutSchema.parse({ name: 'quad', windows: [{ roles: 'rest' }] }),
  size: { cols: 220, rows: 100 },
  statusArgv: ['sleep', '100000'],
  env: { PATH: server.env['PATH'] ?? '', HOME: server.folder },
  testCommand: null,
  allow: [],
  takeKey: null,
  modes: {},
});
