import { allowedFor } from './arguments.ts';
import type { Library } from './library.ts';
import type { PromptFile } from './read-prompt.ts';
import { concerns, faceOf, namesOf, servingOf, settingFaults, type Settings } from './serving.ts';
import type { Usage } from './usage.ts';

/** A prompt as a client is told of it. */
export interface PromptListing {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly { readonly name: string; readonly description: string; readonly required: boolean }[];
}

/** What is served, by name. A prompt that cannot be used is left out; who asks for it by name is told why. */
export function listPrompts(library: Library, settings: Settings): PromptListing[] {
  const faults = [...library.faults, ...settingFaults(library, settings)];
  return namesOf(library).flatMap((name) => {
    const serving = servingOf(name, library, settings);
    if (!serving || faults.some((fault) => concerns(fault, name))) return [];
    const { title, description, arguments: all } = faceOf(serving);
    return [{ name, title, description, arguments: all.map(argumentOf) }];
  });
}

const argumentOf = (argument: PromptFile['arguments'][number]): PromptListing['arguments'][number] => {
  const { name, description, required, type } = argument;
  return { name, description: type === 'enum' ? `${description}; ${allowedFor(argument)}` : description, required };
};

/** One version of a prompt, how it is served, and what its uses came to. */
export interface VersionListing extends PromptListing {
  readonly version: string;
  readonly tags: readonly string[];
  readonly origin: 'shipped' | 'workspace';
  readonly file: string;
  /** Of a hundred uses, how many get this version. */
  readonly share: number;
  /** Why: highest | pinned | compared; null where it is not served. */
  readonly served: string | null;
  readonly uses: number;
  /** Uses about a run, and after how many of these the run moved on within an hour. */
  readonly watched: number;
  readonly movedOn: number;
  /** ISO 8601, UTC; null where it was never used. */
  readonly lastAt: string | null;
}

export function listVersions(library: Library, settings: Settings, usage: Usage): VersionListing[] {
  return library.prompts.map((prompt) => {
    const { name, version, title, description, tags, origin, source } = prompt;
    const used = usage.versions[`${name}@${version}`];
    return {
      ...{ name, version, title, description, tags, origin, file: source.name },
      arguments: prompt.arguments.map(argumentOf),
      ...servedAs(prompt, library, settings),
      uses: used?.uses ?? 0,
      watched: used?.watched ?? 0,
      movedOn: used?.movedOn ?? 0,
      lastAt: used?.lastAt ?? null,
    };
  });
}

function servedAs(prompt: PromptFile, library: Library, settings: Settings): Pick<VersionListing, 'share' | 'served'> {
  const serving = servingOf(prompt.name, library, settings);
  if (serving?.kind !== 'compared')
    return serving?.prompt === prompt ? { share: 100, served: serving.kind } : { share: 0, served: null };
  const [first, second] = serving.prompts;
  const { split } = serving.comparison;
  if (prompt !== first && prompt !== second) return { share: 0, served: null };
  return { share: prompt === second ? split : 100 - split, served: serving.kind };
}
