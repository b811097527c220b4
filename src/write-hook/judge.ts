import { homedir, tmpdir } from 'node:os';
import { relative } from 'node:path';
import { writableBy, writeRulesWord, type WriteHookRules } from '../core/write-rules.ts';
import { placesOf } from './real-path.ts';

/** Why a tool may not write what it is about to, as a sentence for the model; null when nothing speaks against it. */
export function refusalOf(rules: WriteHookRules, event: unknown): string | null {
  const path = field(field(event, 'tool_input'), 'file_path') ?? field(field(event, 'tool_input'), 'notebook_path');
  // What names no file is no write that we know of; git shows what comes of it.
  if (typeof path !== 'string' || path === '') return null;
  const cwd = field(event, 'cwd');
  const places = placesOf(path.replace(/^~(?=\/)/, homedir()), typeof cwd === 'string' ? cwd : rules.worktree);
  const verdicts = places.map((place) => verdictOn(rules, place));
  return verdicts.find((verdict) => verdict !== null) ?? null;
}

function verdictOn(rules: WriteHookRules, place: string): string | null {
  const { role, worktree } = rules;
  const refused = (why: string): string => `tmops: the ${role} may not write ${shown(place)}: ${why}.`;
  const inFeature = below(place, rules.featureDir);
  if (inFeature !== null) return OWN_RECORDS.test(inFeature) ? refused("it is one of tmops' own records") : null;
  const inTree = below(place, worktree);
  if (inTree !== null) {
    if (/^\.(git|tmops)(\/|$)/.test(inTree)) return refused('it is no file of the project');
    return writableBy(rules)(inTree) ? null : refused(`it may write ${writeRulesWord(rules)}`);
  }
  if (rules.programDirs.some((folder) => below(place, folder) !== null)) return null;
  const isTemporary = ['/tmp', tmpdir()].some((folder) => below(place, folder) !== null);
  if (isTemporary && below(place, rules.workspaceRoot) === null) return null;
  return refused(`it lies outside of the worktree ${worktree}`);
}

/** The journal and the agents' folders, these rules among them. */
const OWN_RECORDS = /^runs\/[^/]+\/(agents(\/|$)|journal\.jsonl$|state\.json$)/;

/** The path relative to the folder; null when it is not in it. */
function below(place: string, folder: string): string | null {
  const [real = folder] = placesOf(folder, '/');
  const path = relative(real, place);
  return path === '' || path === '..' || path.startsWith('../') ? null : path;
}

const MOST_CHARS = 200;
const shown = (place: string): string => place.replaceAll(/\p{C}+/gu, '?').slice(-MOST_CHARS);

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
