import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { ConfigFault } from '../config/faults.ts';
import { fileFault, readSource, trustWords, type Source } from '../config/source.ts';
import { byVersion } from '../core/prompt-names.ts';
import { distrustOf } from '../files/trust.ts';
import { readPrompt, type Origin, type PromptFile, type TemplateText } from './read-prompt.ts';

/** Where prompts are looked for. Absolute; `workspace` is null where there is none, and need not be there. */
export interface PromptFolders {
  readonly shipped: string;
  readonly workspace: string | null;
}

/** A template that others include or extend: a file whose name begins with `_`. */
export interface Part extends TemplateText {
  readonly name: string;
  readonly origin: Origin;
}

export interface Library {
  /** By name and version; of one version, the workspace's stands in place of the shipped. */
  readonly prompts: readonly PromptFile[];
  /** All that ship, also those that the workspace replaces: they can be extended. */
  readonly shipped: readonly PromptFile[];
  readonly parts: readonly Part[];
  /** What cannot be used, each at its place. The name of a prompt is that of its file. */
  readonly faults: readonly ConfigFault[];
}

/** Files of one folder; more are no prompts written by hand. */
const MOST_FILES = 200;
const NAMED = /^(?:_[a-z][a-z0-9-]{0,39}|[a-z][a-z0-9-]{0,39}(?:@[0-9.]{5,17})?)\.md$/;

/** Reads all prompts of both folders. Never throws for what it reads; no link is followed out of its folder. */
export function readLibrary({ shipped, workspace }: PromptFolders): Library {
  const folders = [readFolder(shipped, 'shipped'), ...(workspace === null ? [] : [readFolder(workspace, 'workspace')])];
  const prompts = new Map<string, PromptFile>();
  const faults = folders.flatMap((folder) => folder.faults);
  for (const prompt of folders.flatMap((folder) => folder.prompts)) {
    const key = `${prompt.name}@${prompt.version}`;
    const other = prompts.get(key);
    if (other?.origin === prompt.origin)
      faults.push(prompt.blame(['version'], `another version: ${other.source.name} is ${key} too`));
    else prompts.set(key, prompt);
  }
  return {
    prompts: inOrder([...prompts.values()]),
    shipped: inOrder(folders[0]?.prompts ?? []),
    parts: folders.flatMap((folder) => folder.parts),
    faults,
  };
}

/** The name of the prompt that a file would be, were it right. */
export const nameOfFile = (file: string): string => /([^/@]*)(?:@[^/]*)?\.md$/.exec(file)?.[1] ?? '';

const inOrder = (prompts: readonly PromptFile[]): PromptFile[] =>
  prompts.toSorted((a, b) => compare(a.name, b.name) || byVersion(a.version, b.version));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

interface Folder {
  readonly prompts: PromptFile[];
  readonly parts: Part[];
  readonly faults: ConfigFault[];
}

function readFolder(folder: string, origin: Origin): Folder {
  const read: Folder = { prompts: [], parts: [], faults: [] };
  const listed = namesIn(folder, origin);
  if ('fault' in listed) return { ...read, faults: listed.fault === null ? [] : [listed.fault] };
  for (const name of listed.names.slice(0, MOST_FILES)) {
    const found = readFile(folder, name, origin);
    if ('fault' in found) read.faults.push(found.fault);
    else if (name.startsWith('_')) {
      const { source } = found;
      read.parts.push({ name: name.slice(0, -'.md'.length), origin, source, line: 0, body: source.text });
    } else {
      const prompt = readPrompt(found.source, origin);
      if (prompt.ok) read.prompts.push(prompt.prompt);
      else read.faults.push(...prompt.faults);
    }
  }
  if (listed.names.length > MOST_FILES)
    read.faults.push(fileFault('too-large', folder, `at most ${MOST_FILES} prompts in a folder`));
  return read;
}

/** What else stands beside prompts, such as a README.md, is left alone. */
function namesIn(folder: string, origin: Origin): { names: string[] } | { fault: ConfigFault | null } {
  // Whoever may write into it can put another file in the place of one.
  const distrust = origin === 'workspace' ? distrustOf(folder) : null;
  if (distrust) return { fault: fileFault('untrusted-file', folder, trustWords(folder, distrust)) };
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md');
    return { names: names.sort() };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === '') throw error;
    return { fault: code === 'ENOENT' ? null : fileFault('unreadable-file', folder, `a folder (${code})`) };
  }
}

function readFile(folder: string, name: string, origin: Origin): { source: Source } | { fault: ConfigFault } {
  const path = join(folder, name);
  if (!NAMED.test(name)) {
    const expected = 'a name such as unblock.md, unblock@1.2.0.md or _part.md (a-z, 0-9, -)';
    return { fault: fileFault('wrong-file', path, expected) };
  }
  if (leadsOut(folder, path))
    return { fault: fileFault('wrong-file', path, `a file in ${folder}, and no link out of it`) };
  const read = readSource(path, origin === 'workspace' ? 'ours' : 'anyones');
  if (read.kind === 'read') return { source: read.source };
  return { fault: read.kind === 'fault' ? read.fault : fileFault('missing-file', path, 'this file') };
}

/** A link whose end is gone leads nowhere, which is out of the folder as well. */
function leadsOut(folder: string, path: string): boolean {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return false;
  try {
    return !realpathSync(path).startsWith(`${realpathSync(folder)}${sep}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return true;
    throw error;
  }
}
