import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { distrustOf } from '../files/trust.ts';
import type { ConfigFault } from './faults.ts';
import type { Located } from './located.ts';
import { nearest } from './nearest.ts';
import { trustWords } from './source.ts';

/** Where documents are looked for. Absolute paths. */
export interface DocumentPlaces {
  readonly workspaceRoot: string;
  /** Folder of the installed package, which holds `config/` and `layouts/`. */
  readonly packageDir: string;
}

export interface Refused {
  readonly ok: false;
  readonly faults: readonly ConfigFault[];
}

export const refused = (fault: ConfigFault): Refused => ({ ok: false, faults: [fault] });

export type NamedDocument = 'workflow' | 'layout';

/**
 * The path of the document that the configuration names under `key`. A plain name is a shipped one; one with a slash or
 * an ending is a file of the project. `where` is where the name was given.
 */
export function findDocument(
  key: NamedDocument,
  name: string,
  where: Pick<Located, 'blame'>,
  places: DocumentPlaces,
): { readonly ok: true; readonly path: string } | Refused {
  if (/^[a-z0-9-]+$/i.test(name)) {
    const shipped = shippedNames(key, places);
    if (shipped.includes(name)) return { ok: true, path: shippedPath(key, name, places) };
    const expected = `one of ${shipped.join(', ')}, or a file of the project such as tools/${key}.yaml`;
    return refused(suggesting(where.blame([key], expected), name, shipped));
  }
  const path = isAbsolute(name) ? name : join(places.workspaceRoot, name);
  const distrust = distrustOf(path);
  if (distrust) return refused({ ...where.blame([key], trustWords(path, distrust)), kind: 'untrusted-file' });
  if (existsSync(path)) return { ok: true, path };
  return refused({ ...where.blame([key], `a file ${path}`), kind: 'missing-file' });
}

/**
 * Whether a name leads out of the project. What the human wrote into the configuration may; what a client asks for may
 * not, since a fault quotes the file it is in.
 */
export function leadsOut(name: string, { workspaceRoot }: DocumentPlaces): boolean {
  const path = resolve(workspaceRoot, name);
  if (isBelow(path, workspaceRoot))
    return existsSync(path) && !isBelow(realpathSync(path), realpathSync(workspaceRoot));
  return true;
}

const isBelow = (path: string, folder: string): boolean => {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

/** Names of the shipped documents of one kind, in alphabetical order. */
export const shippedNames = (key: NamedDocument, { packageDir }: DocumentPlaces): string[] =>
  readdirSync(join(packageDir, SHIPPED_IN[key]))
    .flatMap((file) => /^(.+)\.yaml$/.exec(file)?.slice(1, 2) ?? [])
    .sort();

export const shippedPath = (key: NamedDocument, name: string, { packageDir }: DocumentPlaces): string =>
  join(packageDir, SHIPPED_IN[key], `${name}.yaml`);

const SHIPPED_IN: Readonly<Record<NamedDocument, string>> = { workflow: 'config/workflows', layout: 'layouts' };

/** The fault with the allowed name nearest to what was found, if one is near. */
export function suggesting(fault: ConfigFault, found: string, allowed: readonly string[]): ConfigFault {
  const close = nearest(found, allowed);
  return close === null ? fault : { ...fault, nearest: close };
}
