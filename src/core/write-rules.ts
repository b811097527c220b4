import picomatch from 'picomatch';
import type { WriteRules } from './workflow.ts';

/** What the hook in front of an agent's file tools goes by, as JSON. Paths are absolute. */
export interface WriteHookRules extends WriteRules {
  readonly role: string;
  readonly worktree: string;
  readonly workspaceRoot: string;
  /** `.tmops/<feature>`: reports go there, whatever the rules. */
  readonly featureDir: string;
  /** Folders where the agent's program itself has something written, as the plan in its plan mode. */
  readonly programDirs: readonly string[];
}

/**
 * Whether a path (relative to the worktree, with `/`) may be written. The one reading of the globs: the hook that stops
 * an agent and the check that looks at what git sees agree by it. Names that begin with a dot match like any other.
 */
export function writableBy({ allow, deny }: WriteRules): (path: string) => boolean {
  const isAllowed = allow === null ? (): boolean => true : matcher(allow);
  const isDenied = matcher(deny);
  return (path) => isAllowed(path) && !isDenied(path);
}

/** Those of the paths that the rules do not allow to be written. */
export function outside(rules: WriteRules, paths: readonly string[]): readonly string[] {
  const isWritable = writableBy(rules);
  return paths.filter((path) => !isWritable(path));
}

/** A function that says whether a path fits one of the globs. */
export function matcher(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  // A line break may stand in a name, and a dot of the pattern has to match it too.
  return picomatch(globs.map(patternOf), { dot: true, nonegate: true, windows: false, flags: 's' });
}

/** A plain path stands for itself and, should it be a folder, for all that is in it. */
function patternOf(glob: string): string {
  const trimmed = glob.replace(/^(\.\/)+/, '');
  const isPlain = trimmed.endsWith('/') || !/[*?[\]{}()!+@]/.test(trimmed);
  return isPlain ? `${trimmed.replace(/\/+$/, '')}/**` : trimmed;
}

/** What a role may write, for people: `test/** and tests/**`, or `nothing in the project`. */
export function writeRulesWord({ allow, deny }: WriteRules): string {
  if (allow?.length === 0) return 'nothing in the project';
  const may = allow === null ? 'everything' : listed(allow);
  return deny.length === 0 ? may : `${may} but ${listed(deny)}`;
}

const listed = (globs: readonly string[]): string =>
  globs.length < 2 ? (globs[0] ?? '') : `${globs.slice(0, -1).join(', ')} and ${globs.at(-1) ?? ''}`;
