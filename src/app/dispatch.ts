import type { Failure, LinkReply, LinkRequest, TextReply } from '../link/protocol.ts';
import type { StopSignal } from '../link/stopper.ts';
import { hidingIn } from '../core/foreign.ts';
import { admitted, newsWithin, reachOf, withinReach, type Reach } from './access.ts';
import { checkArguments } from './arguments.ts';
import { handlersFor, type Handlers } from './handlers.ts';
import type { NewsBoard } from './news.ts';
import type { AppPorts } from './ports.ts';
import { principalOf, type Asker } from './principal.ts';
import type { Starts } from './starts.ts';
import { resourceKeyOf } from './resource-requests.ts';
import { resourceAnswers } from './resources.ts';
import { newsRequest, operations, type OperationKey } from './table.ts';
import { abortSignalOf } from './stop-signal.ts';
import { tellError } from './tell.ts';

export interface Told {
  /** An operation broke off. */
  readonly bug: (error: unknown) => void;
  /** Somebody asked for an operation that does more than read; `code` null: it was done. */
  readonly asked: (facts: { operation: string; feature?: string; principal: string; code: string | null }) => void;
}

type Reply = LinkReply | TextReply;

/**
 * Answers requests of the doors: one operation of the table each, as far as the caller may reach. Never rejects. No answer holds
 * what is known to be secret.
 */
export function dispatcher(
  ports: AppPorts,
  starts: Starts,
  board: NewsBoard,
  told: Told,
): (request: LinkRequest, signal: StopSignal) => Promise<Reply> {
  const handlers: Handlers = handlersFor(ports, starts);
  const resource = resourceAnswers(ports, handlers.list, told.bug);
  const byName = new Map(Object.entries(operations).map(([key, operation]) => [operation.name, key as OperationKey]));
  const failed = (id: number, { code, sentence, hint }: Failure): LinkReply => ({
    id,
    ok: false,
    failure: { code, sentence: ports.hide(sentence), hint: ports.hide(hint) },
  });
  return async ({ id, op, input, caller }, signal) => {
    const reached = await reachOf(ports, caller);
    if (!reached.ok) return failed(id, reached.problem);
    const { reach } = reached;
    if (op === newsRequest.name) return { id, ...(await newsAfter(board, input, reach, abortSignalOf(signal))) };
    const shown = resourceKeyOf(op);
    if (shown !== undefined) {
      const asker = { ...caller, principal: principalOf(caller, ports.owner, reach.agent) };
      const answer = await resource(shown, input, { asker, reach, signal });
      if (!answer.ok) return failed(id, answer.problem);
      return { id, ok: true, output: hidingIn(answer.output, ports.hide) };
    }
    const key = byName.get(op);
    if (key === undefined) return failed(id, unknownOperation(op, [...byName.keys()]));
    const fault = needsNoConfiguration.has(key) ? null : ports.fileFault();
    if (fault) return failed(id, fault);
    const checked = checkArguments(operations[key], input, { operation: op, argument: (name) => name });
    if (!checked.ok) return failed(id, checked.failure);
    const may = admitted(key, checked.input, reach);
    const principal = principalOf(caller, ports.owner, reach.agent);
    if (caller.env) ports.learnSecrets(caller.env);
    const answer = may.ok
      ? (secretIn(may.input, ports.hide) ??
        (await answerOf(handlers, key, may.input, { ...caller, principal }, signal, told.bug)))
      : { failure: may.problem };
    if (operations[key].effect !== 'read') {
      const { feature } = checked.input;
      told.asked({
        operation: op,
        ...(typeof feature === 'string' && { feature }),
        principal,
        code: 'failure' in answer ? answer.failure.code : null,
      });
    }
    if ('failure' in answer) return failed(id, answer.failure);
    // Made of journals, which hold no secrets, and asked for again and again.
    if (answer.json !== undefined) return { id, ok: true, json: answer.json };
    return { id, ok: true, output: hidingIn(withinReach(key, answer.output, reach), ports.hide) };
  };
}

const unknownOperation = (op: string, known: readonly string[]): Failure => ({
  code: 'unknown-operation',
  sentence: `There is no operation "${op}".`,
  hint: `Known: ${known.join(', ')}.`,
});

/** Words of the user that would be written into the journal or a file of the run. */
const KEPT = ['text', 'comment', 'why'] as const;

/** What was said would be kept; the value itself is not repeated. */
function secretIn(
  input: Readonly<Record<string, unknown>>,
  hide: (text: string) => string,
): { readonly failure: Failure } | null {
  const found = KEPT.find((name) => {
    const said = input[name];
    return typeof said === 'string' && hide(said) !== said;
  });
  if (found === undefined) return null;
  const sentence = `What is said as ${found} holds a secret (a value of the environment, or what looks like a key), and tmops would write it down.`;
  return {
    failure: {
      code: 'secret-in-words',
      sentence,
      hint: 'Say it without: name the variable or the file that holds it, or type it into the pane yourself.',
    },
  };
}

/** It is what says what is wrong. */
const needsNoConfiguration: ReadonlySet<OperationKey> = new Set(['doctor']);

async function newsAfter(
  board: NewsBoard,
  input: unknown,
  reach: Reach,
  signal: AbortSignal,
): Promise<{ ok: true; output: unknown } | { ok: false; failure: Failure }> {
  const checked = newsRequest.input.safeParse(input);
  if (!checked.success)
    return {
      ok: false,
      failure: { code: 'bad-arguments', sentence: 'The request for news is not one.', hint: 'after, timeoutMs' },
    };
  const { after, timeoutMs } = checked.data;
  const posted = await board.after(after, timeoutMs, signal);
  return { ok: true, output: { ...posted, news: newsWithin(posted.news, reach) } };
}

async function answerOf(
  handlers: Handlers,
  key: OperationKey,
  input: object,
  asker: Asker,
  signal: StopSignal,
  onBug: (error: unknown) => void,
): Promise<{ output: unknown; json?: string | undefined } | { failure: Failure }> {
  // The table's own schema has just parsed the input of this very key.
  const handle = handlers[key] as (
    input: object,
    asker: Asker,
    signal: StopSignal,
  ) => Promise<{ ok: true; output: unknown; json?: string } | { ok: false; problem: Failure }>;
  try {
    const answer = await handle(input, asker, signal);
    return answer.ok ? answer : { failure: answer.problem };
  } catch (error) {
    const known = tellError(error);
    if (!known) onBug(error);
    return {
      failure: known ?? {
        code: 'internal-error',
        sentence: 'Internal error: the operation broke off.',
        hint: 'The log of the supervisor says more: .tmops/.logs/tmops.log',
      },
    };
  }
}
