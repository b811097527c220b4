import type * as z from 'zod';
import type { ConfigFault, FaultKind, KeyPath } from './faults.ts';
import { dotted } from './faults.ts';
import { nearest } from './nearest.ts';
import { accepts, expectation, keysOf, leavesOf, shapeAt, typeName } from './shape.ts';
import type { Shape } from './shape.ts';
import { faultAt } from './source.ts';
import type { Place } from './source.ts';
import { find, plainOf } from './tree.ts';
import type { Tree } from './tree.ts';

export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** Reads a tree by a schema; each issue becomes a fault at the place of its key or value. */
export function check<T>(tree: Tree, schema: z.ZodType<T>, shape: Shape): Checked<T> {
  const plain = plainOf(tree, shape);
  // Every default wording becomes empty, so that what is left was written into the schema by hand.
  const result = schema.safeParse(plain, { error: () => '' });
  if (result.success) return { ok: true, value: result.data };
  const wrongs = flatten(result.error.issues, []);
  return { ok: false, faults: wrongs.filter(unexplained).map((wrong) => faultOf(wrong, tree, plain, shape)) };
}

/** What is wrong with a map because a key in it is unknown need not be said twice. */
function unexplained(wrong: Wrong, _: number, all: readonly Wrong[]): boolean {
  const inside = (other: Wrong): boolean =>
    other.about === 'unknown' && dotted(other.path.slice(0, -1)) === dotted(wrong.path);
  return wrong.about !== 'value' || !all.some(inside);
}

/** One thing wrong at one path. `unknown` and `badName` are about the key itself. */
interface Wrong {
  readonly path: KeyPath;
  readonly about: 'value' | 'unknown' | 'badName';
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

function flatten(issues: readonly Issue[], above: KeyPath): Wrong[] {
  return issues.flatMap((issue) => {
    const path = [...above, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key): Wrong => ({ path: [...path, key], about: 'unknown', message: issue.message }));
    }
    if (issue.code === 'invalid_key') return [{ path, about: 'badName', message: issue.issues[0]?.message ?? '' }];
    if (issue.code === 'invalid_union') return flattenUnion(issue.errors, path, issue.message);
    return [{ path, about: 'value', message: issue.message }];
  });
}

/** The alternative with the fewest faults is the one that was meant, if it got further than the value itself. */
function flattenUnion(errors: readonly (readonly Issue[])[], path: KeyPath, message: string): Wrong[] {
  const inner = errors
    .map((issues) => flatten(issues, path))
    .filter((wrongs) => wrongs.some((wrong) => wrong.path.length > path.length))
    .sort((left, right) => left.length - right.length);
  return inner[0] ?? [{ path, about: 'value', message }];
}

function faultOf(wrong: Wrong, tree: Tree, plain: unknown, shape: Shape): ConfigFault {
  const { path, about } = wrong;
  const found = find(tree, path);
  const here = shapeAt(shape, path);
  if (about === 'unknown') return unknownKey(path, found.key ?? found.place, shape);
  if (about === 'badName') {
    return faultAt('bad-key', found.key ?? found.place, path, { expected: wrong.message || 'another name' });
  }
  const expected = wrong.message === '' ? expectation(here) : wrong.message;
  if (!found.exists) return faultAt('missing-key', found.key ?? found.place, path, { expected });
  const type = typeName(valueAt(plain, path));
  const kind: FaultKind = accepts(here, type) ? 'bad-value' : 'wrong-type';
  const quote = kind === 'wrong-type' && accepts(here, 'string') && (type === 'number' || type === 'boolean');
  return faultAt(kind, found.place, path, {
    expected: quote ? `${expected} (a number or true as text needs quotes)` : expected,
  });
}

/** A key may also be right and stand in the wrong place: then the whole path is the better suggestion. */
function unknownKey(path: KeyPath, place: Place, shape: Shape): ConfigFault {
  const name = String(path.at(-1));
  const siblings = keysOf(shapeAt(shape, path.slice(0, -1)));
  const elsewhere = leavesOf(shape).filter((leaf) => leaf.path.at(-1) === name);
  const close = nearest(name, siblings) ?? (elsewhere[0] ? dotted(elsewhere[0].path) : null);
  const expected = siblings.length > 0 ? `one of ${siblings.join(', ')}` : 'no key here';
  return faultAt('unknown-key', place, path, { expected, ...(close === null ? {} : { nearest: close }) });
}

function valueAt(plain: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (here, step) =>
      typeof here === 'object' && here !== null
        ? Object.entries(here).find(([key]) => key === String(step))?.[1]
        : undefined,
    plain,
  );
}
