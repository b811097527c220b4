import { decide } from '../../src/core/decide.ts';
import type { Event, Fact, Identity, Settings } from '../../src/core/event.ts';
import { evolve } from '../../src/core/evolve.ts';
import type { Request } from '../../src/core/request.ts';
import { newRun, type Run } from '../../src/core/run.ts';
import { workflowSchema, type Workflow } from '../../src/core/workflow.ts';

/** A pure run for tests of the core: time goes on by a second with each request. */
export interface Story {
  run: Run;
  events: Event[];
  at: number;
}

export const T0 = 1_700_000_000_000;

export const identity: Identity = {
  workspaceId: 'w1',
  feature: 'auth-api',
  run: 'initial',
  runType: 'initial',
  branch: 'feature/auth-api',
  worktree: '/w/auth-api',
  base: null,
};

export const settings: Settings = {
  session: 'tmops-auth-api',
  layout: 'quad',
  provider: 'rehearsal',
  instructions: 'typed',
  silentAfterMs: 1_800_000,
  socket: null,
  handBackAfterMs: 120_000,
  limitRetryMs: 900_000,
  evidence: false,
  baseline: 'required',
};

const role = (title: string, required = false) => ({ title, instructions: `${title}.md`, required });

/** Three steps between two roles: enough for a star. */
export const small: Workflow = workflowSchema.parse({
  name: 'small',
  reminder: '[CONTINUE]: {checkpoint} is missing',
  reminders: 2,
  correction: '[CORRECTION]: {file}, then {checkpoint}',
  tests: ['test/**'],
  roles: { lead: role('Lead', true), worker: role('Worker') },
  steps: [
    { id: 'plan', role: 'lead', prompt: '[BEGIN]: Plan {feature}', checkpoint: '001-plan.md' },
    { id: 'work', role: 'worker', prompt: '[BEGIN]: Work', checkpoint: '002-work.md' },
    { id: 'close', role: 'lead', prompt: '[CONFIRMED]: {previous} has completed', checkpoint: '003-close.md' },
  ],
});

export const begin = (): Story => ({ run: newRun, events: [], at: T0 });

/** Puts a request to the run and keeps what came of it. Gives the facts; throws on a refusal. */
export function put(story: Story, request: Request): Fact[] {
  story.at += 1000;
  const decision = decide(story.run, request, story.at);
  if (!decision.ok) throw new Error(`refused: ${JSON.stringify(decision.refusal)}`);
  for (const fact of decision.facts) {
    const event: Event = { ...fact, seq: story.run.seq + 1, at: story.at };
    story.run = evolve(story.run, event);
    story.events.push(event);
  }
  return [...decision.facts];
}

export const kinds = (facts: readonly Fact[]): string[] => facts.map((fact) => fact.kind);

export const spareIds = (workflow: Workflow): Record<string, string> =>
  Object.fromEntries(Object.keys(workflow.roles).map((name, index) => [name, `id-${name}-${index}`]));

/** A started run whose agents are up and idle, before the survey. */
export function started(workflow: Workflow = small, over: Partial<Settings> = {}): Story {
  const story = begin();
  put(story, { kind: 'initialise', identity });
  put(story, { kind: 'start', by: 'cli', workflow, settings: { ...settings, ...over }, spareIds: spareIds(workflow) });
  for (const [index, name] of Object.keys(workflow.roles).entries()) {
    put(story, { kind: 'agent-placed', role: name, generation: 1, pane: `%${index}` });
    put(story, { kind: 'agent-process', role: name, generation: 1, pid: 100 + index, startTime: 's' });
    news(story, name, { kind: 'session-started', sessionId: `id-${name}-${index}`, source: 'startup' });
  }
  return story;
}

let evidence = 0;

export function news(
  story: Story,
  name: string,
  what: Extract<Request, { kind: 'agent-news' }>['evidence']['news'],
): Fact[] {
  evidence += 1;
  const id = String(evidence).padStart(19, '0');
  return put(story, { kind: 'agent-news', role: name, evidence: { id, atMs: story.at, news: what } });
}

/** Carries a prompt to its end: intended, typed, entered, taken, and its turn ended. */
export function deliver(story: Story, prompt: number, options: { turn?: 'ended' | 'open' } = {}): void {
  const wanted = story.run.prompts[prompt - 1];
  if (!wanted) throw new Error(`there is no prompt ${prompt}`);
  const generation = story.run.agents[wanted.role]?.generation ?? 0;
  put(story, { kind: 'delivery', prompt, news: { kind: 'intended', pane: '%0', generation, sha256: 'x' } });
  put(story, { kind: 'delivery', prompt, news: { kind: 'typed' } });
  put(story, { kind: 'delivery', prompt, news: { kind: 'entered', times: 1, busy: null } });
  news(story, wanted.role, { kind: 'prompt-taken', text: `${wanted.line} [tmops#${prompt}]` });
  if (options.turn !== 'open') news(story, wanted.role, { kind: 'turn-ended', last: '', background: 0 });
}

/** A checkpoint that is whole on disk now. */
export const checkpoint = (
  story: Story,
  file: string,
  over: Partial<Extract<Request, { kind: 'checkpoint-seen' }>> = {},
): Fact[] =>
  put(story, { kind: 'checkpoint-seen', file, sha256: `${file}-${story.at}`, mtimeMs: story.at, gate: null, ...over });

/** Past the survey and with both roles briefed: the first step's prompt is wanted. */
export function briefed(workflow: Workflow = small): Story {
  const story = started(workflow);
  put(story, { kind: 'surveyed' });
  for (const prompt of story.run.prompts.filter((each) => each.purpose.kind === 'instructions'))
    deliver(story, prompt.id);
  return story;
}

/** The agent at work gave no sign of life for so long that it was reminded; it took the reminder into its turn. */
export function remindedOfSilence(story: Story): void {
  story.at += settings.silentAfterMs;
  put(story, { kind: 'time-passed' });
  deliver(story, story.run.prompts.length, { turn: 'open' });
}
