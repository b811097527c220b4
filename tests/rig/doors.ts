import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { classifyRehearsal } from '../../src/adapters/agents/rehearsal-screen.ts';
import { version } from '../../src/compose/package.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import type { Event } from '../../src/core/event.ts';
import { evolve } from '../../src/core/evolve.ts';
import { hasArrived, holderOf, newRun, openPrompts, typedLine, type Prompt, type Run } from '../../src/core/run.ts';
import type { Screen } from '../../src/core/screen.ts';
import { connectLink, type Link } from '../../src/link/client.ts';
import { openStep, partFile, partsWorkflow, playText } from './flow.ts';
import { growing, type Growing } from './growing.ts';
import { attachHuman, type Human } from './human.ts';
import { linesOf, parseLines } from './json-lines.ts';
import { checkpointText, openProduct, type Product } from './product.ts';
import { seeded, type Random } from './random.ts';
import { ARRIVED_MS, isRecent, judgeSubmitted, type Word } from './submitted.ts';
import { until } from './wait.ts';

export interface DoorsVerdict {
  /** Everything that must not happen and did, in words; empty when all is well. */
  readonly faults: readonly string[];
  /** What happened, counted. */
  readonly counts: Readonly<Record<string, number>>;
}

const FEATURE = 'doors';
const ROLES = ['writer', 'checker'] as const;
type Role = (typeof ROLES)[number];

/** Whose the part is. */
const roleOf = (part: number): Role => (part % 2 === 1 ? 'writer' : 'checker');

/** For so long everybody acts at random in a round, in ms; then the human lets go. */
const STORM_MS = 350;
/** How long a round may take to come to its end. */
const ROUND_MS = 20_000;
/** How often the screen of the human and the records are read, in ms. */
const LOOK_MS = 5;
/** A write that was begun before a hold is through by then, in ms. */
const THROUGH_MS = 100;

/** A prompt that an agent took. */
interface Taken {
  readonly at: number;
  readonly text: string;
  readonly as: string;
}

/** What is known of one role's pane beside the journal. */
interface Pane {
  readonly role: Role;
  readonly id: string;
  readonly bytes: Growing;
  /** When the human pressed Enter in it, or took a character away, in ms since the epoch. */
  readonly enters: number[];
  readonly deletions: number[];
  /** When its bytes were read last, in ms since the epoch. */
  readAt: number;
}

interface Stage {
  readonly product: Product;
  readonly random: Random;
  readonly link: Link;
  readonly journal: Growing;
  readonly panes: Readonly<Record<Role, Pane>>;
  readonly words: Word[];
  readonly faults: string[];
  readonly counts: Record<string, number>;
  readonly events: Event[];
  run: Run;
  human: Human;
  /** The pane that has the human's keys. */
  front: Role;
}

/** Plays so many rounds on real tmux, in each of which three doors act at once, and says what came of it. */
export async function throughDoors(seed: number, rounds: number): Promise<DoorsVerdict> {
  const parts = Array.from({ length: rounds + 1 }, (_, index) => roleOf(index + 1));
  const workflow = { ...(JSON.parse(partsWorkflow(FEATURE, parts)) as object), reminders: 0 };
  const play = playText(
    ROLES.flatMap((role) => [
      { role, when: 'Note', thinkMs: 120 },
      { role, when: 'Write part', thinkMs: 40 },
    ]),
  );
  const product = await openProduct({
    play: 'tools/play.yaml',
    files: { 'tools/play.yaml': play, 'tools/doors.yaml': JSON.stringify(workflow) },
    config: `features: {concurrent_limit: 20, default_phases: [${ROLES.join(', ')}]}
workflow: tools/doors.yaml
evidence: {enabled: false}
human: {hand_back_after: never}`,
  });
  let stage: Stage | null = null;
  try {
    stage = await openStage(product, seeded(seed));
    for (let round = 1; round <= rounds; round += 1) await playRound(stage, round);
    await judge(stage);
    return { faults: stage.faults, counts: stage.counts };
  } finally {
    stage?.link.close();
    await stage?.human.leave();
    await product.dispose();
  }
}

