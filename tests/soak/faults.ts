import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { agentsOf, isAlive } from '../rig/flow.ts';
import { checkpointText } from '../rig/product.ts';
import type { Random } from '../rig/random.ts';
import { answerOf } from '../rig/troubles.ts';
import { ROLES, type Scene } from './features.ts';
import type { Corruption } from './figures.ts';
import { supervisorOf } from './world.ts';

/** A feature that is going, and a role of it. */
interface Aim extends Scene {
  readonly feature: string;
  readonly role: (typeof ROLES)[number];
  readonly random: Random;
  readonly corruptions: Corruption[];
}

interface Fault {
  readonly name: string;
  readonly weight: number;
  /** False when there was nobody to be disturbed. */
  make(aim: Aim): Promise<boolean>;
}

const FAULTS: readonly Fault[] = [
  { name: 'supervisor killed', weight: 1, make: async ({ product }) => kill(Number(await supervisorOf(product))) },
  {
    name: 'agent killed',
    weight: 3,
    async make({ product, killed, feature, role }) {
      const pid = (await agentsOf(product, feature).catch(() => null))?.[role]?.pid ?? null;
      if (pid === null || !(await isAlive(pid))) return false;
      killed.push({ feature, role, at: Date.now() });
      return kill(pid);
    },
  },
  { name: 'tmux server ended', weight: 0.7, make: ({ product }) => tmux(product, 'kill-server') },
  {
    name: 'session ended by a human',
    weight: 1,
    make: ({ product, feature }) => tmux(product, 'kill-session', '-t', `=tmops-${feature}`),
  },
  { name: 'checkpoint corrupted', weight: 3, make: (aim) => corrupt(aim) },
  { name: 'human typing, and handing back', weight: 2, make: (aim) => type(aim) },
  { name: 'slow agent', weight: 2, make: (aim) => told(aim, { do: 'work', ms: aim.random.int(1000, 4000) }) },
  { name: 'swallowed Enters', weight: 1, make: (aim) => told(aim, { do: 'swallow-enters', n: aim.random.int(1, 2) }) },
];

export const FAULT_NAMES: readonly string[] = FAULTS.map(({ name }) => name);

/** Makes one fault after the other, each kind once and then as it comes, until `signal` aborts. Gives how often each. */
export async function disturb(
  scene: Scene & { readonly corruptions: Corruption[] },
  random: Random,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const made = new Map<string, number>();
  const first = [...FAULTS];
  while (!signal.aborted) {
    await pause(random.int(1500, 5000), null, { signal }).catch(() => null);
    const going = [...scene.going];
    if (going.length === 0) continue;
    const fault = first.length > 0 ? random.pick(first) : pickFault(random);
    const aim = { ...scene, feature: random.pick(going), role: random.pick(ROLES), random };
    if (!(await fault.make(aim))) continue;
    first.splice(0, first.length, ...first.filter((each) => each !== fault));
    made.set(fault.name, (made.get(fault.name) ?? 0) + 1);
    scene.tell(`fault: ${fault.name} (${aim.feature} ${aim.role})`);
  }
  return made;
}

function pickFault(random: Random): Fault {
  let left = random.next() * FAULTS.reduce((sum, { weight }) => sum + weight, 0);
  return FAULTS.find(({ weight }) => (left -= weight) < 0) ?? random.pick(FAULTS);
}

function kill(pid: number): boolean {
  if (!(pid > 1)) return false;
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    return false;
  }
}

const tmux = ({ server }: Scene['product'], ...command: string[]): Promise<boolean> =>
  server.run(...command).then(
    () => true,
    () => false,
  );

const agentDir = ({ product, feature, role }: Aim): string => product.path(feature, 'runs', 'initial', 'agents', role);

/** One that is dead or not up yet cannot be told anything. */
const told = async (aim: Aim, verb: Readonly<Record<string, unknown>>): Promise<boolean> =>
  (await answerOf(agentDir(aim), verb)) !== null;

