import type { ConfigFault } from '../config/faults.ts';
import { say } from '../config/say.ts';
import { BAD_PROMPT_ARGUMENTS } from '../core/prompt-names.ts';
import { readArguments, type ArgumentsRead } from './arguments.ts';
import { DATA_NAMES, type DataName } from './front-matter.ts';
import { marked } from './foreign-text.ts';
import { readLibrary, type Library, type PromptFolders } from './library.ts';
import type { PromptFile } from './read-prompt.ts';
import {
  concerns,
  faceOf,
  namesOf,
  servingOf,
  settingFaults,
  versionsOf,
  type Serving,
  type Settings,
} from './serving.ts';
import { comparisonKey, versionAt } from './split.ts';
import { openTemplates, type Templates } from './templates.ts';

export interface Problem {
  readonly code: string;
  readonly sentence: string;
  readonly hint: string;
}

type Told<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly problem: Problem };

/** What is served for one request. */
export interface Choice {
  readonly prompt: PromptFile;
  readonly why: 'highest' | 'pinned' | 'compared' | 'asked';
  /** The comparison that it was drawn in; null outside of one. */
  readonly comparison: string | null;
}

/** The outputs of operations that a template is given; null where there is none. */
export type PromptData = Readonly<Partial<Record<DataName, unknown>>>;

export interface Shelf {
  /** The prompt that tells which arguments a name takes. */
  face(name: string, version?: string): Told<{ readonly prompt: PromptFile }>;
  check(prompt: PromptFile, given: Readonly<Record<string, string>>): ArgumentsRead;
  /** What is served now; `turnOf` says how many turns of a comparison were taken. */
  choose(
    name: string,
    version: string | undefined,
    turnOf: (comparison: string) => number,
  ): Told<{ readonly choice: Choice }>;
  render(
    prompt: PromptFile,
    values: Readonly<Record<string, unknown>>,
    given: {
      readonly data: PromptData;
      readonly problems: Readonly<Record<string, unknown>>;
      readonly boundary: string;
    },
  ): Told<{ readonly text: string }>;
}

/** The prompts of a workspace as they are on disk now. */
export function openShelf(folders: PromptFolders, settings: Settings): Shelf {
  const library = readLibrary(folders);
  const faults = [...library.faults, ...settingFaults(library, settings)];
  let templates: Templates | null = null;
  const face: Shelf['face'] = (name, version) => {
    const fault = faults.find((each) => concerns(each, name));
    if (fault) return { ok: false, problem: unusable(name, fault) };
    const serving = servingOf(name, library, settings);
    if (!serving) return { ok: false, problem: unknownPrompt(name, library) };
    if (version === undefined) return { ok: true, prompt: faceOf(serving) };
    const prompt = versionsOf(name, library).find((each) => each.version === version);
    return prompt ? { ok: true, prompt } : { ok: false, problem: unknownVersion(name, version, library) };
  };
  return {
    face,
    check: readArguments,
    choose(name, version, turnOf) {
      const found = face(name, version);
      if (!found.ok) return found;
      const serving = version === undefined ? servingOf(name, library, settings) : null;
      if (!serving) return { ok: true, choice: { prompt: found.prompt, why: 'asked', comparison: null } };
      return { ok: true, choice: chosen(name, serving, turnOf) };
    },
    render(prompt, values, { data, problems, boundary }) {
      templates ??= openTemplates(library);
      const made = templates.render(prompt, scopeOf(prompt, values, data, problems), boundary);
      return made.ok ? made : { ok: false, problem: unusable(prompt.name, made.fault) };
    },
  };
}

function chosen(name: string, serving: Serving, turnOf: (comparison: string) => number): Choice {
  if (serving.kind !== 'compared') return { prompt: serving.prompt, why: serving.kind, comparison: null };
  const { comparison, prompts } = serving;
  const key = comparisonKey(name, comparison);
  const version = versionAt(name, comparison, turnOf(key));
  return { prompt: prompts.find((each) => each.version === version) ?? prompts[0], why: 'compared', comparison: key };
}

/** What a template sees. Data that others made is marked, so that it never stands bare in the text. */
export function scopeOf(
  prompt: PromptFile,
  values: Readonly<Record<string, unknown>>,
  data: PromptData,
  problems: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const outputs = DATA_NAMES.filter((name) => prompt.data.includes(name)).map((name): [string, unknown] => [
    name,
    marked(data[name] ?? null),
  ]);
  const { name, version } = prompt;
  return { ...values, ...Object.fromEntries<unknown>(outputs), problems: marked(problems), prompt: { name, version } };
}

const unusable = (name: string, fault: ConfigFault): Problem => ({
  code: 'prompt-unusable',
  sentence: `The prompt ${name} cannot be used: ${say(fault)}`,
  hint: 'tmops prompts validate says all that is wrong with the prompts.',
});

const unknownPrompt = (name: string, library: Library): Problem => ({
  code: BAD_PROMPT_ARGUMENTS,
  sentence: `There is no prompt ${JSON.stringify(name.slice(0, 60))}.`,
  hint: `Prompts: ${namesOf(library).join(', ')}.`,
});

const unknownVersion = (name: string, version: string, library: Library): Problem => ({
  code: BAD_PROMPT_ARGUMENTS,
  sentence: `The prompt ${name} has no version ${JSON.stringify(version.slice(0, 60))}.`,
  hint: `Versions: ${versionsOf(name, library)
    .map((each) => each.version)
    .join(', ')}.`,
});
