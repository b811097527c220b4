import { dueAt } from '../../src/core/due.ts';
import type { Event } from '../../src/core/event.ts';
import type { Request } from '../../src/core/request.ts';
import { hasArrived, holderOf, openPrompts, presentStep, typedLine, type Prompt } from '../../src/core/run.ts';
import { isAgentStep } from '../../src/core/workflow.ts';
import { openCourier, type Courier } from '../../src/engine/courier.ts';
import { openRunLoop, type RunLoop } from '../../src/engine/loop.ts';
import type { Stop } from '../../src/engine/ports.ts';
import { keepSentinel } from '../../src/engine/sentinel.ts';
import { handClock, type HandClock } from './clock.ts';
import { crewOf, place, playedProvider, playedTerminal } from './ports.ts';
import { seeded, type Random } from './random.ts';
import { deliver, put, small, started } from './run.ts';
import { classifyShared, openSharedPane, type SharedPane } from './shared-pane.ts';

const ROLES = ['lead', 'worker'] as const;
type Role = (typeof ROLES)[number];

export interface Interleaving {
  /** Everything that must not happen and did, in words; empty when all is well. */
  readonly faults: readonly string[];
  /** What happened, counted. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A run with the real courier and the real sentinel of two panes that are shared, on a played clock. */
interface Stage {
  readonly clock: HandClock;
  readonly random: Random;
  readonly loop: RunLoop;
  readonly journal: readonly Event[];
  readonly panes: Readonly<Record<Role, SharedPane>>;
  readonly faults: string[];
  /** When the human lets go, in ms since the epoch. */
  readonly until: number;
  /** How often a prompt was asked to be typed again. */
  readonly resent: Map<number, number>;
  end(): Promise<void>;
}

/** For so long everybody acts at random, in ms; then the human lets go. */
const STORM_MS = 800;
const TIMING = {
  settleMs: 10,
  enterAgainAfterMs: [80, 160],
  echoWithinMs: 200,
  evidenceWithinMs: 250,
  readyWithinMs: 1000,
};

/** Lets everybody act in an order that follows from the seed, and says what came of it. */
export async function interleave(seed: number): Promise<Interleaving> {
  const stage = openStage(seeded(seed));
  schedule(stage);
  await stage.clock.pass(STORM_MS);
  await letGo(stage);
  await stage.end();
  judge(stage);
  return { faults: stage.faults, counts: countsOf(stage) };
}

/** Both roles know their instructions, and the first step is asked for. */
const STORIES = [null, 0, 300].map((handBackAfterMs) => {
  const story = started(small, { handBackAfterMs });
  put(story, { kind: 'surveyed' });
  for (const { id } of story.run.prompts) deliver(story, id);
  return story;
});

function openStage(random: Random): Stage {
  const story = random.pick(STORIES);
  const clock = handClock(story.at);
  const journal: Event[] = [];
  const faults: string[] = [];
  const couriers = new Map<string, Courier>();
  const store = {
    async append(events: readonly Event[]): Promise<void> {
      await clock.sleep(random.int(0, 3));
      journal.push(...events);
    },
  };
  const loop = openRunLoop(story.run, store, clock, (command) => {
    if (command.do === 'deliver') couriers.get(command.role)?.wake();
  });
  const onError = (error: unknown): void => void faults.push(String(error));
  const panes = { lead: paneOf('lead'), worker: paneOf('worker') };
  const crew = { ...crewOf(loop, terminalOf({ loop, panes, faults }), providerOf({ panes, clock, random })), clock };
  for (const role of ROLES)
    couriers.set(
      role,
      openCourier({
        ...crew,
        role,
        agentDir: place.agentDir(role),
        drainEvidence: () => Promise.resolve(),
        writeFile: () => Promise.resolve(),
        onError,
      }),
    );
  const stops: Stop[] = [keepSentinel(crew, onError), tellTime(loop, clock)];
  for (const courier of couriers.values()) courier.wake();

  function paneOf(role: Role): SharedPane {
    return openSharedPane({
      clock,
      random,
      report: (news) => {
        evidence += 1;
        const id = String(evidence).padStart(19, '0');
        void loop.submit({ kind: 'agent-news', role, evidence: { id, atMs: clock.now(), news } });
      },
      turnOver: (prompt) => {
        if (random.chance(0.7)) void writeCheckpoint(loop, role, prompt, clock.now());
      },
    });
  }
  let evidence = 1_000_000;
  return {
    clock,
    random,
    loop,
    journal,
    panes,
    faults,
    until: clock.now() + STORM_MS,
    resent: new Map(),
    async end() {
      const ending = Promise.all([
        ...stops.map((stop) => stop()),
        ...[...couriers.values()].map((each) => each.stop()),
      ]);
      await clock.pass(200);
      await ending;
    },
  };
}

/** What time alone brings, as the timekeeper tells it, by a cheaper way. */
function tellTime(loop: RunLoop, clock: HandClock): Stop {
  let isOver = false;
  const tell = async (): Promise<void> => {
    while (!isOver) {
      await clock.sleep(100);
      if (dueAt(loop.run()) <= clock.now()) void loop.submit({ kind: 'time-passed' });
    }
  };
  const telling = tell();
  return () => {
    isOver = true;
    return telling;
  };
}

const paneIdOf = (role: Role): string => `%${ROLES.indexOf(role)}`;

function terminalOf({ loop, panes, faults }: Pick<Stage, 'loop' | 'panes' | 'faults'>) {
  const roleOf = (pane: string): Role => ROLES.find((role) => paneIdOf(role) === pane) ?? 'lead';
  /** A write may begin only where nobody holds the pane or the run, and after it was journaled. */
  const begins = (role: Role, what: 'intended' | 'entered'): void => {
    const run = loop.run();
    const stage = openPrompts(run, role)[0]?.stage.kind;
    if (holderOf(run, role).kind === 'human') faults.push(`a write (${what}) into the pane of a human (${role})`);
    if (run.paused) faults.push(`a write (${what}) while the run was paused (${role})`);
    if (stage !== what) faults.push(`a write (${what}) that was not journaled (${role}, ${String(stage)})`);
  };
  return playedTerminal({
    look: (pane) => panes[roleOf(pane)].look(),
    paste: (pane, line, rows, mark) => {
      begins(roleOf(pane), 'intended');
      return panes[roleOf(pane)].paste(line, rows, mark);
    },
    press: (pane, key, rows) => {
      begins(roleOf(pane), 'entered');
      return key === 'enter' ? panes[roleOf(pane)].enter(rows) : Promise.reject(new Error(`${key} was pressed`));
    },
    leaveMode: (pane) => panes[roleOf(pane)].leaveMode(),
    onOutput: (pane, wrote) => {
      const stop = panes[roleOf(pane)].onOutput(wrote);
      return Promise.resolve(() => {
        stop();
        return Promise.resolve();
      });
    },
  });
}

const providerOf = ({ panes, clock, random }: Pick<Stage, 'panes' | 'clock' | 'random'>) =>
  playedProvider({
    timing: TIMING,
    classify: classifyShared,
    activity: async ({ role }) => {
      await clock.sleep(random.int(0, 2));
      return panes[role === 'lead' ? 'lead' : 'worker'].activity();
    },
  });

/** The agent's work on a step is done: its file is there. Who has nothing to do with the step writes nothing. */
async function writeCheckpoint(loop: RunLoop, role: Role, prompt: string, now: number): Promise<void> {
  const run = loop.run();
  const step = presentStep(run)?.step;
  const asked = run.prompts.find((each) => prompt.includes(typedLine(each)));
  if (!step || !isAgentStep(step) || step.role !== role || asked?.purpose.kind === 'message') return;
  // With the last file all would be over, and nothing more be typed.
  if (run.workflow?.steps.at(-1) === step) return;
  await submit(loop, {
    kind: 'checkpoint-seen',
    file: step.checkpoint,
    sha256: `${step.id}-${now}`,
    mtimeMs: now,
    gate: null,
  });
}

/** What is refused was asked for too early or too late, which is no fault. */
async function submit(loop: RunLoop, request: Request): Promise<void> {
  await loop.submit(request);
}

const WORDS = ['x', 'wait', 'what about the fixture', '\nand', 'no\n'] as const;
const DOORS = ['cli', 'mcp', 'key'] as const;

type Act = (stage: Stage, role: Role, pane: SharedPane) => void;

/** What somebody may do, with how often it is chosen. */
const ACTS: readonly (readonly [weight: number, act: Act])[] = [
  [
    6,
    ({ random }, _role, pane) => {
      pane.type(random.pick(WORDS), 'end');
    },
  ],
  [
    4,
    ({ random }, _role, pane) => {
      pane.type(random.pick(WORDS), 'front');
    },
  ],
  [
    3,
    (_stage, _role, pane) => {
      pane.backspace();
    },
  ],
  [
    3,
    (_stage, _role, pane) => {
      pane.clear();
    },
  ],
  [
    3,
    (_stage, _role, pane) => {
      pane.submit();
    },
  ],
  [
    1,
    (_stage, _role, pane) => {
      pane.read(true);
    },
  ],
  [
    2,
    (_stage, _role, pane) => {
      pane.read(false);
    },
  ],
  [2, ({ loop, random }, role) => void submit(loop, { kind: 'take', roles: [role], by: random.pick(DOORS) })],
  [4, ({ loop, random }, role) => void submit(loop, give([role], random.pick(DOORS)))],
  [1, ({ loop, random }) => void submit(loop, { kind: 'pause', by: random.pick(DOORS), why: 'asked to' })],
  [3, ({ loop, random }) => void submit(loop, { kind: 'resume', by: random.pick(DOORS), spareIds: {} })],
  [
    3,
    ({ loop, journal }, role) =>
      void submit(loop, { kind: 'message', role, line: `Note ${journal.length}`, file: null }),
  ],
];

const give = (roles: readonly string[], by: string): Request => ({ kind: 'give', roles, by, spareIds: {} });

function pick(random: Random): Act {
  let left = random.next() * ACTS.reduce((sum, [weight]) => sum + weight, 0);
  const [, act] = ACTS.find(([weight]) => (left -= weight) < 0) ?? random.pick(ACTS);
  return act;
}

/** Some come in bursts, as keys do, and some in the very moments in which something is typed. */
function schedule(stage: Stage): void {
  const { clock, random, loop } = stage;
  const act = (afterMs: number, role: Role): void => {
    const chosen = pick(random);
    void clock.sleep(afterMs).then(() => {
      if (clock.now() < stage.until) chosen(stage, role, stage.panes[role]);
    });
  };
  let at = random.int(0, 120);
  for (let left = random.int(0, 6); left > 0; left -= 1) {
    act(at, random.pick(ROLES));
    at += random.chance(0.6) ? random.int(0, 30) : random.int(30, 250);
  }
  let left = random.int(1, 6);
  loop.subscribe((run, events) => {
    for (const event of events) {
      const prompt = MOMENTS.has(event.kind) && 'prompt' in event ? event.prompt : null;
      const role = ROLES.find((each) => prompt !== null && each === run.prompts[prompt - 1]?.role);
      if (!role || left === 0 || !random.chance(0.5)) continue;
      left -= 1;
      act(random.int(0, 45), role);
    }
  });
}

const MOMENTS: ReadonlySet<string> = new Set(['prompt.wanted', 'prompt.intended', 'prompt.typed', 'prompt.entered']);

const isInDoubt = ({ trouble }: Prompt): boolean =>
  trouble?.outcome === 'indeterminate' || trouble?.outcome === 'typed_not_submitted';
/** Every prompt has come to its end, and what may follow from it has followed. */
const isOver = ({ loop, panes }: Stage): boolean =>
  ROLES.every((role) => openPrompts(loop.run(), role).length === 0 && panes[role].activity().kind === 'idle');

/** Asks, and lets the time pass that the answer takes. */
async function ask({ loop, clock }: Stage, request: Request): Promise<void> {
  const answered = loop.submit(request);
  await clock.pass(20);
  await answered;
}

/** The human is done: nothing of theirs is left, the panes are given back, and doubts are settled by what they see. */
async function letGo(stage: Stage): Promise<void> {
  for (let round = 0; round < 60; round += 1) {
    await ask(stage, { kind: 'resume', by: 'cli', spareIds: {} });
    for (const role of ROLES) await tidyUp(stage, role);
    await stage.clock.pass(200);
    // Twice: what a turn that is just over leads to comes a moment later.
    const isQuiet = isOver(stage);
    await stage.clock.pass(100);
    if (isQuiet && isOver(stage)) return;
  }
}

async function tidyUp(stage: Stage, role: Role): Promise<void> {
  const { loop, panes, clock, resent } = stage;
  const pane = panes[role];
  pane.read(false);
  const open = openPrompts(loop.run(), role)[0];
  if (!open || pane.hasDraft() || isInDoubt(open)) pane.clear();
  await clock.pass(100);
  await ask(stage, give([role], 'cli'));
  if (!open || !isInDoubt(open) || !pane.isEmpty()) return;
  const has = pane.taken.some((text) => text.includes(typedLine(open)));
  if (!has) resent.set(open.id, (resent.get(open.id) ?? 0) + 1);
  await ask(stage, { kind: 'settle-prompt', prompt: open.id, as: has ? 'delivered' : 'resend', by: 'cli' });
}

function judge(stage: Stage): void {
  const { loop, panes, faults, resent } = stage;
  const run = loop.run();
  if (!isOver(stage)) faults.push('it came to no end');
  faults.push(...unheeded(stage.journal));
  for (const role of ROLES) {
    faults.push(...panes[role].faults);
    for (const prompt of run.prompts.filter((each) => each.role === role && each.id > 2))
      judgePrompt(prompt, panes[role], { faults, resent: resent.get(prompt.id) ?? 0 });
  }
}

/** Writes that were begun in the journal while somebody held the pane or the run. */
function unheeded(journal: readonly Event[]): string[] {
  const held = new Set<string>();
  return journal.flatMap((event) => {
    if (event.kind === 'pane.taken') held.add(event.role);
    if (event.kind === 'pane.given') held.delete(event.role);
    if (event.kind === 'run.paused') held.add('');
    if (event.kind === 'run.resumed') held.delete('');
    if (event.kind !== 'prompt.intended' && event.kind !== 'prompt.entered') return [];
    const role = ROLES.find((each) => each === roleIn(journal, event.prompt)) ?? '';
    return held.has(role) || held.has('')
      ? [`${event.kind} of prompt ${event.prompt} was journaled while it was held`]
      : [];
  });
}

const roleIn = (journal: readonly Event[], prompt: number): string =>
  journal.flatMap((event) => (event.kind === 'prompt.wanted' && event.prompt === prompt ? [event.role] : []))[0] ??
  'lead';

function judgePrompt(
  prompt: Prompt,
  { pasted, taken }: SharedPane,
  { faults, resent }: { readonly faults: string[]; readonly resent: number },
): void {
  const line = typedLine(prompt);
  const typed = pasted.filter((text) => text === line).length;
  const got = taken.filter((text) => text.includes(line)).length;
  const said = (what: string): void =>
    void faults.push(`${line}: ${what} (typed ${typed}, taken ${got}, resent ${resent})`);
  if (typed > 1 + resent) said('typed twice');
  if (got > 1) said('taken twice');
  if (prompt.stage.kind === 'taken' && got === 0) said('told as taken, which it was not');
  if (prompt.stage.kind === 'withdrawn' && got > 0) said('withdrawn although it was taken');
  if (prompt.stage.kind !== 'withdrawn' && !hasArrived(prompt)) said(`lost: ${JSON.stringify(prompt.stage)}`);
}

function countsOf({ journal, panes }: Stage): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (name: string, n = 1): void => void (counts[name] = (counts[name] ?? 0) + n);
  for (const event of journal) {
    if (event.kind === 'pane.taken') add(`taken by ${event.how}`);
    else if (event.kind === 'prompt.held' || event.kind === 'prompt.stuck') add(`told ${event.outcome}`);
    else if (/^(pane|prompt|run)\./.test(event.kind)) add(event.kind);
  }
  for (const role of ROLES) for (const [name, n] of Object.entries(panes[role].counts)) add(name, n);
  return counts;
}
