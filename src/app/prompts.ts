import { BAD_PROMPT_ARGUMENTS } from '../core/prompt-names.ts';
import type { Failure, LinkReply, LinkRequest, TextReply } from '../link/protocol.ts';
import type { StopSignal } from '../link/stopper.ts';
import type { Argument, DataName } from '../prompts/front-matter.ts';
import type { PromptFile } from '../prompts/read-prompt.ts';
import type { Problem, PromptData, Shelf } from '../prompts/shelf.ts';
import type { Use } from '../prompts/usage.ts';
import { reachOf, type Reach } from './access.ts';
import type { AppPorts } from './ports.ts';
import {
  promptCompleteRequest,
  promptRenderRequest,
  type PromptComplete,
  type PromptCompleted,
  type PromptRender,
  type PromptRendered,
} from './prompt-requests.ts';
import { operations, type OperationKey, type OutputOf } from './table.ts';
import { tellError } from './tell.ts';

/** What prompts need of the world. */
export interface PromptPorts {
  /** The prompts as they are on disk now. */
  readonly open: () => Promise<Shelf>;
  /** How many turns of a comparison were taken. */
  readonly turns: (comparison: string) => Promise<number>;
  readonly count: (use: Use) => Promise<void>;
  /** A word that nobody can know before: it fences text of others. */
  readonly boundary: () => string;
  readonly now: () => number;
  readonly onBug: (error: unknown) => void;
}

type Reply = LinkReply | TextReply;
type Dispatch = (request: LinkRequest, signal: StopSignal) => Promise<Reply>;
type Told<T> = { readonly ok: true; readonly output: T } | { readonly ok: false; readonly problem: Problem };

/** What a request of a door is answered with, on its behalf: rules of access hold for what a prompt is made of as well. */
interface Asked {
  readonly reach: Reach;
  readonly ask: <K extends OperationKey>(key: K, input: object) => Promise<Told<OutputOf<K>>>;
}

/** How far back the events reach that a template is given. */
const EVENTS = 60;
const MOST_COMPLETIONS = 100;

/** Answers the requests about prompts, and passes all others on. */
export function withPrompts(
  dispatch: Dispatch,
  ports: Pick<AppPorts, 'access' | 'agentOf' | 'hide' | 'fileFault'>,
  prompts: PromptPorts,
): Dispatch {
  const inTurn = turns();
  const answer = async (request: LinkRequest, signal: StopSignal): Promise<Told<PromptRendered | PromptCompleted>> => {
    const reached = await reachOf(ports, request.caller);
    if (!reached.ok) return reached;
    const fault = ports.fileFault();
    if (fault) return { ok: false, problem: fault };
    const asked: Asked = { reach: reached.reach, ask: (key, input) => passOn(dispatch, request, signal, key, input) };
    if (request.op === promptCompleteRequest.name) {
      const read = promptCompleteRequest.input.safeParse(request.input);
      return read.success ? complete(await prompts.open(), read.data, asked) : notOne(request.op);
    }
    const read = promptRenderRequest.input.safeParse(request.input);
    if (!read.success) return notOne(request.op);
    const order = read.data;
    return order.count ? inTurn(() => render(prompts, order, asked)) : render(prompts, order, asked);
  };
  return async (request, signal) => {
    if (request.op !== promptRenderRequest.name && request.op !== promptCompleteRequest.name)
      return dispatch(request, signal);
    const { id } = request;
    const failed = ({ code, sentence, hint }: Failure): Reply => ({
      ...{ id, ok: false },
      failure: { code, sentence: ports.hide(sentence), hint: ports.hide(hint) },
    });
    try {
      const answered = await answer(request, signal);
      if (!answered.ok) return failed(answered.problem);
      const { output } = answered;
      return { id, ok: true, output: 'text' in output ? { ...output, text: ports.hide(output.text) } : output };
    } catch (error) {
      const known = tellError(error);
      if (!known) prompts.onBug(error);
      return failed(known ?? INTERNAL);
    }
  };
}

