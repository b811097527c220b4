import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import type { Prompt, Run } from '../../src/core/run.ts';
import { openEngine, ROLES, type EngineRig, type Role } from './engine.ts';
import { makeMessage } from './messages.ts';
import { seeded, type Random } from './random.ts';
import { pickTrouble, stateOf } from './troubles.ts';
import { recordsOf, verdictOn, type Made, type Verdict } from './verdict.ts';
import { until } from './wait.ts';

export interface Storm {
  readonly seed: number;
  /** How many messages are delivered, over all roles. */
  readonly prompts: number;
  /** The storm is broken off after this; whatever is then still under way counts as lost. */
  readonly withinMs: number;
}

const { sleep: pause } = systemClock();

/** Messages of a role that may wait at once. */
const WAITING = 3;

/** Delivers messages under adversity and says what became of them. Throws an Error that names the seed. */
export async function weather(storm: Storm): Promise<Verdict> {
  const random = seeded(storm.seed);
  const slow = random.fork();
  const engine = await openEngine({ slowStartMs: () => (slow.chance(0.5) ? slow.int(50, 1200) : 0) });
  try {
    await engine.start();
    return await through(engine, storm, random);
  } catch (error) {
    const kept = await keep(storm, engine, []);
    throw new Error(
      `The storm of seed ${storm.seed} broke off (${kept}): ${String(error)}\n${openOnes(engine.run())}`,
      {
        cause: error,
      },
    );
  } finally {
    await engine.dispose();
  }
}

async function through(engine: EngineRig, storm: Storm, random: Random): Promise<Verdict> {
  const messages = new Map<number, string>();
  const made: Made[] = [];
  const [calm, over] = [new AbortController(), new AbortController()];
  const end = Date.now() + storm.withinMs;
  const left = (): { withinMs: number } => ({ withinMs: Math.max(1, end - Date.now()) });
  const share = (index: number): number => Math.floor((storm.prompts + index) / ROLES.length);
  const storming = Promise.all([
    ...ROLES.map((role) => trouble(engine, role, random.fork(), made, calm.signal)),
    restarts(engine, random.fork(), made, calm.signal),
  ]);
  const watching = human(engine, made, over.signal);
  const senders = ROLES.map((role, index) => send(engine, role, share(index), random.fork(), messages, left));
  const toTheEnd = async (): Promise<void> => {
    await Promise.all(senders);
    await until('every message has come to its end', () => [...messages.keys()].every(isClosed(engine)), left());
    calm.abort();
    await storming;
    await until('every prompt has come to its end and every agent rests', () => isAtRest(engine), left());
    over.abort();
  };
  await Promise.all([toTheEnd(), storming, watching]).finally(() => {
    calm.abort();
    over.abort();
  });
  const verdict = await verdictOn(engine, messages, made);
  if (verdict.faults.length === 0) return verdict;
  return { ...verdict, faults: [...verdict.faults, `all of it: ${await keep(storm, engine, made)}`] };
}

const isClosed =
  (engine: EngineRig) =>
  (id: number): boolean =>
    !isOpen(engine.run(), id);

function isAtRest(engine: EngineRig): boolean {
  const { prompts, agents } = engine.run();
  return (
    prompts.every(({ id }) => isClosed(engine)(id)) && Object.values(agents).every(({ state }) => state.kind === 'idle')
  );
}

/** Leaves the journal and the troubles where they can be read after the test. Gives the file. */
async function keep({ seed }: Storm, engine: EngineRig, made: readonly Made[]): Promise<string> {
  const folder = fileURLToPath(new URL('../../node_modules/.cache/tmops-tests', import.meta.url));
  await mkdir(folder, { recursive: true });
  const file = join(folder, `storm-${seed}.json`);
  await writeFile(file, JSON.stringify({ made, events: await engine.events() }));
  return file;
}

async function send(
  engine: EngineRig,
  role: Role,
  count: number,
  random: Random,
  messages: Map<number, string>,
  left: () => { withinMs: number },
): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    await until(`${role} has taken all but ${WAITING}`, () => waiting(engine.run(), role) < WAITING, left());
    const text = makeMessage(random);
    messages.set(await engine.queue(role, text), text);
    if (random.chance(0.2)) await pause(random.int(0, 300));
  }
}

const isOpen = (run: Run, id: number): boolean => {
  const stage = run.prompts[id - 1]?.stage.kind;
  return stage !== 'taken' && stage !== 'delivered-by-hand';
};
const waiting = (run: Run, role: Role): number =>
  run.prompts.filter((prompt) => prompt.role === role && isOpen(run, prompt.id)).length;

/** One trouble after the other around one role's pane. */
async function trouble(engine: EngineRig, role: Role, random: Random, made: Made[], over: AbortSignal): Promise<void> {
  for (;;) {
    await pause(random.int(30, 900), over);
    if (over.aborted) return;
    const pane = engine.run().agents[role]?.pane ?? null;
    if (pane === null) continue;
    const { name, make } = pickTrouble(random);
    const from = Date.now();
    await make({ engine, role, random, pane });
    made.push({ name, role, from, to: Date.now() });
  }
}

/** The supervisor ends and comes back, politely or not. */
async function restarts(engine: EngineRig, random: Random, made: Made[], over: AbortSignal): Promise<void> {
  for (;;) {
    await pause(random.int(400, 6000), over);
    if (over.aborted) return;
    const how = random.pick(['closed', 'crashed', 'crashed'] as const);
    const from = Date.now();
    await engine.restart(how);
    made.push({ name: `${how} engine`, role: null, from, to: Date.now() });
  }
}

/** Somebody who reads the status and does what it says. */
async function human(engine: EngineRig, made: Made[], over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await pause(200, over);
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
async function settle(engine: EngineRig, { id, role: name }: Prompt): Promise<void> {
  const role = ROLES.find((each) => each === name);
  if (role === undefined) return;
  await stateOf({ engine, role }, { do: 'draft', text: '' });
  const taken = (await recordsOf(engine, role)).taken.some((each) => each.text.endsWith(`[tmops#${id}]`));
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

function openOnes({ prompts, agents }: Run): string {
  const open = prompts.filter(({ stage }) => stage.kind !== 'taken' && stage.kind !== 'delivered-by-hand');
  const states = Object.values(agents).map(({ role, state, generation }) => `${role} ${generation} ${state.kind}`);
  return [...states, ...open.map((prompt) => JSON.stringify(prompt))].join('\n').slice(0, 8000);
}
