import * as z from 'zod';
import { composerWith, textOf } from './composer.ts';
import { clearConversation } from './conversation.ts';
import { dialogNames } from './dialogs.ts';
import type { HookFault } from './faults.ts';
import { press } from './input.ts';
import { ask } from './questions.ts';
import { changed, redraw, statusOf, tell, type Stage } from './stage.ts';
import { beBusy, interrupt } from './turns.ts';

const ms = z.int().min(0).max(600_000);
const on = z.boolean().default(true);

const verbSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('swallow-enters'), n: z.int().min(0) }),
  /** The next turn thinks this long before it does its part. */
  z.strictObject({ do: z.literal('work'), ms }),
  /** Busy without a prompt until `finish`, which ends all thinking of the turn under way. */
  z.strictObject({ do: z.literal('busy') }),
  z.strictObject({ do: z.literal('finish') }),
  z.strictObject({ do: z.literal('dialog'), name: z.enum(dialogNames), lines: z.array(z.string()).optional() }),
  z.strictObject({ do: z.literal('ghost'), text: z.string() }),
  z.strictObject({ do: z.literal('draft'), text: z.string() }),
  z.strictObject({ do: z.literal('refuse-paste'), on }),
  z.strictObject({ do: z.literal('echo-delay'), ms }),
  /** The box is on the screen, but what is typed is lost for this long. */
  z.strictObject({ do: z.literal('deaf'), ms }),
  z.strictObject({ do: z.literal('crash'), signal: z.string().optional(), code: z.int().min(0).max(255).optional() }),
  /** Stops reading until `wake`. */
  z.strictObject({ do: z.literal('hang') }),
  z.strictObject({ do: z.literal('wake') }),
  z.strictObject({ do: z.literal('interrupt') }),
  z.strictObject({ do: z.literal('clear') }),
  z.strictObject({
    do: z.literal('hook'),
    event: z.string(),
    delay: ms.optional(),
    drop: z.literal(true).optional(),
    double: z.literal(true).optional(),
    times: z.int().min(1).default(1),
  }),
  z.strictObject({ do: z.literal('alternate-screen'), on }),
  z.strictObject({ do: z.literal('menu') }),
  z.strictObject({ do: z.literal('shell-mode') }),
  z.strictObject({ do: z.literal('transcript'), on }),
  z.strictObject({ do: z.literal('state') }),
]);

export type Verb = z.output<typeof verbSchema>;

/** A request on the steering socket: a verb and an id that the answer repeats. */
export const requestSchema = z
  .looseObject({ id: z.union([z.string(), z.number()]).optional() })
  .transform(({ id, ...verb }, context) => {
    const parsed = verbSchema.safeParse(verb);
    if (parsed.success) return { id, verb: parsed.data };
    context.addIssue({ code: 'custom', message: z.prettifyError(parsed.error) });
    return z.NEVER;
  });

/** A steer file: verbs done before the first prompt. */
export const steerFileSchema = z.array(verbSchema);

/** Does what a verb says and returns facts to answer with. Throws an Error when it cannot be done now. */
export function steer(stage: Stage, verb: Verb): Readonly<Record<string, unknown>> {
  obey(stage, verb);
  changed(stage);
  return verb.do === 'state' ? stateOf(stage) : {};
}

function obey(stage: Stage, verb: Verb): void {
  switch (verb.do) {
    case 'swallow-enters':
      stage.faults.swallowEnters = verb.n;
      break;
    case 'work':
      stage.faults.nextWorkMs = verb.ms;
      break;
    case 'refuse-paste':
      stage.faults.refusePaste = verb.on;
      break;
    case 'echo-delay':
      stage.faults.echoDelayMs = verb.ms;
      break;
    case 'deaf':
      beDeaf(stage, verb.ms);
      break;
    case 'hook':
      stage.faults.hooks.push(hookFaultOf(verb));
      break;
    case 'crash':
      crash(verb);
      break;
    case 'hang':
      process.stdin.pause();
      break;
    case 'wake':
      process.stdin.resume();
      break;
    case 'state':
      break;
    default:
      obeyOnScreen(stage, verb);
  }
}

type ScreenVerb =
  | 'busy'
  | 'finish'
  | 'dialog'
  | 'ghost'
  | 'draft'
  | 'interrupt'
  | 'clear'
  | 'alternate-screen'
  | 'menu'
  | 'shell-mode'
  | 'transcript';

function obeyOnScreen(stage: Stage, verb: Extract<Verb, { do: ScreenVerb }>): void {
  switch (verb.do) {
    case 'busy':
      beBusy(stage);
      break;
    case 'finish':
      stage.turn?.hurry.abort();
      break;
    case 'dialog':
      openFromOutside(stage, verb);
      break;
    case 'ghost':
      stage.ghost = verb.text;
      break;
    case 'draft':
      stage.composer = composerWith(verb.text);
      break;
    case 'interrupt':
      interrupt(stage);
      break;
    case 'clear':
      clearConversation(stage);
      break;
    case 'alternate-screen':
      stage.painter.switchScreen(verb.on);
      redraw(stage);
      break;
    case 'menu':
      stage.composer = composerWith('/');
      break;
    case 'shell-mode':
      stage.mode = 'shell';
      break;
    case 'transcript':
      if ((stage.surface.kind === 'transcript-view') !== verb.on) press(stage, { kind: 'control', letter: 'o' });
      break;
  }
}

function openFromOutside(stage: Stage, { name, lines }: Verb & { do: 'dialog' }): void {
  if (stage.surface.kind !== 'composer') throw new Error(`a dialog cannot open over ${stage.surface.kind}`);
  void ask(stage, name, lines).then(({ approved, words }) => {
    tell(stage, { kind: 'note', text: `${approved ? 'Answered' : 'Not done'}: ${words}` });
  });
}

function beDeaf(stage: Stage, forMs: number): void {
  stage.faults.deaf = true;
  setTimeout(() => {
    stage.faults.deaf = false;
  }, forMs);
}

function hookFaultOf({ event, delay, drop, double, times }: Verb & { do: 'hook' }): HookFault {
  if (delay !== undefined) return { event, how: { kind: 'delay', ms: delay }, times };
  if (drop === true) return { event, how: { kind: 'drop' }, times };
  if (double === true) return { event, how: { kind: 'double' }, times };
  throw new Error('hook needs one of delay, drop and double');
}

/** Ends without a goodbye: no hook, the terminal and the status file as they are. */
function crash({ signal, code }: Verb & { do: 'crash' }): void {
  if (signal !== undefined) process.kill(process.pid, signal);
  else process.exit(code ?? 1);
}

function stateOf(stage: Stage): Readonly<Record<string, unknown>> {
  const { surface } = stage;
  return {
    ...statusOf(stage),
    surface: surface.kind,
    ...(surface.kind === 'dialog' ? { dialog: surface.dialog.name, typed: surface.dialog.typed } : {}),
    composer: textOf(stage.composer),
    mode: stage.mode,
    ghost: stage.ghost,
    queue: stage.queue.map(({ text }) => text),
    counts: stage.counts,
    rssBytes: process.memoryUsage.rss(),
    cpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1000,
  };
}