async function openStage(product: Product, random: Random): Promise<Stage> {
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
  await openStep(product, FEATURE);
  const place = socketOfWorkspace(product.repo.root);
  if (!place.ok) throw new Error('The workspace has no place for a socket');
  const connected = await connectLink(place.socketPath, version);
  if (!connected.ok) throw new Error(`No link to the supervisor: ${JSON.stringify(connected.fault)}`);
  const listed = await product.server.run('list-panes', '-a', '-F', '#{@tmops_role} #{pane_id}');
  const ids = new Map(listed.split('\n').map((line) => line.split(' ') as [string, string]));
  const paneOf = (role: Role): Pane => ({
    role,
    id: ids.get(role) ?? '',
    bytes: growing(product.path(FEATURE, 'current', 'agents', role, 'rehearsal', 'bytes.log')),
    enters: [],
    deletions: [],
    readAt: 0,
  });
  return {
    product,
    random,
    link: connected.link,
    journal: growing(product.path(FEATURE, 'current', 'journal.jsonl')),
    panes: { writer: paneOf('writer'), checker: paneOf('checker') },
    words: [],
    faults: [],
    counts: {},
    events: [],
    run: newRun,
    human: await attach(product),
    front: 'writer',
  };
}

const SIZE = { cols: 130, rows: 40 };

async function attach({ server }: Product): Promise<Human> {
  const human = attachHuman(server, `tmops-${FEATURE}`, SIZE);
  await until('the session is drawn', () => human.drawn().includes(`[tmops-${FEATURE}]`));
  return human;
}

/** Takes up what was journaled since. Gives the new events. */
async function follow(stage: Stage): Promise<Event[]> {
  const at = stage.journal.text().lastIndexOf('\n') + 1;
  await stage.journal.more();
  const all = stage.journal.text();
  const lines = Buffer.from(all.slice(at, all.lastIndexOf('\n') + 1), 'latin1').toString();
  const fresh = parseLines<Event>(lines);
  for (const event of fresh) {
    if (event.kind === 'prompt.intended' || event.kind === 'prompt.entered') expectFree(stage, event);
    stage.run = evolve(stage.run, event);
    stage.events.push(event);
  }
  return fresh;
}

/** No write of the journal begins in a pane that a human holds, or while the run is paused. */
function expectFree(
  { run, faults }: Stage,
  event: Extract<Event, { kind: 'prompt.intended' | 'prompt.entered' }>,
): void {
  const role = run.prompts[event.prompt - 1]?.role ?? '';
  if (holderOf(run, role).kind === 'human') faults.push(`event ${event.seq}: ${event.kind} in a pane that was held`);
  if (run.paused) faults.push(`event ${event.seq}: ${event.kind} in a run that was paused`);
}

const PASTE = '\x1b[200~';

interface Glance {
  readonly pane: Pane;
  /** Nothing that is told here arrived before this, in ms since the epoch. */
  readonly from: number;
  readonly isPasted: boolean;
}

/** What arrived in the panes since the last look. To be judged by what is in the journal afterwards. */
async function glance({ panes }: Stage): Promise<Glance[]> {
  const glances: Glance[] = [];
  for (const pane of Object.values(panes)) {
    const from = pane.readAt;
    pane.readAt = Date.now();
    const before = pane.bytes.text().slice(1 - PASTE.length);
    glances.push({ pane, from, isPasted: (before + (await pane.bytes.more())).includes(PASTE) });
  }
  return glances;
}

/** Nothing is pasted into a pane that was held a while before and still is. The human of this play pastes nothing. */
function expectUntouched({ run, faults }: Stage, glances: readonly Glance[]): void {
  for (const { pane, from, isPasted } of glances) {
    const holder = holderOf(run, pane.role);
    if (isPasted && holder.kind === 'human' && holder.since < from - THROUGH_MS)
      faults.push(`something was typed into the pane of the ${pane.role} while a human held it`);
  }
}

const countOf = (all: string, part: string): number => all.split(part).length - 1;

function watchScreen({ human, words }: Stage): void {
  const hidden = words.filter(({ shownAt, typedAt }) => shownAt === null && Date.now() - typedAt < 5 * ARRIVED_MS);
  if (hidden.length === 0) return;
  const drawn = human.drawn();
  for (const word of hidden) if (drawn.includes(word.text)) word.shownAt = Date.now();
}

