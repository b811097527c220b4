import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { rehearsalProvider } from '../../src/adapters/agents/rehearsal.ts';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { openGit } from '../../src/adapters/git/open.ts';
import { copyInto } from '../../src/adapters/project/copy.ts';
import { openProver } from '../../src/adapters/proof/open.ts';
import { openTerminal } from '../../src/adapters/tmux/terminal.ts';
import { checkpointWatch } from '../../src/adapters/watch/watch.ts';
import { packageDir, packaged } from '../../src/compose/package.ts';
import { loadConfig } from '../../src/config/load.ts';
import { planStart, type StartPlan } from '../../src/config/plan.ts';
import type { Event } from '../../src/core/event.ts';
import { evolve } from '../../src/core/evolve.ts';
import type { Layout } from '../../src/core/layout.ts';
import type { Request } from '../../src/core/request.ts';
import { hasArrived, newRun, typedLine, type Run } from '../../src/core/run.ts';
import type { Workflow } from '../../src/core/workflow.ts';
import { openLiveRun, type LiveRun } from '../../src/engine/live-run.ts';
import { runPlace, type RunPlace } from '../../src/engine/place.ts';
import { recordBefore } from '../../src/engine/record.ts';
import { makeFolder, writeAtomically } from '../../src/journal/atomic.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { FILES, logInto, SETTINGS } from './engine-parts.ts';
import { greenCode, playText, redTest } from './flow.ts';
import { linesOf } from './json-lines.ts';
import { mortalPrograms } from './mortal-programs.ts';
import { mortals, type Fate } from './mortals.ts';
import { seeded, type Random } from './random.ts';
import { rehearsalProgram } from './rehearsal.ts';
import { sampleRepo, type SampleRepo } from './repo.ts';
import { privateServer, type PrivateServer } from './tmux.ts';
import { within } from './wait.ts';

export interface CrashVerdict {
  /** Everything that must not happen and did, in words; empty when all is well. */
  readonly faults: readonly string[];
  readonly runs: number;
  /** How often the supervisor was ended at each point, by the point's name. */
  readonly crashes: Readonly<Record<string, number>>;
}

/**
 * Lets runs go from their first to their last step while whoever carries them out is ended between two effects again and
 * again, `crashes` times in all: agents, tmux, git and the project's tests are real, and whatever the dead one had under way
 * is done and never answered, while nothing that was to follow is begun. What each run leaves is held against one that was left alone.
 */
export async function crashThrough(seed: number, crashes: number): Promise<CrashVerdict> {
  const random = seeded(seed);
  const program = await rehearsalProgram();
  const counts: Record<string, number> = {};
  const faults: string[] = [];
  const points = new Set<string>();
  const passes: Fate = (point) => {
    points.add(point);
    return false;
  };
  const calm = await playRun(program, passes, counts);
  faults.push(...calm.faults.map((fault) => `undisturbed: ${fault}`));
  let runs = 0;
  for (let left = crashes; left > 0 && faults.length === 0; runs += 1) {
    const fate = fateOf(random.fork(), [...points], Math.min(left, CRASHES_A_RUN));
    const { faults: found, left: leaves } = await playRun(program, fate.strikes, counts);
    left -= fate.struck();
    faults.push(...found.map((fault) => `run ${runs + 1}: ${fault}`), ...differences(calm.left, leaves, runs + 1));
  }
  return { faults, runs, crashes: counts };
}

const CRASHES_A_RUN = 12;
const FEATURE = 'crash-api';
const SESSION = `tmops-${FEATURE}`;
/** A run that is not over by then hangs: without a crash it takes about four seconds, with twelve on a busy machine a minute. */
const RUN_WITHIN_MS = 240_000;
const LETS_GO_WITHIN_MS = 20_000;

/**
 * Ends a life at one of the points that there are, each as likely as the others though some are passed a hundred times as
 * often: at its next passing or one of those after it.
 */
