import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkArguments } from '../../src/app/arguments.ts';
import { CATALOG } from '../../src/doors/mcp/resource-catalog.ts';
import { readUri, RESOURCES, RESOURCE_KINDS, templateOf, uriOf } from '../../src/doors/mcp/resource-uri.ts';
import { CONTROL, damaged, each, fuzz, FUZZ_TIMEOUT_MS, INPUTS, strung } from '../rig/fuzz.ts';
import { hostile, HOSTILE } from '../rig/hostile.ts';

const WHOLE = [
  'tmops://features',
  'tmops://features/auth-api/status',
  'tmops://features/auth-api/spec?from=2&lines=3',
  'tmops://features/auth-api/checkpoints/003-tests-complete.md?from=1',
  'tmops://features/auth-api/journal?after=12&limit=50',
  'tmops://features/auth-api/panes/tester?lines=5',
  'tmops://features/auth-api/logs/tester?level=info&component=pane&text=a%20b%26&after=0&limit=1',
  'tmops://features/auth-api/metrics',
];
const PIECES = [
  ...['tmops://', 'features', '/', '//', '..', '.', '%2e%2e', '%2F', '%00', '%', '%zz', '%F0%9F', '?', '&', '=', '#'],
  ...['auth-api', 'status', 'logs', 'tester', 'text', 'limit', '__proto__', 'constructor', '\0', '\n', '\ud800', '\\'],
];
const piece = fc.oneof(fc.constantFrom(...PIECES), hostile);
const uri = fc.oneof(
  damaged(WHOLE, piece),
  strung(piece, 12),
  strung(piece, 12).map((tail) => `tmops://features/auth-api/${tail}`),
  strung(piece, 6).map((query) => `tmops://features/auth-api/logs/tester?${query}`),
);

const NAME = /^[A-Za-z0-9-][A-Za-z0-9._-]{0,90}$/;

/** Null, or what is wrong: a URI is refused in words, or names one thing of ours by plain names. */
function wrongWith(given: string): string | null {
  const read = readUri(given);
  if (!read.ok) return read.why.length > 500 || CONTROL.test(read.why) || /[\r\n]/.test(read.why) ? read.why : null;
  const { kind, names, query } = read.target;
  const strange = Object.values(names).filter((name) => !NAME.test(name));
  if (strange.length > 0) return `it took ${strange.join(', ')}`;
  const words: readonly string[] = RESOURCES[kind].query;
  if (Object.keys(query).some((word) => !words.includes(word))) return 'it took another word';
  const again = readUri(uriOf(read.target));
  if (!again.ok || JSON.stringify(again.target) !== JSON.stringify(read.target))
    return 'it does not come back the same';
  const { request, input } = CATALOG[kind];
  const checked = checkArguments(request, input(read.target), { operation: templateOf(kind), argument: (key) => key });
  const said = checked.ok ? '' : `${checked.failure.sentence} ${checked.failure.hint}`;
  if (said.length > 2500 || CONTROL.test(said)) return `said ${said}`;
  const held = checked.ok ? checked.input : {};
  const feature = held['feature'] ?? 'auth-api';
  const isName = typeof feature === 'string' && /^[a-z0-9-]{3,20}$/.test(feature);
  return isName ? null : `asked for ${JSON.stringify(feature)}`;
}

test('whatever stands in a URI, it is refused in words or names one resource', { timeout: FUZZ_TIMEOUT_MS }, () => {
  fuzz(
    'URIs of resources',
    uri,
    (given) => {
      expect(wrongWith(given)).toBeNull();
    },
    INPUTS,
  );
});

test('texts that are known to do harm, in each place', () => {
  const places = WHOLE.flatMap((whole) =>
    HOSTILE.flatMap((text) => [
      text,
      whole + text,
      whole.replace('auth-api', text),
      whole.replace('tester', encodeURIComponent(text.replaceAll(/\p{Cs}/gu, ''))),
      `${whole}?text=${text}`,
    ]),
  );
  each('hostile URIs', places, (given) => {
    expect(wrongWith(given)).toBeNull();
  });
});

test('what is whole is read', () => {
  expect(WHOLE.map((whole) => readUri(whole)).every(({ ok }) => ok)).toBe(true);
  expect(
    new Set(
      WHOLE.map((whole) => {
        const read = readUri(whole);
        return read.ok ? read.target.kind : null;
      }),
    ),
  ).toEqual(new Set(RESOURCE_KINDS));
});
