import type { AddedLine } from '../../engine/role-ports.ts';
import { mustGit, type RunGit } from './run.ts';
import { treeOf } from './snapshot.ts';

/** Larger files are not read by people either. Both sides count, since git prints what was removed as well. */
const LARGEST = 1024 * 1024;
/** Of one call to git, which prints at most what these files hold. */
const MOST_FILES = 200;
const MOST_BYTES = 8 * 1024 * 1024;
const LONGEST_LINE = 2_000;

/**
 * The lines added between the commit `since` and the files as they are; see `ProjectFiles.addedLines`. Files with a NUL are
 * left out; what the project's `.gitattributes` call binary is not, since an agent may write those.
 */
export async function addedLines(
  run: RunGit,
  path: string,
  since: string,
  limit: number,
): Promise<readonly AddedLine[]> {
  const tree = await treeOf(run, path);
  let lines: readonly AddedLine[] = [];
  for (const batch of batches(await sized(run, path, since, tree))) {
    if (lines.length >= limit) break;
    const args = ['diff-tree', '-r', '-p', '-U0', '--text', '--no-renames', '--no-ext-diff', '--no-textconv'];
    const names = ['--no-color', '--src-prefix=a/', '--dst-prefix=b/', '--end-of-options', since, tree, '--', ...batch];
    const call = { env: { GIT_LITERAL_PATHSPECS: '1' }, long: true };
    const patch = await mustGit(run, path, ['-c', 'core.quotePath=false', ...args, ...names], call);
    lines = lines.concat(parsePatch(patch));
  }
  return lines.slice(0, Math.max(0, limit));
}

interface Sized {
  readonly path: string;
  /** Of both sides together, in bytes. */
  readonly bytes: number;
}

/** Regular files that were added or changed and are small enough, in the order of their paths. */
async function sized(run: RunGit, path: string, since: string, tree: string): Promise<readonly Sized[]> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', '--end-of-options', since, tree, '--'];
  const words = (await mustGit(run, path, args, { long: true })).split('\0');
  const changed = words.flatMap((word, at) => {
    const [, from, to, old, now] = /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) [AMT]$/.exec(word) ?? [];
    const file = words[at + 1];
    if (!isRegular(to) || file === undefined || /^\.tmops(?:\/|$)/.test(file)) return [];
    return [{ path: file, objects: [now ?? '', ...(isRegular(from) ? [old ?? ''] : [])] }];
  });
  const sizes = await sizesOf(run, path, [...new Set(changed.flatMap(({ objects }) => objects))]);
  return changed
    .map(({ path: file, objects }) => ({ path: file, all: objects.map((object) => sizes.get(object) ?? Infinity) }))
    .filter(({ all }) => all.every((bytes) => bytes <= LARGEST))
    .map(({ path: file, all }) => ({ path: file, bytes: all.reduce((sum, each) => sum + each, 0) }))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
}

const isRegular = (mode: string | undefined): boolean => mode === '100644' || mode === '100755';

async function sizesOf(run: RunGit, path: string, objects: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (objects.length === 0) return new Map();
  const args = ['cat-file', '--batch-check=%(objectname) %(objectsize)'];
  const text = await mustGit(run, path, args, { input: `${objects.join('\n')}\n`, long: true });
  return new Map(
    text.split('\n').map((line): [string, number] => {
      const [object = '', size = ''] = line.split(' ');
      return [object, /^\d+$/.test(size) ? Number(size) : Infinity];
    }),
  );
}

function batches(files: readonly Sized[]): readonly (readonly string[])[] {
  const all: string[][] = [];
  let bytes = Infinity;
  for (const file of files) {
    bytes += file.bytes;
    const last = all.at(-1);
    if (last === undefined || bytes > MOST_BYTES || last.length >= MOST_FILES) {
      all.push([file.path]);
      bytes = file.bytes;
    } else last.push(file.path);
  }
  return all;
}

/**
 * Reads the added lines of `git diff-tree -p -U0`. The head of a hunk tells how many lines follow, so that none of them can
 * pass for a head.
 */
export function parsePatch(text: string): readonly AddedLine[] {
  const found = new Map<string, AddedLine[]>();
  const binary = new Set<string>();
  let path = '';
  let [removed, added, line] = [0, 0, 0];
  for (const row of text.split('\n')) {
    if (removed > 0 && row.startsWith('-')) removed -= 1;
    else if (added > 0 && row.startsWith('+')) {
      const words = row.slice(1).replace(/\r$/, '');
      if (words.includes('\0')) binary.add(path);
      found.get(path)?.push({ path, line, text: words.slice(0, LONGEST_LINE) });
      line += 1;
      added -= 1;
    } else if (removed === 0 && added === 0) {
      const hunk = HUNK.exec(row);
      if (hunk) [removed, line, added] = [countOf(hunk[1]), Number(hunk[2]), countOf(hunk[3])];
      else if (row.startsWith('+++ ')) found.set((path = nameOf(row.slice('+++ '.length))), []);
    }
  }
  return [...found].flatMap(([file, lines]) => (binary.has(file) ? [] : lines));
}

const HUNK = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;
const countOf = (word: string | undefined): number => (word === undefined ? 1 : Number(word));

/** `b/a name` with a tab behind where it has a space, or in quotes as C writes them. */
function nameOf(shown: string): string {
  const inQuotes = /^"(.*)"\t?$/s.exec(shown)?.[1];
  const name = inQuotes === undefined ? shown.replace(/\t$/, '') : inQuotes.replaceAll(ESCAPED, plainOf);
  return name.replace(/^b\//, '');
}

const ESCAPED = /\\([abtnvfr"\\]|[0-7]{3})/g;
const PLAIN: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
};

/** Bytes from 128 on stand as they are, since `core.quotePath` is off. */
const plainOf = (_all: string, code: string): string =>
  PLAIN[code] ?? (code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : code);