function fateOf(random: Random, points: readonly string[], most: number): { strikes: Fate; struck(): number } {
  const aim = () => ({ at: random.pick(points), spares: random.int(0, 2), within: random.int(60, 300) });
  let next = aim();
  let struck = 0;
  return {
    strikes(point) {
      if (struck >= most) return false;
      next.within -= 1;
      // It may never come again in this run: then anywhere.
      if (point !== next.at && next.within > 0) return false;
      next.spares -= 1;
      if (next.spares >= 0 && next.within > 0) return false;
      next = aim();
      struck += 1;
      return true;
    },
    struck: () => struck,
  };
}

/** What a run leaves behind. */
interface Leaving {
  /** What each role was told, in order, without the prompts' numbers. */
  readonly told: Readonly<Record<string, readonly string[]>>;
  readonly steps: readonly string[];
  readonly files: string;
}

interface Played {
  readonly faults: readonly string[];
  readonly left: Leaving;
}

async function playRun(program: string, strikes: Fate, counts: Record<string, number>): Promise<Played> {
  const world = await openWorld(program);
  try {
    const run = await within('the run is completed', livesUntilDone(world, strikes, counts), RUN_WITHIN_MS).catch(
      async (error: unknown) => {
        throw new Error(`${String(error)}\n${await told(world)}`, { cause: error });
      },
    );
    return { faults: [...world.errors, ...(await judge(world, run))], left: await leavingOf(world, run) };
  } finally {
    await closeWorld(world);
  }
}

interface World {
  readonly repo: SampleRepo;
  readonly server: PrivateServer;
  readonly place: RunPlace;
  readonly program: string;
  readonly workflow: Workflow;
  readonly layout: Layout;
  readonly play: string;
  /** What went wrong inside. */
  readonly errors: string[];
  life: Life | null;
}

async function openWorld(program: string): Promise<World> {
  const server = await privateServer();
  const repo = await sampleRepo({ files: { '.gitignore': '.tmops\n', 'tools/play.yaml': PLAY } });
  const { workflow, layout } = shippedPlan(repo.root);
  const place = runPlace(repo.root, FEATURE, 'initial', (feature, run) => `.tmops/${feature}/runs/${run}/checkpoints`);
  for (const folder of [place.checkpointsDir, place.rolesDir, place.promptsDir]) await makeFolder(folder);
  await symlink('runs/initial', join(place.featureDir, 'current'));
  for (const role of Object.keys(workflow.roles))
    await writeAtomically(join(place.rolesDir, `${role}.md`), `# ${role}\n`);
  return {
    repo,
    server,
    place,
    program,
    workflow,
    layout,
    play: join(repo.root, 'tools', 'play.yaml'),
    errors: [],
    life: null,
  };
}

async function closeWorld({ server, repo, life, errors }: World): Promise<void> {
  const end = async (): Promise<void> => {
    await life?.live.loop.submit({ kind: 'stop', by: 'the test', why: 'it is over' });
    await life?.live.endSession();
    await life?.live.close();
    await life?.end();
  };
  // A run that hangs must not keep its agents.
  await within('the last life is closed', end(), LETS_GO_WITHIN_MS).catch((error: unknown) =>
    errors.push(String(error)),
  );
  await server.end();
  await rm(server.folder, { recursive: true, force: true, maxRetries: 10 });
  await repo.dispose();
}

/** One supervisor's time. */
interface Life {
  readonly live: LiveRun;
  /** Resolves with the point at which fate ended it. */
  readonly struck: Promise<string>;
  /** Lets go of what a dead process would not hold: watches, connections, the journal's lock. */
  end(): Promise<void>;
}

async function livesUntilDone(world: World, strikes: Fate, counts: Record<string, number>): Promise<Run> {
  let isOver = false;
  for (;;) {
    const life = await begin(world, (point) => !isOver && strikes(point));
    world.life = life;
    const done = new Promise<null>((resolve) => {
      const see = (run: Run): void => {
        if (run.life.kind !== 'completed') return;
        isOver = true;
        resolve(null);
      };
      life.live.loop.subscribe(see);
      see(life.live.loop.run());
    });
    const point = await Promise.race([life.struck, done]);
    if (point === null) return life.live.loop.run();
    counts[point] = (counts[point] ?? 0) + 1;
    world.life = null;
    await within(`what was ended ${point} lets go`, life.end(), LETS_GO_WITHIN_MS);
  }
}