/** Takes up all that there is to be seen. Gives what was journaled since. */
async function lookAround(stage: Stage): Promise<Event[]> {
  const glances = await glance(stage);
  const fresh = await follow(stage);
  expectUntouched(stage, glances);
  watchScreen(stage);
  return fresh;
}

type Act = (stage: Stage) => unknown;

const call = async ({ link, product, random, counts }: Stage, op: string, input: object): Promise<boolean> => {
  const door = random.pick(['cli', 'mcp', 'socket'] as const);
  const { ok } = await link.call(op, { feature: FEATURE, ...input }, { door, cwd: product.repo.root });
  count(counts, `${op} (${ok ? 'done' : 'refused'})`);
  return ok;
};

const count = (counts: Record<string, number>, name: string): void => void (counts[name] = (counts[name] ?? 0) + 1);

/** What somebody may do, with how often it is chosen. */
const KEYS: readonly (readonly [weight: number, act: Act])[] = [
  [8, (stage) => { typeWord(stage, ''); }],
  // In front of what stands there.
  [3, (stage) => { typeWord(stage, '\x01'); }],
  [3, (stage) => { remove(stage, '\x7f'.repeat(stage.random.int(1, 6))); }],
  [1, (stage) => { remove(stage, '\x05\x15'); }],
  [2, (stage) => { pressEnter(stage); }],
  [2, ({ human }) => { human.type('\x02['); }],
  [2, ({ human, random }) => { human.resize(SIZE.cols + random.int(0, 1), SIZE.rows); }],
]; // prettier-ignore
const COMMANDS: readonly (readonly [weight: number, act: Act])[] = [
  [4, (stage) => call(stage, 'take', { role: stage.random.pick(ROLES) })],
  [4, (stage) => call(stage, 'give', { role: stage.random.pick(ROLES) })],
  [2, (stage) => call(stage, 'pause', {})],
  [3, (stage) => call(stage, 'resume', {})],
  [1, ({ product, random }) => product.cli(random.pick(['take', 'give']), FEATURE, random.pick(ROLES))],
];

function choose(random: Random, acts: typeof KEYS): Act {
  let left = random.next() * acts.reduce((sum, [weight]) => sum + weight, 0);
  const [, act] = acts.find(([weight]) => (left -= weight) < 0) ?? random.pick(acts);
  return act;
}

function typeWord({ human, words }: Stage, before: string): void {
  const text = `w${words.length}x`;
  words.push({ text, typedAt: Date.now(), shownAt: null });
  human.type(`${before}${text} `);
}

function remove({ human, panes, front }: Stage, keys: string): void {
  panes[front].deletions.push(Date.now());
  human.type(keys);
}

function pressEnter({ human, panes, front, counts }: Stage): void {
  panes[front].enters.push(Date.now());
  count(counts, 'Enter of the human');
  human.type('\r');
}

const message: Act = (stage) => {
  count(stage.counts, 'messages');
  const text = `Note ${stage.counts['messages'] ?? 0}`;
  return call(stage, 'message', { role: stage.random.pick(ROLES), text, waitMs: 0 });
};

/** In these moments of a write somebody acts more often than chance would have it. */
const MOMENTS: ReadonlySet<string> = new Set(['prompt.wanted', 'prompt.intended', 'prompt.typed', 'prompt.entered']);

async function playRound(stage: Stage, round: number): Promise<void> {
  const { product, random, counts } = stage;
  if (random.chance(0.2)) await comeAnew(stage);
  await goTo(stage, random.pick(ROLES));
  const file = partFile(round);
  const doings: Promise<unknown>[] = [];
  const act = (afterMs: number, doing: Act): void => {
    doings.push(pause(afterMs).then(() => doing(stage)));
  };
  act(random.int(0, STORM_MS / 2), () =>
    product.put(FEATURE, `checkpoints/${file}`, checkpointText(FEATURE, roleOf(round), 'All')),
  );
  for (let left = random.int(1, 3); left > 0; left -= 1) act(random.int(0, STORM_MS / 2), message);
  for (let left = random.int(0, 4); left > 0; left -= 1) act(random.int(0, STORM_MS), choose(random, COMMANDS));
  // Keys come in bursts.
  let at = random.int(0, 200);
  for (let left = random.int(0, 6); left > 0 && at < STORM_MS; left -= 1) {
    act(at, choose(random, KEYS));
    at += random.chance(0.6) ? random.int(0, 30) : random.int(30, 200);
  }
  let aimed = random.int(0, 3);
  const end = Date.now() + STORM_MS;
  while (Date.now() < end) {
    for (const event of await lookAround(stage)) {
      if (aimed === 0 || !MOMENTS.has(event.kind) || !random.chance(0.5)) continue;
      aimed -= 1;
      act(random.int(0, 30), choose(random, random.chance(0.8) ? KEYS : COMMANDS));
    }
    await pause(LOOK_MS);
  }
  await Promise.all(doings);
  count(counts, 'rounds');
  await letGo(stage, round);
}

