import { readFile } from 'node:fs/promises';
import type { Event } from '../../src/core/event.ts';
import { checkpointText, type Product } from './product.ts';
import { until } from './wait.ts';

/** What a rehearsed role does when a prompt holds these words. */
export interface Cue {
  readonly role: string;
  readonly when: string;
  /** Thought about before the checkpoint, in ms; ten minutes, the most there is, are as good as never. */
  readonly thinkMs?: number;
  /** What it does before its checkpoint, as actions of a play. */
  readonly acts?: readonly object[];
  /** Checkpoint it writes; SUMMARY.md goes into the run's folder. */
  readonly file?: string;
}

export const write = (path: string, content: string): object => ({ write: { path, content } });
/** The least that a tester does to be believed: a test that fails until its file is there. */
export const redTest = write('tests/{feature}.test.mjs', "import '../src/{feature}.mjs';\n");
/** What makes it pass. */
export const greenCode = write('src/{feature}.mjs', 'export {};\n');

/** Comes first: the document that is read holds the words of the other cues. */
const BRIEFED = { when: '/roles\\/[a-z0-9-]+\\.md and follow it/', do: [{ say: 'WAITING: Ready for instructions' }] };

/** A play as text; roles without a cue take every prompt and do nothing. YAML reads JSON. */
export function playText(cues: readonly Cue[]): string {
  const roles = [...new Set(cues.map(({ role }) => role))];
  const rulesOf = (role: string) => cues.filter((cue) => cue.role === role).map(ruleOf);
  return JSON.stringify({
    name: 'test',
    roles: Object.fromEntries(roles.map((role) => [role, [BRIEFED, ...rulesOf(role)]])),
  });
}

function ruleOf({ role, when, thinkMs, acts = [], file }: Cue): object {
  const think = thinkMs === undefined ? [] : [{ think: { ms: thinkMs } }];
  const folder = file === 'SUMMARY.md' ? 'run' : 'checkpoints';
  const content = checkpointText('{feature}', role, 'All').replace('## Next', '## Findings\n- None\n\n## Next');
  const report = file === undefined ? [] : [{ checkpoint: { file, folder, content } }];
  return { when, do: [...think, ...acts, ...report] };
}

/** What the role was told, in order, without the marks of the prompts. */
export async function wordsTo(product: Product, feature: string, role: string): Promise<string[]> {
  return (await product.prompts(feature, role)).map(({ text }) => text.replace(/ \[tmops#\d+\]$/, ''));
}

/** Each look reads the whole journal. */
const READ_EVERY_MS = 50;

/** Waits for the journal of the present run to fit, without asking the supervisor anything. */
export function journaled<T>(
  product: Product,
  feature: string,
  what: string,
  look: (events: readonly Event[]) => T | undefined | null | false,
  withinMs = 15_000,
): Promise<T> {
  return until(`${feature}: ${what}`, async () => look(await product.events(feature)), {
    withinMs,
    everyMs: READ_EVERY_MS,
  });
}

/** A workflow in which one role after the other does its parts; `parts` in the order of the steps. JSON is YAML. */
export function partsWorkflow(name: string, parts: readonly string[]): string {
  const title = (role: string): string => role.replace(/^./, (letter) => letter.toUpperCase());
  const document = { instructions: '01_orchestrator.md' };
  const roles = [...new Set(parts)].map((role) => [role, { ...document, title: title(role) }] as const);
  const steps = parts.map((role, index) => ({
    id: `part-${index + 1}`,
    role,
    prompt: `Write part ${index + 1}`,
    checkpoint: partFile(index + 1),
  }));
  const summary = { id: 'summary', role: parts[0], prompt: 'Sum up', checkpoint: 'SUMMARY.md', kind: 'summary' };
  const reminder = '[CONTINUE]: {checkpoint} is not there yet';
  return JSON.stringify({ name, reminder, roles: Object.fromEntries(roles), steps: [...steps, summary] });
}

/** The checkpoint of the part with that number, beginning with 1. */
export const partFile = (part: number): string => `${part + 100}-part.md`;

export interface OpenStep {
  readonly step: string;
  readonly role: string;
  readonly file: string;
  readonly path: string;
}

/** The step that is open, once its prompt was accepted, or queued by an agent that still thinks about the one before. */
export async function openStep(product: Product, feature: string): Promise<OpenStep> {
  // What the journal holds is taken up a moment after it was written.
  const events = await product.events(feature);
  const done = new Set(events.flatMap((event) => (event.kind === 'step.completed' ? [event.step] : [])));
  const status = await product.reached(
    feature,
    'a step was prompted',
    ({ step, prompts }) =>
      !done.has(step ?? '') &&
      prompts.some(
        ({ purpose, outcome }) => purpose === `step ${step ?? ''}` && ['accepted', 'queued'].includes(outcome),
      ),
    12_000,
  );
  const { step, role, file } = status.checkpoints[status.stepNumber - 1] ?? { step: '', role: '', file: '' };
  return { step, role, file, path: product.path(feature, 'current', 'checkpoints', file) };
}

/** Waits until the step is done; gives when that was noted, in ms since the epoch. */
export const stepDone = (product: Product, feature: string, step: string): Promise<number> =>
  journaled(
    product,
    feature,
    `${step} is done`,
    (events) => events.find((event) => event.kind === 'step.completed' && event.step === step)?.at,
  );

/** Process ids of the supervisor and of the guard that starts it again. */
export async function watchersOf(product: Product): Promise<{ readonly supervisor: number; readonly guard: number }> {
  const supervisor = Number(await readFile(product.path('.supervisor', 'pid'), 'utf8'));
  return { supervisor, guard: await parentOf(supervisor) };
}

/** Process id of whoever started the process. */
export async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

export interface AgentState {
  readonly state: string;
  readonly pane: string | null;
  readonly session_id: string;
  readonly pid: number | null;
}

/** What `state.json` of the present run says of its agents. */
export async function agentsOf(product: Product, feature: string): Promise<Readonly<Record<string, AgentState>>> {
  const text = await readFile(product.path(feature, 'current', 'state.json'), 'utf8');
  return (JSON.parse(text) as { agents: Record<string, AgentState> }).agents;
}

/** Whether a process of that id is there and not a zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
}
