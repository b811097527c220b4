/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

/** Every token of an agent's pane begins with it. */
export const AGENT_TOKEN_PREFIX = 'tmops-agent-';

const SECRET_WORD =
  'api[-_]?key|private[-_]?key|access[-_]?key|token|secret|passw(?:or)?d|passphrase|authorization|cookie|credential';
/** What a variable, a header or a field is called that holds a secret. */
export const SECRET_NAME = new RegExp(SECRET_WORD, 'i');

/** Shorter values are words that stand in ordinary text as well. */
const SHORTEST_SECRET = 8;

/** What is a secret wherever it stands: the first group stays, the rest goes. */
const SECRET_TEXTS: readonly RegExp[] = [
  /()\bBearer\s+[A-Za-z0-9._~+/=-]{8,}/g,
  /(\bAuthorization:?\s+Basic\s+)[A-Za-z0-9+/]{8,}={0,2}/gi,
  /()\bsk-[A-Za-z0-9_-]{16,}/g,
  /()\bgh[a-z]_[A-Za-z0-9]{20,}/g,
  /()\bgithub_pat_\w{20,}/g,
  /()\bxox[a-z]-[A-Za-z0-9-]{10,}/g,
  /()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
  /()-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----)?/g,
  new RegExp(`()\\b${AGENT_TOKEN_PREFIX}[0-9a-f]{16,}`, 'g'),
  // https://user:password@host
  /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@'"]{0,200}:)[^\s/@'"]{1,200}(?=@)/gi,
  // NAME=value, as `env` prints it, and ?token=value.
  new RegExp(
    `((?:\\b|_)[A-Z0-9_]*(?:${SECRET_WORD})[A-Z0-9_]*(?<!file|path|dir|name|id)=)(?!\\d+\\b)["']?[^\\s"'&]{6,}["']?`,
    'gi',
  ),
];

/**
 * The values of an environment that must never be written: those of variables named like a key, a token or a password, and
 * the passwords in addresses of any.
 */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (SECRET_NAME.test(name)) return [value];
    const password = /:\/\/[^\s/:@]*:([^\s/@]+)@/.exec(value)?.[1];
    return password === undefined ? [] : [password];
  });
}

/** Whether one of the secrets stands in the text, or something that looks like one. */
export const holdsSecret = (text: string, secrets: readonly string[]): boolean => hiding(secrets)(text) !== text;

/**
 * Takes secrets out of text: the given values (from 8 characters on; also as JSON or an address writes them, wrapped into lines
 * as a terminal does, and the beginning of one at which the text was cut off) and what looks like one.
 */
export function hiding(secrets: readonly string[]): (text: string) => string {
  const known = [...new Set(secrets.map((secret) => secret.trim()))]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])])
    .sort((a, b) => b.length - a.length);
  const squeezed = known.map(withoutBreaks).filter((secret) => secret.length >= SHORTEST_SECRET);
  return (text) => {
    if (text.length < SHORTEST_SECRET) return text;
    let hidden = known.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
    for (const pattern of SECRET_TEXTS) hidden = hidden.replaceAll(pattern, `$1${REDACTED}`);
    if (hidden.includes('\n')) {
      const flat = withoutBreaks(hidden);
      hidden = squeezed.filter((secret) => flat.includes(secret)).reduce(withoutWrapped, hidden);
    }
    return known.reduce(withoutBeginning, hidden);
  };
}

/** White space, and the lines that boxes are drawn with. */
const BREAK = /[\s\u2500-\u257f]/;
const BREAKS = new RegExp(BREAK, 'g');
const withoutBreaks = (text: string): string => text.replaceAll(BREAKS, '');

/** A terminal breaks a long word anywhere, and may draw a box around it. */
function withoutWrapped(text: string, secret: string): string {
  const kept: number[] = [];
  let flat = '';
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charAt(index);
    if (BREAK.test(unit)) continue;
    flat += unit;
    kept.push(index);
  }
  let result = '';
  let done = 0;
  for (let found = flat.indexOf(secret); found >= 0; found = flat.indexOf(secret, found + secret.length)) {
    const from = kept[found] ?? 0;
    const to = (kept[found + secret.length - 1] ?? 0) + 1;
    const breaks = text.slice(from, to).replaceAll(/[^\n]/g, '');
    result += text.slice(done, from) + REDACTED + breaks;
    done = to;
  }
  return result + text.slice(done);
}

/** What was cut off in the middle of a secret still tells its beginning. */
function withoutBeginning(text: string, secret: string): string {
  const body = text.replace(/["'…]+$/u, '');
  for (let length = Math.min(secret.length - 1, body.length); length >= SHORTEST_SECRET; length -= 1) {
    if (body.endsWith(secret.slice(0, length)))
      return body.slice(0, body.length - length) + REDACTED + text.slice(body.length);
  }
  return text;
}