/** Detaches and attaches. */
async function comeAnew(stage: Stage): Promise<void> {
  stage.human.type('\x02d');
  await stage.human.leave();
  stage.human = await attach(stage.product);
  count(stage.counts, 'attached anew');
}

async function goTo(stage: Stage, role: Role): Promise<void> {
  await stage.product.server.run('select-pane', '-t', stage.panes[role].id);
  stage.front = role;
}

const isInDoubt = ({ trouble }: Prompt): boolean =>
  trouble?.outcome === 'indeterminate' || trouble?.outcome === 'typed_not_submitted';

/** The round's checkpoint counts, what it leads to was taken, and nobody works or waits. */
const isOver = ({ run }: Stage, round: number): boolean =>
  run.done[`part-${round}`] !== undefined &&
  run.paused === null &&
  run.prompts.some(
    (prompt) =>
      prompt.purpose.kind === 'step' && prompt.purpose.step === `part-${round + 1}` && prompt.stage.kind !== 'wanted',
  ) &&
  ROLES.every(
    (role) =>
      openPrompts(run, role).length === 0 &&
      holderOf(run, role).kind === 'auto' &&
      run.agents[role]?.state.kind === 'idle',
  );

/** The human is done: nothing of theirs is left, the panes are given back, and doubts are settled by what they see. */
async function letGo(stage: Stage, round: number): Promise<void> {
  const deadline = Date.now() + ROUND_MS;
  while (Date.now() < deadline) {
    await follow(stage);
    if (stage.run.paused) await call(stage, 'resume', {});
    for (const role of ROLES) await tidyUp(stage, role);
    const soon = Date.now() + 250;
    while (Date.now() < soon) {
      await lookAround(stage);
      if (isOver(stage, round)) return;
      await pause(LOOK_MS);
    }
  }
  const states = ROLES.map((role) => stage.run.agents[role]?.state);
  const story = stage.events.slice(-40).map((event) => JSON.stringify(event));
  throw new Error(`Round ${round} came to no end: ${JSON.stringify(states)}\n${story.join('\n')}`);
}

async function tidyUp(stage: Stage, role: Role): Promise<void> {
  const { server } = stage.product;
  const { id } = stage.panes[role];
  const open = openPrompts(stage.run, role)[0];
  const holder = holderOf(stage.run, role);
  if (!open && holder.kind === 'auto') return;
  const isRead = async (): Promise<boolean> =>
    (await server.run('display-message', '-p', '-t', id, '#{pane_in_mode}')) === '1';
  if (await isRead()) {
    await goTo(stage, role);
    stage.human.type('q');
    await until('copy mode is left', async () => !(await isRead()));
  }
  const draft = draftOf(await screenOf(stage, role));
  const isOurs = open !== undefined && squeezed(draft) === squeezed(typedLine(open));
  if (draft !== '' && (!isOurs || isInDoubt(open))) {
    await goTo(stage, role);
    remove(stage, '\x05\x15');
    await until('the draft is gone', async () => draftOf(await screenOf(stage, role)) !== draft);
  }
  await follow(stage);
  if (holderOf(stage.run, role).kind === 'human') await call(stage, 'give', { role });
  if (open) await settleDoubt(stage, role, open.id);
}

/** As a human would who looks at the pane: what is not in the composer and was not taken is asked for again. */
async function settleDoubt(stage: Stage, role: Role, id: number): Promise<void> {
  await follow(stage);
  const open = openPrompts(stage.run, role).find((prompt) => prompt.id === id);
  if (!open || !isInDoubt(open) || draftOf(await screenOf(stage, role)) !== '') return;
  const has = (await takenBy(stage, role)).some(({ text }) => text.includes(typedLine(open)));
  await call(stage, 'settle', { prompt: id, as: has ? 'delivered' : 'resend' });
}

