import { hidingIn } from '../core/foreign.ts';
import type { Caller, Failure } from '../link/protocol.ts';
import { openDeadlines } from '../link/deadlines.ts';
import { stopper, type StopSignal } from '../link/stopper.ts';
import { admitted, withinReach, type Reach } from './access.ts';
import { checkArguments } from './arguments.ts';
import { callFacts, type KeepCall } from './call-facts.ts';
import { calls, type CallKey } from './calls.ts';
import type { CallModules } from './call-modules.ts';
import { limitOf } from './limits.ts';

/** A call of an operation on its way to the handler. */
export interface Call {
  readonly key: CallKey;
  readonly caller: Caller;
  /** As it stands in journals and logs, see `principalOf`. */
  readonly principal: string;
  readonly reach: Reach;
  /** As it came; checked, with defaults, from `validate` on where nothing is refused. */
  readonly input: unknown;
  readonly signal: StopSignal;
  /** Why it is not carried out; every stage still sees it, so that a refused call is on record like any other. */
  readonly refusal: Failure | null;
}

/** `json` is the output as JSON, where that is at hand. */
export type Outcome = { readonly output: unknown; readonly json?: string | undefined } | { readonly failure: Failure };

export type Next = (call: Call) => Promise<Outcome>;
/** One stage around those after it. */
export type Stage = (call: Call, next: Next) => Promise<Outcome>;

export interface ChainParts {
  readonly hide: (text: string) => string;
  readonly keep: KeepCall;
  readonly modules: CallModules;
}

/** What every call of every door passes, in this order, and what the modules of the configuration add. */
export function callChain(parts: ChainParts, handle: Next): Next {
  const stages: readonly Stage[] = [
    validate,
    authorise(parts.hide),
    audit(parts.keep, parts.hide),
    time,
    redact(parts.hide),
    extend(parts.modules, parts.hide),
  ];
  return stages.reduceRight<Next>((next, stage) => (call) => stage(call, next), answered(handle));
}

const answered =
  (handle: Next): Next =>
  async (call) =>
    call.refusal === null ? handle(call) : { failure: call.refusal };

const validate: Stage = (call, next) => {
  const { name } = calls[call.key];
  const checked = checkArguments(calls[call.key], call.input, { operation: name, argument: (key) => key });
  if (!checked.ok) return next({ ...call, refusal: call.refusal ?? checked.failure });
  return next({ ...call, input: checked.input });
};

/** Whether this caller may do this, and whether what it would write down may stand there. */
const authorise =
  (hide: (text: string) => string): Stage =>
  (call, next) => {
    if (call.refusal !== null) return next(call);
    // `validate` put it there.
    const may = admitted(call.key, call.input as Record<string, unknown>, call.reach);
    if (!may.ok) return next({ ...call, refusal: may.problem });
    return next({ ...call, input: may.input, refusal: readOnlyRefusal(call) ?? secretIn(may.input, hide) });
  };

function readOnlyRefusal({ key, caller }: Call): Failure | null {
  const { name, effect } = calls[key];
  if (caller.readOnly !== true || effect === 'read') return null;
  return {
    code: 'read-only',
    sentence: `This client only reads, and ${name} does more than that.`,
    hint: 'The user can do it in a shell, or start the server without --read-only (server.read_only in the configuration).',
  };
}

/** Words of the user that would be written into the journal or a file of the run. */
const KEPT = ['text', 'comment', 'why', 'message'] as const;

/** What was said would be kept; the value itself is not repeated. */
function secretIn(input: Readonly<Record<string, unknown>>, hide: (text: string) => string): Failure | null {
  const found = KEPT.find((name) => {
    const said = input[name];
    return typeof said === 'string' && hide(said) !== said;
  });
  if (found === undefined) return null;
  const sentence = `What is said as ${found} holds a secret (a value of the environment, or what looks like a key), and tmops would write it down.`;
  return {
    code: 'secret-in-words',
    sentence,
    hint: 'Say it without: name the variable or the file that holds it, or type it into the pane yourself.',
  };
}

const audit =
  (keep: KeepCall, hide: (text: string) => string): Stage =>
  async (call, next) => {
    const begun = performance.now();
    const outcome = await next(call);
    const record = callFacts(call, outcome, performance.now() - begun, hide);
    await keep(record, calls[call.key].effect !== 'read');
    return outcome;
  };

/** A call that takes longer is answered; what it has begun goes on, since half of it would be worse. */
const time: Stage = async (call, next) => {
  if (call.refusal !== null) return next(call);
  const { withinMs, sentence } = limitOf(call.key);
  const own = stopper();
  const passOn = (): void => {
    own.abort();
  };
  call.signal.addEventListener('abort', passOn);
  let inTime = (): void => undefined;
  const late = new Promise<Outcome>((resolve) => {
    inTime = deadlines.set(withinMs, () => {
      own.abort();
      resolve({ failure: { code: 'call-late', sentence, hint: LATE_HINT } });
    });
  });
  try {
    return await Promise.race([next({ ...call, signal: own.signal }), late]);
  } finally {
    inTime();
    call.signal.removeEventListener('abort', passOn);
  }
};

const deadlines = openDeadlines();
const LATE_HINT = 'What it has begun goes on. Ask status or explain where things stand before calling again.';

/** No answer holds what is known to be secret, or tells of what the caller does not reach. */
const redact =
  (hide: (text: string) => string): Stage =>
  async (call, next) => {
    const outcome = await next(call);
    if ('failure' in outcome) {
      const { code, sentence, hint } = outcome.failure;
      return { failure: { code, sentence: hide(sentence), hint: hide(hint) } };
    }
    // Made of journals, which hold no secrets, and asked for again and again.
    if (outcome.json !== undefined) return outcome;
    return { output: hidingIn(withinReach(call.key, outcome.output, call.reach), hide) };
  };

const extend =
  (modules: CallModules, hide: (text: string) => string): Stage =>
  async (call, next) => {
    if (modules.none() || call.refusal !== null) return next(call);
    const facts = callFacts(call, null, 0, hide);
    const refusal = await modules.before(facts);
    const outcome = await next(refusal === null ? call : { ...call, refusal });
    await modules.after({ ...facts, outcome: 'failure' in outcome ? outcome.failure.code : 'ok' });
    return outcome;
  };
