import { readFile } from 'node:fs/promises';
import { version } from '../../src/compose/package.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { connectLink, type Link } from '../../src/link/client.ts';
import type { Caller, LinkReply } from '../../src/link/protocol.ts';
import type { Product } from './product.ts';

/** What whoever holds the token of a pane can say to the supervisor, past every door. */
export interface RoleLink {
  readonly link: Link;
  /** `who`: what the caller says of itself beside its door; an `agentToken` is that of a pane. */
  ask(op: string, input: object, who?: Partial<Caller>, signal?: AbortSignal): Promise<LinkReply>;
}

export async function roleLink(product: Product): Promise<RoleLink> {
  const place = socketOfWorkspace(product.repo.root);
  const connected = place.ok ? await connectLink(place.socketPath, version) : null;
  if (!connected?.ok) throw new Error('the supervisor does not listen');
  const { link } = connected;
  return {
    link,
    ask: (op, input, who = {}, signal) =>
      link.call(op, input, { door: 'socket', cwd: product.repo.root, ...who }, signal ? { signal } : {}),
  };
}

/** The token that the pane of the role has now. */
export async function tokenOf(product: Product, feature: string, role: string): Promise<string> {
  const file = product.path(feature, 'current', 'agents', role, 'token');
  return (await readFile(file, 'utf8')).trim();
}

/** `ok`, or the code of the failure. */
export const codeOf = (reply: LinkReply): string => (reply.ok ? 'ok' : reply.failure.code);

export const outputOf = (reply: LinkReply): Record<string, unknown> => {
  if (!reply.ok) throw new Error(`${reply.failure.code}: ${reply.failure.sentence}`);
  return reply.output as Record<string, unknown>;
};