const INTERNAL: Problem = {
  code: 'internal-error',
  sentence: 'Internal error: the prompt could not be made.',
  hint: 'The log of the supervisor says more: .tmops/.logs/tmops.log',
};

const notOne = (op: string): { ok: false; problem: Problem } => ({
  ok: false,
  problem: { code: BAD_PROMPT_ARGUMENTS, sentence: `The request ${op} is not one.`, hint: 'See docs/prompts.md.' },
});

async function passOn<K extends OperationKey>(
  dispatch: Dispatch,
  { id, caller }: LinkRequest,
  signal: StopSignal,
  key: K,
  input: object,
): Promise<Told<OutputOf<K>>> {
  const { name, output } = operations[key];
  const reply = await dispatch({ id, op: name, input, caller }, signal);
  if (!reply.ok) return { ok: false, problem: reply.failure };
  const read = output.parse('json' in reply ? JSON.parse(reply.json) : reply.output);
  // The table's own schema has just parsed the output of this very key.
  return { ok: true, output: read as OutputOf<K> };
}

async function render(prompts: PromptPorts, order: PromptRender, asked: Asked): Promise<Told<PromptRendered>> {
  const shelf = await prompts.open();
  const face = shelf.face(order.prompt, order.version);
  if (!face.ok) return face;
  const checked = shelf.check(face.prompt, order.arguments);
  if (!checked.ok) return { ok: false, problem: badArguments(checked.why, order.prompt) };
  const { values } = checked;
  const amiss = await outOfPlace(face.prompt, values, asked);
  if (amiss) return { ok: false, problem: amiss };
  const taken = await turnsOf(prompts, shelf, order);
  const found = shelf.choose(order.prompt, order.version, () => taken);
  if (!found.ok) return found;
  const { prompt, why, comparison } = found.choice;
  const gathered = await gather(prompt, values, asked);
  if ('problem' in gathered) return { ok: false, problem: gathered.problem };
  const made = shelf.render(prompt, values, { ...gathered, boundary: prompts.boundary() });
  if (!made.ok) return made;
  const { name, version, title, description } = prompt;
  if (order.count)
    await prompts.count({ name, version, comparison, about: await aboutOf(values, asked), at: prompts.now() });
  return { ok: true, output: { prompt: name, version, title, description, served: why, text: made.text } };
}

/** A choice is asked for once to learn which comparison it is in. */
async function turnsOf(prompts: PromptPorts, shelf: Shelf, { prompt, version }: PromptRender): Promise<number> {
  const first = shelf.choose(prompt, version, () => 0);
  return first.ok && first.choice.comparison !== null ? prompts.turns(first.choice.comparison) : 0;
}

/** A feature that the caller does not reach, or a name that has to be there and is not. */
async function outOfPlace(
  prompt: PromptFile,
  values: Readonly<Record<string, string | number | null>>,
  asked: Asked,
): Promise<Problem | null> {
  for (const argument of prompt.arguments) {
    const value = values[argument.name];
    if (typeof value !== 'string') continue;
    // Whoever is bound to a feature reaches no other, also where nothing of it is asked for.
    const { only } = asked.reach;
    if (argument.type === 'feature' && only !== null && value !== only)
      return badArguments(`the argument ${argument.name} is "${value}"; this client is bound to ${only}`, prompt.name);
    if (!argument.exists) continue;
    const known = await namesFor(argument, String(values['feature'] ?? ''), asked);
    if (!known.ok) return known.problem;
    if (known.output.includes(value)) continue;
    const allowed = known.output.length === 0 ? 'there is none yet' : `one of ${known.output.slice(0, 50).join(', ')}`;
    const why = `the argument ${argument.name} of the prompt ${prompt.name} is "${value}"; it is the name of a ${argument.type} that is there: ${allowed}`;
    return badArguments(why, prompt.name);
  }
  return null;
}