async function begin(world: World, strikes: Fate): Promise<Life> {
  const { repo, server, place, errors } = world;
  const opened = await openJournal<Event>(place.journalFile, { upgrade: (raw: object): Event => raw as Event });
  if (opened.kind !== 'open') throw new Error(`The journal is ${opened.kind}`);
  const { journal } = opened;
  const written: Event[] = [...opened.events];
  const mortal = mortals(strikes);
  const { socketName, configFile, env } = server;
  const programs = await mortalPrograms(repo.base, ['tmux', 'git']);
  const terminal = openTerminal({ socketName, configFile, env, workspaceId: 'crashes', tmux: programs.path('tmux') });
  const git = openGit({ environment: repo.environment, command: programs.path('git') });
  const prover = openProver({
    git,
    workspaceId: repo.base,
    withinMs: () => 30_000,
    scratch: { folder: join(repo.base, 'scratch'), copied: () => [], copyInto },
  });
  const store = {
    async append(events: readonly Event[]) {
      await journal.append(events);
      written.push(...events);
    },
  };
  const files = mortal.wrap(FILES, 'files', ['write']);
  const live = openLiveRun({
    place,
    start: opened.events.reduce<Run>(evolve, newRun),
    store: mortal.wrap(store, 'journal', ['append']),
    clock: mortal.wrap(systemClock()),
    watch: mortal.wrap(checkpointWatch(), 'checkpoints', ['watch', 'look']),
    settle: { shortMs: 30, longMs: 1000, unfinishedMs: 3000 },
    modules: { call: () => Promise.reject(new Error('there are no modules here')) },
    prover: mortal.wrap(prover, 'proof', ['keep', 'changed', 'test', 'baseline', 'testWithout']),
    rewinder: git.rewinder,
    keeper: mortal.wrap(git.keeper, 'branch', ['keep']),
    files,
    log: logInto(errors),
    record: { version: '0', files, sinks: [], writeMetrics: () => Promise.resolve() },
    before: await recordBefore(opened.events, place),
    readEvents: () => Promise.resolve(written),
  });
  const provider = rehearsalProvider({ program: world.program, play: world.play });
  live.equip({
    terminal: mortal.wrap(terminal, 'terminal', ['open', 'reopen', 'paste', 'press', 'label', 'headline', 'onOutput']),
    provider: mortal.wrap(provider, 'agents', ['create', 'resume', 'evidence']),
    setup: setupOf(world),
  });
  const { loop } = live;
  const ask = (request: Request): void =>
    void loop.submit(request).catch((error: unknown) => errors.push(String(error)));
  if (loop.run().identity === null) ask({ kind: 'initialise', identity: identityOf(world) });
  if (loop.run().life.kind === 'running') {
    ask({ kind: 'watch-again', pid: process.pid, gapMs: 0 });
    loop.takeUp();
  } else if (loop.run().life.kind !== 'completed') ask(startRequest(world.workflow));
  return {
    live,
    struck: mortal.struck,
    async end() {
      await mortal.die();
      await Promise.all([programs.die(), terminal.end()]);
      await journal.close();
      await prover.close();
    },
  };
}

/** What the agents have is what the journal says: each prompt exactly once, none in doubt and none lost. */
async function judge({ place, workflow }: World, run: Run): Promise<string[]> {
  const faults: string[] = [];
  for (const role of Object.keys(workflow.roles)) {
    const taken = (await takenBy(place, role)).map(({ text }) => text);
    const own = run.prompts.filter((prompt) => prompt.role === role);
    for (const prompt of own) {
      const times = taken.filter((text) => text.includes(typedLine(prompt))).length;
      if (times !== (hasArrived(prompt) ? 1 : 0))
        faults.push(`${typedLine(prompt)} (${prompt.stage.kind}) was taken ${times} times`);
      if (!hasArrived(prompt) && prompt.stage.kind !== 'withdrawn') faults.push(`${typedLine(prompt)} was lost`);
    }
    const lines = new Set(own.map(typedLine));
    for (const text of taken) if (!lines.has(text)) faults.push(`the ${role} took ${JSON.stringify(text)}`);
  }
  return faults;
}

