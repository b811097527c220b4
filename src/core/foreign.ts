import type { Request } from './request.ts';

/** Under these names stands text that agents, programs, files or people made. Names and paths of the run are under others. */
const FOREIGN: ReadonlySet<string> = new Set([
  'comment',
  'detail',
  'error',
  'expected',
  'fix',
  'found',
  'hint',
  'last',
  'message',
  'notes',
  'problem',
  'reason',
  'said',
  'sentence',
  'shown',
  'subject',
  'tail',
  'text',
  'untrusted_output',
  'waitingFor',
  'waitsFor',
  'what',
  'why',
]);

/** Whether what stands under the name was made by others. */
export const isForeign = (name: string): boolean => FOREIGN.has(name);

/** The same value with `hide` done to every text of others in it; the very same where nothing had to be hidden. */
export function hidingIn<T>(value: T, hide: (text: string) => string): T {
  return walked(value, false, hide) as T;
}

function walked(value: unknown, isForeign: boolean, hide: (text: string) => string): unknown {
  if (typeof value === 'string') return isForeign ? hide(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => walked(item, isForeign, hide));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  let changed: Record<string, unknown> | null = null;
  for (const [name, inner] of Object.entries(value)) {
    const hidden = walked(inner, FOREIGN.has(name), hide);
    if (hidden !== inner) changed = { ...(changed ?? (value as Record<string, unknown>)), [name]: hidden };
  }
  return changed ?? value;
}

/**
 * A request without secrets in what others wrote, so that none comes into the journal and what is made of it. A workflow is
 * the user's own; the text of a prompt that was taken is compared with what was typed, and is not kept.
 */
export function withoutSecrets(request: Request, hide: (text: string) => string): Request {
  if (request.kind === 'start' || request.kind === 'queue' || request.kind === 'initialise') return request;
  if (request.kind === 'agent-news' && request.evidence.news.kind === 'prompt-taken') return request;
  return hidingIn(request, hide);
}