const badArguments = (why: string, prompt: string): Problem => ({
  code: BAD_PROMPT_ARGUMENTS,
  sentence: `${why.replace(/^./, (letter) => letter.toUpperCase())}.`,
  hint: `tmops prompts list shows what ${prompt} takes.`,
});

/** Features of the workspace; roles and steps of the feature. */
async function namesFor(
  { type, values = [] }: Argument,
  feature: string,
  { ask }: Asked,
): Promise<Told<readonly string[]>> {
  if (type === 'enum') return { ok: true, output: values };
  if (type === 'feature') {
    const listed = await ask('list', {});
    return listed.ok ? { ok: true, output: listed.output.features.map((each) => each.feature) } : listed;
  }
  if ((type !== 'role' && type !== 'step') || feature === '') return { ok: true, output: [] };
  const status = await ask('status', { feature });
  if (!status.ok) return status;
  const { panes, checkpoints } = status.output;
  return { ok: true, output: type === 'role' ? panes.map(({ role }) => role) : checkpoints.map(({ step }) => step) };
}

type Gathered = { readonly data: PromptData; readonly problems: Readonly<Record<string, Problem>> };

/** The data of a template. What cannot be had is null, with the reason among the problems; being refused access is not that. */
async function gather(
  prompt: PromptFile,
  values: Readonly<Record<string, string | number | null>>,
  asked: Asked,
): Promise<Gathered | { readonly problem: Problem }> {
  const data: Partial<Record<DataName, unknown>> = {};
  const problems: Record<string, Problem> = {};
  const feature = String(values['feature'] ?? '');
  for (const name of prompt.data) {
    const told = await GATHER[name](feature, values['step'] ?? null, asked);
    if (told.ok) data[name] = told.output;
    else if (/^(?:access-|internal|config|cancelled|supervisor-)/.test(told.problem.code))
      return { problem: told.problem };
    else problems[name] = told.problem;
  }
  return { data, problems };
}

type Gather = (feature: string, step: string | number | null, asked: Asked) => Promise<Told<unknown>>;

const GATHER: Readonly<Record<DataName, Gather>> = {
  status: (feature, _step, { ask }) => ask('status', { feature }),
  explain: (feature, _step, { ask }) => ask('explain', { feature }),
  features: (_feature, _step, { ask }) => ask('list', {}),
  checkpoint: (feature, step, { ask }) => ask('readCheckpoint', { feature, ...(step !== null && { step }) }),
  async events(feature, _step, { ask }) {
    const status = await ask('status', { feature });
    if (!status.ok) return status;
    return ask('events', { feature, after: Math.max(0, status.output.cursor - EVENTS), limit: EVENTS });
  },
};

async function aboutOf(values: Readonly<Record<string, unknown>>, { ask }: Asked): Promise<Use['about']> {
  const feature = values['feature'];
  if (typeof feature !== 'string') return null;
  const status = await ask('status', { feature });
  return status.ok ? { feature, run: status.output.run } : null;
}

/** What an argument may be that begins with what was typed so far. */
async function complete(shelf: Shelf, order: PromptComplete, asked: Asked): Promise<Told<PromptCompleted>> {
  const face = shelf.face(order.prompt);
  if (!face.ok) return face;
  const argument = face.prompt.arguments.find(({ name }) => name === order.argument);
  if (!argument) return { ok: false, problem: badArguments(`there is no argument "${order.argument}"`, order.prompt) };
  const known = await namesFor(argument, order.arguments['feature'] ?? asked.reach.only ?? '', asked);
  const fitting = known.ok ? known.output.filter((name) => name.startsWith(order.value)) : [];
  const values = fitting.slice(0, MOST_COMPLETIONS);
  return { ok: true, output: { values, total: fitting.length, hasMore: fitting.length > values.length } };
}

/** One after the other: of two at once, each is to see the turn that the other took. */
function turns(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const mine = last.then(act, act);
    last = mine.then(
      () => null,
      // Whoever asked is told; the next turn does not depend on it.
      (error: unknown) => error,
    );
    return mine;
  };
}
