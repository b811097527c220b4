import type { ConfigFault } from '../config/faults.ts';
import type { Located } from '../config/located.ts';
import { nearest } from '../config/nearest.ts';
import type { Config } from '../config/schema.ts';
import { nameOfFile, type Library } from './library.ts';
import type { PromptFile } from './read-prompt.ts';
import type { Comparison } from './split.ts';

/** Which version of a prompt whoever asks for none gets. */
export type Serving =
  | { readonly kind: 'highest' | 'pinned'; readonly prompt: PromptFile }
  | { readonly kind: 'compared'; readonly prompts: readonly [PromptFile, PromptFile]; readonly comparison: Comparison };

export interface Settings {
  readonly prompts: Pick<Config['prompts'], 'use' | 'compare'>;
  readonly where: Pick<Located, 'blame'>;
}

/** What is served under a name; null for a name that nobody has. A setting that names no prompt is a fault. */
export function servingOf(name: string, library: Library, { prompts }: Settings): Serving | null {
  const versions = versionsOf(name, library);
  const pinned = versions.find(({ version }) => version === own(prompts.use, name));
  if (pinned) return { kind: 'pinned', prompt: pinned };
  const compared = own(prompts.compare, name);
  const [first, second] = (compared?.versions ?? []).map((version) =>
    versions.find((each) => each.version === version),
  );
  if (compared && first && second) {
    const comparison: Comparison = { versions: [first.version, second.version], split: compared.split };
    return { kind: 'compared', prompts: [first, second], comparison };
  }
  // What the workspace has under a name stands in place of what ships.
  const highest = versions.findLast(({ origin }) => origin === 'workspace') ?? versions.at(-1);
  return highest ? { kind: 'highest', prompt: highest } : null;
}

/** The prompt that tells what a name is: of two that are compared, the first. */
export const faceOf = (serving: Serving): PromptFile =>
  serving.kind === 'compared' ? serving.prompts[0] : serving.prompt;

/** Names and versions in the settings that there are not, and comparisons of prompts that take different arguments. */
export function settingFaults(library: Library, { prompts, where }: Settings): ConfigFault[] {
  const named = [
    ...Object.entries(prompts.use).map(([name, version]) => ({
      path: ['prompts', 'use', name],
      name,
      versions: [version],
    })),
    ...Object.entries(prompts.compare).map(([name, { versions }]) => ({
      ...{ path: ['prompts', 'compare', name], name },
      versions: [...versions],
    })),
  ];
  return named.flatMap(({ path, name, versions }) => {
    const known = versionsOf(name, library);
    if (known.length === 0) {
      const names = namesOf(library);
      const close = nearest(name, names);
      const fault = where.blame(path, `a prompt that is there: ${names.join(', ')}`);
      return [close === null ? fault : { ...fault, nearest: close }];
    }
    const missing = versions.find((version) => !known.some((each) => each.version === version));
    const all = known.map(({ version }) => version).join(', ');
    if (missing !== undefined) return [where.blame(path, `a version of ${name} that is there: ${all}`)];
    const [first, second] = versions.map((version) => known.find((each) => each.version === version));
    if (versions.length === 2 && first === second) return [where.blame(path, 'two different versions')];
    if (!first || !second || taken(first) === taken(second)) return [];
    return [where.blame(path, 'two versions that take the same arguments: a client is told only one list of them')];
  });
}

/** Whether a fault keeps a prompt from being used: one of its file, of a part, of a whole folder, or of its setting. */
export function concerns(fault: ConfigFault, name: string): boolean {
  const setting = /^prompts\.(?:use|compare)\.([^.[]+)/.exec(fault.key)?.[1];
  if (setting !== undefined) return setting === name;
  // A folder that is not used at all.
  if (!fault.file.endsWith('.md')) return true;
  const file = nameOfFile(fault.file);
  return file === name || file.startsWith('_');
}

export const versionsOf = (name: string, { prompts }: Library): PromptFile[] =>
  prompts.filter((prompt) => prompt.name === name);

/** In alphabetical order, each once. */
export const namesOf = ({ prompts }: Library): string[] => [...new Set(prompts.map(({ name }) => name))];

const taken = (prompt: PromptFile): string =>
  JSON.stringify(prompt.arguments.map(({ name, type, required, values }) => [name, type, required, values]));

const own = <T>(map: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(map, name) ? map[name] : undefined;
