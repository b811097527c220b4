import type { Failure, LinkReply, LinkRequest, TextReply } from '../link/protocol.ts';
import type { StopSignal } from '../link/stopper.ts';
import { hidingIn } from '../core/foreign.ts';
import { newsWithin, reachOf, type Reach } from './access.ts';
import type { KeepCall } from './call-facts.ts';
import type { CallModules } from './call-modules.ts';
import { callChain, type Call, type Outcome } from './chain.ts';
import { calls, type CallKey } from './calls.ts';
import { handlersFor, type Handlers } from './handlers.ts';
import type { NewsBoard } from './news.ts';
import type { AppPorts } from './ports.ts';
import { principalOf, type Asker } from './principal.ts';
import type { Starts } from './starts.ts';
import { resourceKeyOf } from './resource-requests.ts';
import { resourceAnswers } from './resources.ts';
import { roleHandlersFor, type RoleHandlers } from './role-handlers.ts';
import { newsRequest, operations } from './table.ts';
import { abortSignalOf } from './stop-signal.ts';
import { tellError } from './tell.ts';

/** Who hears of calls, and has a say in them. */
export interface Told {
  /** An operation broke off. */
  readonly bug: (error: unknown) => void;
  /** Somebody asked for an operation that does more than read; `code` null: it was done. */
  readonly asked: (facts: { operation: string; feature?: string; principal: string; code: string | null }) => void;
  readonly keep: KeepCall;
  readonly modules: CallModules;
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
  const handlers: Handlers & RoleHandlers = { ...handlersFor(ports, starts), ...roleHandlersFor(ports) };
  const resource = resourceAnswers(ports, handlers.list, told.bug);
  const byName = new Map(Object.entries(calls).map(([key, operation]) => [operation.name, key as CallKey]));
  const chain = callChain({ hide: ports.hide, keep: told.keep, modules: told.modules }, (call) =>
    answerOf(handlers, call, told.bug),
  );
  const failed = (id: number, { code, sentence, hint }: Failure): LinkReply => ({
    id,
    ok: false,
    failure: { code, sentence: ports.hide(sentence), hint: ports.hide(hint) },
  });
  return async ({ id, op, input, caller }, signal) => {
    const reached = await reachOf(ports, caller);
    const reach = reached.ok ? reached.reach : NOTHING;
    const principal = principalOf(caller, ports.owner, reach.agent);
    if (op === newsRequest.name)
      return reached.ok
        ? { id, ...(await newsAfter(board, input, reach, abortSignalOf(signal))) }
        : failed(id, reached.problem);
    const shown = resourceKeyOf(op);
    if (shown !== undefined) {
      if (!reached.ok) return failed(id, reached.problem);
      const answer = await resource(shown, input, { asker: { ...caller, principal }, reach, signal });
      if (!answer.ok) return failed(id, answer.problem);
      return { id, ok: true, output: hidingIn(answer.output, ports.hide) };
    }
    const key = byName.get(op);
    if (key === undefined)
      return failed(
        id,
        unknownOperation(
          op,
          Object.values(operations).map(({ name }) => name),
        ),
      );
    if (reached.ok && caller.env) ports.learnSecrets(caller.env);
    const fault = needsNoConfiguration.has(key) ? null : ports.fileFault();
    const refusal = reached.ok ? fault : reached.problem;
    const outcome = await chain({ key, caller, principal, reach, input, signal, refusal });
    if (calls[key].effect !== 'read') told.asked(askedOf(op, input, principal, outcome));
    if ('failure' in outcome) return { id, ok: false, failure: outcome.failure };
    if (outcome.json !== undefined) return { id, ok: true, json: outcome.json };
    return { id, ok: true, output: outcome.output };
  };
}

/** Of a caller nobody knows. */
const NOTHING: Reach = { only: null, agent: null, drives: false };

function askedOf(operation: string, input: unknown, principal: string, outcome: Outcome): Parameters<Told['asked']>[0] {
  const feature = typeof input === 'object' && input !== null && 'feature' in input ? input.feature : undefined;
  return {
    operation,
    ...(typeof feature === 'string' && { feature: feature.slice(0, 40) }),
    principal,
    code: 'failure' in outcome ? outcome.failure.code : null,
  };
}

const unknownOperation = (op: string, known: readonly string[]): Failure => ({
  code: 'unknown-operation',
  sentence: `There is no operation "${op}".`,
  hint: `Known: ${known.join(', ')}.`,
});

/** It is what says what is wrong. */
const needsNoConfiguration: ReadonlySet<CallKey> = new Set(['doctor']);

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
  handlers: Handlers & RoleHandlers,
  call: Call,
  onBug: (error: unknown) => void,
): Promise<Outcome> {
  const { key, input, caller, principal, reach, signal } = call;
  // The table's own schema has just parsed the input of this very key.
  const handle = handlers[key] as (
    input: unknown,
    asker: Asker,
    signal: StopSignal,
  ) => Promise<{ ok: true; output: unknown; json?: string } | { ok: false; problem: Failure }>;
  try {
    const answer = await handle(input, { ...caller, principal, agent: reach.agent }, signal);
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
