import { systemClock } from '../../src/adapters/clock/clock.ts';
import { typedLine, type Prompt, type Run } from '../../src/core/run.ts';
import { keepFindings } from './findings.ts';
import { openEngine, ROLES, type Ending, type EngineRig, type Role } from './engine.ts';
import { makeMessage } from './messages.ts';
import { seeded, type Random } from './random.ts';
import { pickTrouble, stateOf, TROUBLES, type Trouble } from './troubles.ts';
import { recordsOf, verdictOn, type Made, type Verdict } from './verdict.ts';
import { until } from './wait.ts';

export interface Storm {
  readonly seed: number;
  /** How many messages are delivered at least, over all roles: they go on coming until every kind of trouble was made. */
  readonly prompts: number;
  /** The storm is broken off after this; whatever is then still under way counts as lost. */
  readonly withinMs: number;
}

const ENDINGS: readonly Ending[] = ['closed', 'crashed'];
const SLOW_START = 'slow start';
/** Every kind of trouble, as the verdict counts them: `trouble: <name>`. */
export const KINDS: readonly string[] = [
  ...TROUBLES.map(({ name }) => name),
  ...ENDINGS.map((ending) => `${ending} engine`),
  SLOW_START,
];

const { sleep: pause } = systemClock();

/** Messages of a role that may wait at once. */
const WAITING = 3;

/** When nothing at all is journaled for so long, nothing will come any more. */
const STILL_MS = 60_000;

/** A storm under way. */
interface Sea {
  readonly storm: Storm;
  readonly engine: EngineRig;
  readonly messages: Map<number, string>;
  readonly made: Made[];
  /** Aborts when no more trouble is to be made. */
  readonly calm: AbortController;
  /** Aborts when all is over. */
  readonly over: AbortController;
  /** Waits for a condition until the storm's time is up or it has failed elsewhere. */
  wait(what: string, isSo: () => boolean): Promise<void>;
}

/** Delivers messages under adversity and says what became of them. Throws an Error that names the seed. */
export async function weather(storm: Storm): Promise<Verdict> {
  const random = seeded(storm.seed);
  const made: Made[] = [];
  const engine = await openEngine({ slowStartMs: slowStarts(random.fork(), made) });
  const [told] = await Promise.allSettled([through(seaOf(storm, engine, made), random)]);
  const failed = told.status === 'rejected' || told.value.faults.length > 0 || engine.errors.length > 0;
  const findings = failed ? await keepFindings(engine, storm.seed, made) : '';
  const [ended] = await Promise.allSettled([engine.dispose()]);
  if (told.status === 'rejected')
    throw new Error(`The storm of seed ${storm.seed} broke off: ${String(told.reason)}\n${findings}`, {
      cause: told.reason,
    });
  if (ended.status === 'rejected')
    throw new Error(`The engine of seed ${storm.seed} did not end: ${String(ended.reason)}`, { cause: ended.reason });
  const faults = [...engine.errors, ...told.value.faults];
  return { ...told.value, faults: faults.length === 0 ? [] : [...faults, findings] };
}

/** The first agents are slow to start, and half of those that a later engine starts. */
function slowStarts(random: Random, made: Made[]): () => number {
  return () => {
    const isFirst = made.every(({ name }) => name !== SLOW_START);
    if (!isFirst && random.chance(0.5)) return 0;
    made.push({ name: SLOW_START, role: null, from: Date.now(), to: Date.now() });
    return random.int(50, 1200);
  };
}

function seaOf(storm: Storm, engine: EngineRig, made: Made[]): Sea {
  const over = new AbortController();
  const end = Date.now() + storm.withinMs;
  const last = { seq: 0, at: Date.now() };
  const isStill = (): boolean => {
    const { seq } = engine.run();
    if (seq !== last.seq) Object.assign(last, { seq, at: Date.now() });
    return Date.now() - last.at > STILL_MS;
  };
  const wait = async (what: string, isSo: () => boolean): Promise<void> => {
    const look = (): boolean => {
      if (isStill()) throw new Error(`Nothing has happened for ${STILL_MS} ms, and it waits until: ${what}`);
      return over.signal.aborted || isSo();
    };
    await until(what, look, { withinMs: Math.max(1, end - Date.now()) });
    if (over.signal.aborted) throw new Error(`Broken off while it waited until: ${what}`);
  };
  return { storm, engine, messages: new Map(), made, calm: new AbortController(), over, wait };
}

async function through(sea: Sea, random: Random): Promise<Verdict> {
  const { engine, storm, messages, made, calm, over, wait } = sea;
  await engine.start();
  const hands = dealt(random.fork());
  const endings = [...ENDINGS];
  const share = (index: number): number => Math.floor((storm.prompts + index) / ROLES.length);
  const isAllMade = (): boolean => endings.length === 0 && [...hands.values()].every((hand) => hand.length === 0);
  const storming = Promise.all([
    ...ROLES.map((role) => trouble(sea, role, random.fork(), hands.get(role) ?? [])),
    restarts(sea, random.fork(), endings),
  ]);
  const senders = ROLES.map((role, index) =>
    send(sea, role, random.fork(), (sent) => sent >= share(index) && isAllMade()),
  );
  const toTheEnd = async (): Promise<void> => {
    await Promise.all(senders);
    await wait('every message has come to its end', () =>
      [...messages.keys()].every((id) => !isOpen(engine.run(), id)),
    );
    calm.abort();
    await storming;
    await wait('every prompt has come to its end and every agent rests', () => isAtRest(engine.run()));
    over.abort();
  };
  const all = [toTheEnd(), storming, human(sea)];
  await Promise.all(all).finally(async () => {
    calm.abort();
    over.abort();
    // Nothing of the storm goes on behind the back of whoever clears up after it.
    await Promise.allSettled([...all, ...senders]);
  });
  return verdictOn(engine, messages, made);
}

