import type { Caller, Failure, LinkReply, LinkRequest, TextReply } from '../link/protocol.ts';
import type { StopSignal } from '../link/stopper.ts';
import { checkArguments } from './arguments.ts';
import { handlersFor, type Handlers } from './handlers.ts';
import type { NewsBoard } from './news.ts';
import type { AppPorts } from './ports.ts';
import type { Starts } from './starts.ts';
import { newsRequest, operations, type OperationKey } from './table.ts';
import { abortSignalOf } from './stop-signal.ts';
import { tellError } from './tell.ts';

/** Answers requests of the doors: one operation of the table each. Never rejects. */
export function dispatcher(
  ports: AppPorts,
  starts: Starts,
  board: NewsBoard,
  onBug: (error: unknown) => void,
): (request: LinkRequest, signal: StopSignal) => Promise<LinkReply | TextReply> {
  const handlers: Handlers = handlersFor(ports, starts);
  const byName = new Map(Object.entries(operations).map(([key, operation]) => [operation.name, key as OperationKey]));
  return async ({ id, op, input, caller }, signal) => {
    if (op === newsRequest.name) return { id, ...(await newsAfter(board, input, abortSignalOf(signal))) };
    const key = byName.get(op);
    if (key === undefined)
      return {
        id,
        ok: false,
        failure: {
          code: 'unknown-operation',
          sentence: `There is no operation "${op}".`,
          hint: `Known: ${[...byName.keys()].join(', ')}.`,
        },
      };
    const fault = needsNoConfiguration.has(key) ? null : ports.fileFault();
    if (fault) return { id, ok: false, failure: fault };
    const checked = checkArguments(operations[key], input, { operation: op, argument: (name) => name });
    if (!checked.ok) return { id, ok: false, failure: checked.failure };
    const answer = await answerOf(handlers, key, checked.input, caller, signal, onBug);
    if ('failure' in answer) return { id, ok: false, failure: answer.failure };
    const { output, json } = answer;
    return json === undefined ? { id, ok: true, output } : { id, ok: true, json };
  };
}

/** It is what says what is wrong. */
const needsNoConfiguration: ReadonlySet<OperationKey> = new Set(['doctor']);

async function newsAfter(
  board: NewsBoard,
  input: unknown,
  signal: AbortSignal,
): Promise<{ ok: true; output: unknown } | { ok: false; failure: Failure }> {
  const checked = newsRequest.input.safeParse(input);
  if (!checked.success)
    return {
      ok: false,
      failure: { code: 'bad-arguments', sentence: 'The request for news is not one.', hint: 'after, timeoutMs' },
    };
  const { after, timeoutMs } = checked.data;
  return { ok: true, output: await board.after(after, timeoutMs, signal) };
}

async function answerOf(
  handlers: Handlers,
  key: OperationKey,
  input: object,
  caller: Caller,
  signal: StopSignal,
  onBug: (error: unknown) => void,
): Promise<{ output: unknown; json?: string | undefined } | { failure: Failure }> {
  // The table's own schema has just parsed the input of this very key.
  const handle = handlers[key] as (
    input: object,
    caller: Caller,
    signal: StopSignal,
  ) => Promise<{ ok: true; output: unknown; json?: string } | { ok: false; problem: Failure }>;
  try {
    const answer = await handle(input, caller, signal);
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
