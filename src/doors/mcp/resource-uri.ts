/** The kinds of resources, and how each is called. `{…}` is a name, the words of `query` may follow it. */
export const RESOURCES = {
  features: { path: ['features'], query: [] },
  status: { path: ['features', '{feature}', 'status'], query: [] },
  spec: { path: ['features', '{feature}', 'spec'], query: ['from', 'lines'] },
  checkpoint: { path: ['features', '{feature}', 'checkpoints', '{name}'], query: ['from', 'lines'] },
  journal: { path: ['features', '{feature}', 'journal'], query: ['after', 'limit'] },
  pane: { path: ['features', '{feature}', 'panes', '{role}'], query: ['lines'] },
  log: {
    path: ['features', '{feature}', 'logs', '{role}'],
    query: ['level', 'component', 'text', 'after', 'limit'],
  },
  metrics: { path: ['features', '{feature}', 'metrics'], query: [] },
} as const satisfies Record<string, { readonly path: readonly string[]; readonly query: readonly string[] }>;

export type ResourceKind = keyof typeof RESOURCES;
export const RESOURCE_KINDS = Object.keys(RESOURCES) as ResourceKind[];

/** A resource that a URI names. `names` and `query` hold what stands there; it is checked when it is asked for. */
export interface Target {
  readonly kind: ResourceKind;
  readonly names: { readonly feature?: string; readonly name?: string; readonly role?: string };
  readonly query: Readonly<Record<string, string | number>>;
}

/** `unknown`: there is no such resource. `query`: there is, and what stands behind the ? is at fault. */
export type UriRead =
  | { readonly ok: true; readonly target: Target }
  | { readonly ok: false; readonly fault: 'unknown' | 'query'; readonly why: string };

const SCHEME = 'tmops://';
/** The longest that can be meant is a text of 200 characters, each of them encoded. */
export const MAX_URI = 4000;
/** What a name may be; it holds no / and is not only dots. */
const NAME = /^[A-Za-z0-9-][A-Za-z0-9._-]{0,90}$/;
const NUMBER_WORDS: ReadonlySet<string> = new Set(['from', 'lines', 'after', 'limit']);

/** Reads a URI of ours. Nothing is normalised: `..`, empty parts, encoded slashes and fragments name nothing. */
export function readUri(uri: string): UriRead {
  if (uri.length > MAX_URI) return unknown(`a URI has at most ${MAX_URI} characters, and this one ${uri.length}`);
  if (!uri.startsWith(SCHEME)) return unknown(`it does not begin with ${SCHEME}`);
  const [path = '', ...rest] = uri.slice(SCHEME.length).split('?');
  if (rest.length > 1) return queryFault('a URI has one ?');
  const parts = path.split('/').map(decoded);
  if (parts.some((part) => part === null || !NAME.test(part))) return unknown('its path is not one of those below');
  const words = parts as readonly string[];
  const kind = RESOURCE_KINDS.find((each) => fits(RESOURCES[each].path, words));
  if (!kind) return unknown('its path is not one of those below');
  const query = rest[0] === undefined ? { ok: true as const, query: {} } : queryOf(kind, rest[0]);
  return query.ok ? { ok: true, target: { kind, names: namesIn(kind, words), query: query.query } } : query;
}

/** The URI that names the target; `readUri` gives the target back. */
export function uriOf({ kind, names, query }: Target): string {
  const path = RESOURCES[kind].path.map((part) => {
    const hole = holeIn(part);
    return hole === null ? part : encodeURIComponent(names[hole] ?? '');
  });
  const all: readonly string[] = RESOURCES[kind].query;
  const words = all.flatMap((word) => {
    const value = query[word];
    return value === undefined ? [] : [`${word}=${encodeURIComponent(value)}`];
  });
  return `${SCHEME}${path.join('/')}${words.length > 0 ? `?${words.join('&')}` : ''}`;
}

/** The template of a kind (RFC 6570); for a kind without names and words the URI itself. */
export function templateOf(kind: ResourceKind): string {
  const { path, query } = RESOURCES[kind];
  return `${SCHEME}${path.join('/')}${query.length > 0 ? `{?${query.join(',')}}` : ''}`;
}

const unknown = (why: string): UriRead => ({ ok: false, fault: 'unknown', why });
const queryFault = (why: string): Extract<UriRead, { ok: false }> => ({ ok: false, fault: 'query', why });

type Hole = keyof Target['names'];
const HOLES: Readonly<Record<string, Hole>> = { '{feature}': 'feature', '{name}': 'name', '{role}': 'role' };
const holeIn = (part: string): Hole | null => HOLES[part] ?? null;

const fits = (path: readonly string[], parts: readonly string[]): boolean =>
  path.length === parts.length && path.every((part, index) => holeIn(part) !== null || part === parts[index]);

function namesIn(kind: ResourceKind, parts: readonly string[]): Target['names'] {
  const named = RESOURCES[kind].path.flatMap((part, index) => {
    const hole = holeIn(part);
    return hole === null ? [] : [[hole, parts[index]] as const];
  });
  return Object.fromEntries(named);
}

function queryOf(
  kind: ResourceKind,
  text: string,
): { readonly ok: true; readonly query: Target['query'] } | Extract<UriRead, { ok: false }> {
  const allowed: readonly string[] = RESOURCES[kind].query;
  const query = new Map<string, string | number>();
  for (const pair of text.split('&')) {
    const [word = '', ...values] = pair.split('=');
    const value = decoded(values.join('='));
    const takes = allowed.length > 0 ? `It takes: ${allowed.join(', ')}.` : 'It takes nothing behind a ?.';
    if (!allowed.includes(word)) return queryFault(`it does not take ${quoted(word)}. ${takes}`);
    if (query.has(word)) return queryFault(`${word} stands there twice`);
    if (value === null) return queryFault(`${word} is not percent-encoded text`);
    // A word that is none, such as an empty one, is for whoever checks it.
    query.set(word, NUMBER_WORDS.has(word) && /^\d{1,15}$/.test(value) ? Number(value) : value);
  }
  return { ok: true, query: Object.fromEntries(query) };
}

function decoded(text: string): string | null {
  try {
    const plain = decodeURIComponent(text);
    // Half a character could not be written into a URI again.
    return /\p{Cs}/u.test(plain) ? null : plain;
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

/** A beginning of somebody's text, on one line. */
const quoted = (text: string): string => JSON.stringify(text.slice(0, 40)).replaceAll(/\p{C}/gu, '?');