async function leavingOf({ repo, place, workflow }: World, run: Run): Promise<Leaving> {
  const told: Record<string, string[]> = {};
  for (const role of Object.keys(workflow.roles))
    told[role] = (await takenBy(place, role)).map(({ text }) => text.replace(/ \[tmops#\d+\]$/, ''));
  return {
    told,
    steps: Object.keys(run.done),
    files: await repo.git(['status', '--porcelain', '--untracked-files=all', '--branch']),
  };
}

function differences(calm: Leaving, left: Leaving, run: number): string[] {
  const [expected, found] = [JSON.stringify(calm, null, 1), JSON.stringify(left, null, 1)];
  return expected === found
    ? []
    : [`run ${run} ended otherwise than an undisturbed one:\n${found}\nexpected:\n${expected}`];
}

const takenBy = (place: RunPlace, role: string): Promise<{ readonly text: string }[]> =>
  linesOf(join(place.agentDir(role), 'rehearsal', 'prompts.jsonl'));

/** The whole journal, for whoever wants to know why a run hangs. */
async function told({ place, errors }: World): Promise<string> {
  const journal = await readFile(place.journalFile, 'utf8');
  return [...errors, journal.trimEnd()].join('\n');
}

/** What ships, for a workspace without a configuration of its own. */
function shippedPlan(workspaceRoot: string): StartPlan {
  const shippedFile = packaged('config', 'tmops-mcp.config.yaml');
  const loaded = loadConfig({ workspaceRoot, shippedFile, overrides: {}, env: {} });
  const planned = loaded.ok ? planStart(loaded, { workspaceRoot, packageDir }, undefined) : loaded;
  if (!planned.ok) throw new Error(`What ships is faulty: ${JSON.stringify(planned.faults)}`);
  return planned.plan;
}

const cue = (role: string, when: string, file: string, acts: readonly object[] = []) => ({ role, when, file, acts });
const PLAY = playText([
  cue('orchestrator', '[BEGIN]: Start orchestration', '001-discovery-trigger.md'),
  cue('tester', '[BEGIN]: Start test writing', '003-tests-complete.md', [redTest]),
  cue('orchestrator', '[CONFIRMED]: Tester has completed', '004-impl-trigger.md'),
  cue('implementer', '[BEGIN]: Start implementation', '005-impl-complete.md', [greenCode]),
  cue('orchestrator', '[CONFIRMED]: Implementer has completed', '006-verify-trigger.md'),
  cue('verifier', '[BEGIN]: Start verification', '007-verify-complete.md'),
  cue('orchestrator', '[CONFIRMED]: Verifier has completed', 'SUMMARY.md'),
]);

const identityOf = ({ repo }: World) => ({
  workspaceId: 'crashes',
  feature: FEATURE,
  run: 'initial',
  runType: 'initial' as const,
  branch: 'main',
  worktree: repo.root,
  base: null,
});

const startRequest = (workflow: Workflow): Request => ({
  kind: 'start',
  by: 'the test',
  workflow,
  settings: { ...SETTINGS, session: SESSION, evidence: true },
  spareIds: Object.fromEntries(Object.keys(workflow.roles).map((role) => [role, crypto.randomUUID()])),
});

const setupOf = ({ server, repo, layout }: World) => ({
  workspaceId: 'crashes',
  layout,
  size: { cols: 220, rows: 100 },
  statusArgv: ['sleep', '100000'],
  env: { PATH: server.env['PATH'] ?? '', HOME: repo.environment['HOME'] ?? '' },
  testCommand: ['node', '--test'],
  allow: [],
  takeKey: null,
  modes: {},
});