const screenOf = async ({ product, panes }: Stage, role: Role): Promise<Screen> =>
  classifyRehearsal(await product.server.run('capture-pane', '-p', '-e', '-t', panes[role].id));

const draftOf = (screen: Screen): string =>
  screen.kind === 'composer' || screen.kind === 'composer-mode' ? screen.draft : '';
const squeezed = (text: string): string => text.replaceAll(/\s+/g, '');

async function takenBy({ product }: Stage, role: Role): Promise<Taken[]> {
  const folder = product.path(FEATURE, 'current', 'agents', role, 'rehearsal');
  return linesOf<Taken>(join(folder, 'prompts.jsonl'));
}

/** Compares what the journal says with what the agents have. */
async function judge(stage: Stage): Promise<void> {
  const { run, counts, events } = stage;
  await follow(stage);
  for (const { kind } of events) if (/^(pane|prompt|run)\./.test(kind)) count(counts, kind);
  counts['words'] = stage.words.length;
  counts['words seen on the screen'] = stage.words.filter(({ shownAt }) => shownAt !== null).length;
  for (const role of ROLES) {
    const taken = await takenBy(stage, role);
    await stage.panes[role].bytes.more();
    for (const prompt of run.prompts.filter((each) => each.role === role)) judgePrompt(stage, prompt, taken);
    for (const each of taken) judgeTaken(stage, role, each);
  }
}

/** Its line was taken exactly once, if it was to be, and typed no more often than the journal knows. */
function judgePrompt({ panes, events, faults }: Stage, prompt: Prompt, taken: readonly Taken[]): void {
  const line = typedLine(prompt);
  const got = taken.filter(({ text }) => text.includes(line)).length;
  const bytes = prompt.role === 'writer' ? panes.writer.bytes.text() : panes.checker.bytes.text();
  const raw = Buffer.from(line).toString('latin1');
  const pastes = countOf(bytes, `${PASTE}${raw}\x1b[201~`);
  const own = events.filter((event) => 'prompt' in event && event.prompt === prompt.id);
  const intended = own.filter(({ kind }) => kind === 'prompt.intended').length;
  const again = own.filter(({ kind }) => kind === 'prompt.reopened' || kind === 'prompt.settled').length;
  const said = (what: string): void => void faults.push(`${line} (${prompt.role}, ${prompt.stage.kind}): ${what}`);
  if (hasArrived(prompt) ? got !== 1 : got !== 0) said(`taken ${got} times`);
  if (prompt.stage.kind !== 'withdrawn' && !hasArrived(prompt)) said('lost');
  if (countOf(bytes, raw) !== pastes) said('part of it came outside of a paste');
  if (pastes > intended) said(`pasted ${pastes} times, journaled ${intended} times before`);
  if (intended > again + 1) said(`typed ${intended} times, given up only ${again} times`);
}

/** What our Enter submits is our line, and at most what the human's terminal did not show by then. */
function judgeTaken(stage: Stage, role: Role, { at, text }: Taken): void {
  const { run, panes, words, counts, faults } = stage;
  const { enters, deletions } = panes[role];
  if (run.prompts.some((prompt) => prompt.role === role && typedLine(prompt) === text)) {
    count(counts, 'lines taken alone');
  } else if (enters.some((time) => isRecent(time, at))) {
    const isOurs = run.prompts.some((prompt) => text.includes(typedLine(prompt)));
    count(counts, isOurs ? 'lines the human sent along' : 'prompts of the human');
  } else {
    const fault = judgeSubmitted({ at, text, journaledAt: pressedFor(stage, text, at), deletions, words });
    if (fault === null) count(counts, 'keys that met our Enter on its way');
    else faults.push(`${role}: ${fault}`);
  }
}

/** The Enter that submitted the text at that time was not pressed before it was journaled, in ms since the epoch. */
function pressedFor({ run, events }: Stage, text: string, at: number): number {
  const prompt = run.prompts.find((each) => text.includes(typedLine(each)));
  const entered = events.findLast(
    (event) => event.kind === 'prompt.entered' && event.prompt === prompt?.id && event.at <= at,
  );
  return entered?.at ?? 0;
}
