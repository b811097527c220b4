import type { CallFacts } from '../audit/record.ts';
import { calls } from './calls.ts';
import type { Call, Outcome } from './chain.ts';

/** What is on record of a call, and what modules are told of it; its outcome is `open` before it is carried out. */
export type CallRecord = Omit<CallFacts, 'kind' | 'at' | 'workspace'>;

/** Keeps the record of a call; one of a call that does more than read is on the disk before this resolves. */
export type KeepCall = (record: CallRecord, flushed: boolean) => Promise<void>;

const MOST_CHARS = 200;
const MOST_ITEMS = 20;
const MOST_DEPTH = 4;

export function callFacts(
  { key, caller, principal, input }: Call,
  outcome: Outcome | null,
  durationMs: number,
  hide: (text: string) => string,
): CallRecord {
  const { door, client, session, toolUseId } = caller;
  const target = targetOf(input);
  return {
    principal,
    door,
    ...(client !== undefined && { client: hide(client) }),
    ...(session !== undefined && { session }),
    ...(toolUseId !== undefined && { toolUseId }),
    operation: calls[key].name,
    ...(target !== null && { target }),
    arguments: bounded(input, hide, 0),
    outcome: outcome === null ? 'open' : 'failure' in outcome ? outcome.failure.code : 'ok',
    durationMs: Math.round(durationMs * 10) / 10,
  };
}

function targetOf(input: unknown): string | null {
  if (typeof input !== 'object' || input === null || !('feature' in input)) return null;
  const { feature } = input;
  const role = 'role' in input ? input.role : undefined;
  if (typeof feature !== 'string' || !/^[a-z0-9-]{3,20}$/.test(feature)) return null;
  return typeof role === 'string' && /^[a-z][a-z0-9-]{0,30}$/.test(role) ? `${feature}/${role}` : feature;
}

/** As much of an argument as tells what was asked: what came may be anything of any size. */
function bounded(value: unknown, hide: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return cut(hide(value));
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MOST_DEPTH) return '…';
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => bounded(item, hide, depth + 1));
  const entries = Object.entries(value).slice(0, MOST_ITEMS);
  return Object.fromEntries(entries.map(([name, inner]) => [cut(hide(name)), bounded(inner, hide, depth + 1)]));
}

const cut = (text: string): string =>
  text.length <= MOST_CHARS ? text : `${text.slice(0, MOST_CHARS)}… (${text.length - MOST_CHARS} more characters)`;
