import { mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { writeWhole } from '../../files/write-whole.ts';
import { readOrNull } from './claude-files.ts';
import { ProviderError } from './provider-error.ts';

/**
 * Whether Claude Code starts in this folder without its trust dialog, by its configuration file (see claudeConfigFile).
 * Trust of a folder above counts, and for a linked worktree trust of the main one. A file that is not there trusts
 * nothing; `unknown` when it cannot be read.
 */
export async function trustState(root: string, configFile: string): Promise<'trusted' | 'untrusted' | 'unknown'> {
  try {
    const text = await readOrNull(configFile);
    if (text === null) return 'untrusted';
    const { projects } = CONFIG.parse(JSON.parse(text));
    const folders = await foldersThatCount(root);
    return folders.some((folder) => projects[folder]?.hasTrustDialogAccepted === true) ? 'trusted' : 'untrusted';
  } catch {
    return 'unknown';
  }
}

/**
 * Records that the user trusts this folder, as the dialog would. Everything else in the file keeps its meaning, its
 * order, its indentation and its permission bits. Only to be called when the user asked for it. Rejects with a
 * ProviderError when the file cannot be changed safely.
 */
export async function trustFolder(root: string, configFile: string): Promise<void> {
  const folder = await realpath(root);
  // A file kept elsewhere by its owner stays a link.
  const file = await realpath(configFile).catch(() => configFile);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = await readOrNull(file);
    const after = withTrust(before ?? '{}\n', folder, file);
    // A Claude Code that runs writes the same file.
    if ((await readOrNull(file)) !== before) continue;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeWhole(file, after, before === null ? 0o600 : (await stat(file)).mode & 0o777);
    return;
  }
  throw cannot(file, 'somebody else keeps writing it');
}

const ATTEMPTS = 5;

const PROJECT = z.object({ hasTrustDialogAccepted: z.boolean().optional() });
const CONFIG = z.object({ projects: z.record(z.string(), PROJECT).default({}) });

async function foldersThatCount(root: string): Promise<string[]> {
  const start = await realpath(root);
  const main = await mainWorktree(start);
  return [...withParents(start), ...(main === null ? [] : withParents(main))];
}

function withParents(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...withParents(parent)];
}

/** In a linked worktree `.git` is a file that leads to `<main>/.git/worktrees/<name>`. Null for any other folder. */
async function mainWorktree(folder: string): Promise<string | null> {
  try {
    const link = /^gitdir: (.+)$/m.exec(await readFile(join(folder, '.git'), 'utf8'))?.[1];
    if (link === undefined) return null;
    const own = resolve(folder, link.trim());
    const common = (await readFile(join(own, 'commondir'), 'utf8')).trim();
    return await realpath(dirname(resolve(own, common)));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return null;
    throw error;
  }
}

function withTrust(text: string, folder: string, file: string): string {
  const config = parsed(text, file);
  const projects = objectOrEmpty(config['projects'], file);
  const trusted = { ...objectOrEmpty(projects[folder], file), hasTrustDialogAccepted: true };
  const changed = { ...config, projects: { ...projects, [folder]: trusted } };
  const indent = /^\{\r?\n([ \t]+)"/.exec(text)?.[1] ?? (text.trim() === '{}' ? '  ' : '');
  return JSON.stringify(changed, null, indent) + (text.endsWith('\n') ? '\n' : '');
}

function parsed(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text, (_key, item: unknown) => exact(item, file));
    return objectOrEmpty(value, file);
  } catch (error) {
    if (error instanceof SyntaxError) throw cannot(file, 'it is not JSON', error);
    throw error;
  }
}

function objectOrEmpty(value: unknown, file: string): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  if (isObject(value)) return value;
  throw cannot(file, `it holds ${JSON.stringify(value).slice(0, 40)} where an object belongs`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Writing a number of more digits than a double holds would change it. */
function exact(item: unknown, file: string): unknown {
  const lost = typeof item === 'number' && Number.isInteger(item) && !Number.isSafeInteger(item);
  if (lost) throw cannot(file, `it holds a number too large to be written back: ${item}`);
  return item;
}

function cannot(file: string, why: string, cause?: unknown): ProviderError {
  return new ProviderError(
    {
      reason: 'order',
      sentence: `${file} could not be changed: ${why}.`,
      hint: 'Start claude once in the folder and accept there.',
    },
    cause,
  );
}