/** Leaves a draft for a moment, clears it away and says that the pane is free again. */
async function type(aim: Aim): Promise<boolean> {
  const { product, feature, role, random } = aim;
  const pane = (await agentsOf(product, feature).catch(() => null))?.[role]?.pane ?? null;
  if (pane === null || !(await tmux(product, 'send-keys', '-t', pane, '-l', '--', 'half a sentence that')))
    return false;
  await pause(random.int(300, 2000));
  await told(aim, { do: 'draft', text: '' });
  await product.cli('give', feature, role);
  return true;
}

const WRONG: readonly (readonly [string, (feature: string) => string | Buffer])[] = [
  ['malformed', () => 'nonsense\n'],
  ['empty', () => ''],
  ['binary', () => Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1, 2])],
  // A name that no feature here has: the refusal quotes it, and that is no mixing up.
  ['of another feature', () => checkpointText('not-of-here', 'Orchestrator', 'Tester')],
  ['no UTF-8', (feature) => Buffer.concat([Buffer.from(checkpointText(feature, 'A', 'B')), Buffer.from([0xff, 0xfe])])],
  ['huge', (feature) => checkpointText(feature, 'Tester', 'Tester') + 'x'.repeat(400_000)],
];

/** How long it is waited for a step to begin, in ms, and how young it has to be: later its own file may come at any moment. */
const BEGINS_WITHIN_MS = 20_000;
const YOUNG_MS = 400;

async function justBegun({
  product,
  going,
}: Aim): Promise<{ feature: string; step: string; file: string; seq: number } | null> {
  const deadline = Date.now() + BEGINS_WITHIN_MS;
  while (Date.now() < deadline) {
    for (const feature of going) {
      const events = await product.events(feature).catch(() => []);
      const began = events.findLast((event) => event.kind === 'step.began');
      const started = events.find((event) => event.kind === 'run.started');
      if (began?.kind !== 'step.began' || started?.kind !== 'run.started' || Date.now() - began.at > YOUNG_MS) continue;
      const step = started.workflow.steps.find(({ id }) => id === began.step);
      if (!step || !('checkpoint' in step) || step.checkpoint === 'SUMMARY.md') continue;
      return { feature, step: step.id, file: step.checkpoint, seq: events.at(-1)?.seq ?? 0 };
    }
    await pause(50);
  }
  return null;
}

const CAUGHT_WITHIN_MS = 30_000;

/** Puts a wrong file where the checkpoint of a step that has just begun belongs, while its role is at work on it. */
async function corrupt(aim: Aim): Promise<boolean> {
  const { product, random, corruptions } = aim;
  const begun = await justBegun(aim);
  if (begun === null) return false;
  const { feature, step, file, seq } = begun;
  const [what, make] = random.pick(WRONG);
  const path = product.path(feature, 'current', 'checkpoints', file);
  const content = Buffer.from(make(feature));
  await writeFile(path, content);
  const deadline = Date.now() + CAUGHT_WITHIN_MS;
  while (Date.now() < deadline) {
    const news = (await product.events(feature)).filter((event) => event.seq > seq);
    const isRefused = (): boolean =>
      news.some((event) => event.kind === 'checkpoint.refused' && event.fault.file === file);
    const isDone = news.some((event) => event.kind === 'step.completed' && event.step === step);
    const stands = (await readFile(path).catch(() => Buffer.of())).equals(content);
    // Its role was quicker: nobody has seen the wrong one, and the step is done by the right one.
    if (!isRefused() && !stands) return false;
    if (isRefused() || (isDone && stands)) {
      const caught = isRefused() && !(isDone && stands);
      corruptions.push({ feature, file: file, what, caught });
      return true;
    }
    await pause(50);
  }
  corruptions.push({ feature, file: file, what: `${what}: nobody said so`, caught: false });
  return true;
}
