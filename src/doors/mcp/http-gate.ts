import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { quoted, refusal } from './http-refusal.ts';
import type { Refusal } from './http-refusal.ts';

/** A token that lets in, as its SHA-256. */
export interface Key {
  /** Of the client that has it; null: it has no name. */
  readonly name: string | null;
  readonly digest: Buffer;
}

export interface GateRules {
  /** Names, without a port, by which the server may be called besides those of the loopback. */
  readonly hosts: readonly string[];
  /** Web pages that may call it besides those of the loopback: `https://tools.example`. */
  readonly origins: readonly string[];
  /** Null: whoever reaches the port may come in. */
  readonly keys: readonly Key[] | null;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const LOOPBACK_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

/**
 * A web page can have a browser call this machine under a name of the page's own, or from an origin that is none (`null`):
 * both are refused whatever token comes along. Null when the request may be looked at further.
 */
export function strangerRefusal({ host, origin }: IncomingHttpHeaders, { hosts, origins }: GateRules): Refusal | null {
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/.exec(host?.toLowerCase() ?? '')?.[1];
  if (name === undefined || ![...LOOPBACK, ...hosts].includes(name))
    return refusal(
      403,
      `Forbidden: the Host header is ${quoted(host)}, and this server is called ${[...LOOPBACK, ...hosts].join(', ')} (server.http.allowed_hosts)`,
    );
  if (origin === undefined || LOOPBACK_ORIGIN.test(origin.toLowerCase()) || origins.includes(origin.toLowerCase()))
    return null;
  return refusal(
    403,
    `Forbidden: the Origin header is ${quoted(origin)}, which is none of this machine (server.http.allowed_origins)`,
  );
}

/** Who asks. */
export interface HttpClient {
  /** Of its token; null: the token has none, or none is needed. */
  readonly name: string | null;
  /** Its token, as its SHA-256; empty where none is needed. Of two tokens without a name, each is a client of its own. */
  readonly key: string;
}

/** Who asks, by the token of the `Authorization` header. */
export function clientOf(
  { authorization }: IncomingHttpHeaders,
  { keys }: GateRules,
): { readonly client: HttpClient } | Refusal {
  if (keys === null) return { client: { name: null, key: '' } };
  const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1];
  if (token === undefined)
    return unauthorised(
      '',
      'a token is needed: send the header "Authorization: Bearer TOKEN"; tmops http names its file',
    );
  const given = digestOf(token);
  // All are compared: the time it takes tells nothing.
  const [found] = keys.filter(({ digest }) => timingSafeEqual(digest, given));
  return found
    ? { client: { name: found.name, key: found.digest.toString('hex') } }
    : unauthorised(', error="invalid_token"', 'the token is none of this server; tmops http names the file it is in');
}

export const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

const unauthorised = (more: string, why: string): Refusal =>
  refusal(401, `Unauthorized: ${why}`, { headers: { 'www-authenticate': `Bearer realm="tmops"${more}` } });