/** Deals every kind of trouble once, to one role or another. */
function dealt(random: Random): ReadonlyMap<Role, Trouble[]> {
  const left = [...TROUBLES];
  const hands = new Map<Role, Trouble[]>(ROLES.map((role) => [role, []]));
  for (let turn = 0; left.length > 0; turn += 1) {
    const [card] = left.splice(random.int(0, left.length - 1), 1);
    const role = ROLES[turn % ROLES.length];
    if (card && role) hands.get(role)?.push(card);
  }
  return hands;
}

const isOpen = (run: Run, id: number): boolean => {
  const stage = run.prompts[id - 1]?.stage.kind;
  return stage !== 'taken' && stage !== 'delivered-by-hand';
};
const waiting = (run: Run, role: Role): number =>
  run.prompts.filter((prompt) => prompt.role === role && isOpen(run, prompt.id)).length;
const isAtRest = (run: Run): boolean =>
  run.prompts.every(({ id }) => !isOpen(run, id)) &&
  Object.values(run.agents).every(({ state }) => state.kind === 'idle');

async function send(
  { engine, messages, wait }: Sea,
  role: Role,
  random: Random,
  isEnough: (sent: number) => boolean,
): Promise<void> {
  for (let sent = 0; !isEnough(sent); sent += 1) {
    await wait(`the ${role} has taken all but ${WAITING}`, () => waiting(engine.run(), role) < WAITING);
    const text = makeMessage(random);
    messages.set(await engine.queue(role, text), text);
    if (random.chance(0.2)) await pause(random.int(0, 300));
  }
}

/** One trouble after the other around one role's pane: first those of `hand`, then as it comes. */
async function trouble({ engine, made, calm }: Sea, role: Role, random: Random, hand: Trouble[]): Promise<void> {
  for (;;) {
    await pause(random.int(30, 900), calm.signal);
    if (calm.signal.aborted) return;
    const pane = engine.run().agents[role]?.pane ?? null;
    if (pane === null) continue;
    const present = hand[0] ?? pickTrouble(random);
    const from = Date.now();
    if (!(await present.make({ engine, role, random, pane }))) continue;
    if (hand[0] === present) hand.shift();
    made.push({ name: present.name, role, from, to: Date.now() });
  }
}

/** The supervisor ends and comes back, politely or not: each way once, then as it comes. */
async function restarts({ engine, made, calm }: Sea, random: Random, first: Ending[]): Promise<void> {
  for (;;) {
    await pause(random.int(400, first.length > 0 ? 3000 : 6000), calm.signal);
    if (calm.signal.aborted) return;
    const how = first[0] ?? random.pick(['closed', 'crashed', 'crashed'] as const);
    const from = Date.now();
    await engine.restart(how);
    first.shift();
    made.push({ name: `${how} engine`, role: null, from, to: Date.now() });
  }
}

/** Somebody who reads the status and does what it says. */
async function human({ engine, made, over }: Sea): Promise<void> {
  while (!over.signal.aborted) {
    await pause(200, over.signal);
    const { agents, prompts } = engine.run();
    if (Object.values(agents).some((agent) => agent.state.kind === 'failed')) {
      await engine.start();
      made.push({ name: 'started again', role: null, from: Date.now(), to: Date.now() });
    }
    for (const prompt of prompts) if (inDoubt(prompt)) await settle(engine, prompt);
  }
}

const DOUBTFUL: ReadonlySet<string> = new Set(['indeterminate', 'typed_not_submitted']);
/** What clears up by itself does so within this. */
const DOUBT_LASTS_MS = 1500;

const inDoubt = (prompt: Prompt): boolean =>
  prompt.trouble !== null && DOUBTFUL.has(prompt.trouble.outcome) && Date.now() - prompt.trouble.since > DOUBT_LASTS_MS;

/** Looks at the pane: what stands in the box is taken out of it; what the agent has is marked, what it has not is sent again. */
async function settle(engine: EngineRig, prompt: Prompt): Promise<void> {
  const { id } = prompt;
  const role = ROLES.find((each) => each === prompt.role);
  if (role === undefined) return;
  await stateOf({ engine, role }, { do: 'draft', text: '' });
  const taken = (await recordsOf(engine, role)).taken.some(({ text }) => text.startsWith(typedLine(prompt)));
  const still = engine.run().prompts[id - 1];
  if (!still || !inDoubt(still)) return;
  const as = taken ? 'delivered' : 'resend';
  try {
    await engine.ask({ kind: 'settle-prompt', prompt: id, as, by: 'the test' });
  } catch (error) {
    // It cleared up while we looked.
    if (!String(error).includes('prompt-not-in-doubt')) throw error;
  }
}
