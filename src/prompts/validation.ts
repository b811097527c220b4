import { realpathSync } from 'node:fs';
import type { ConfigFault } from '../config/faults.ts';
import { fileFault, readSource } from '../config/source.ts';
import type { Library } from './library.ts';
import { readPrompt } from './read-prompt.ts';
import { settingFaults, type Settings } from './serving.ts';
import { openTemplates } from './templates.ts';

export interface Validation {
  /** Files that were looked at: prompts and parts. */
  readonly checked: readonly string[];
  readonly faults: readonly ConfigFault[];
}

/** All that is wrong with prompts and parts, with what is configured of them, and with their templates. */
export function validate(library: Library, settings: Settings): Validation {
  const templates = openTemplates(library);
  const checked = [...library.prompts, ...library.parts].map(({ source }) => source.name);
  const faults = [
    ...library.faults,
    ...settingFaults(library, settings),
    ...templates.partFaults(),
    ...library.prompts.flatMap((prompt) => templates.faultsOf(prompt)),
  ];
  return { checked: [...new Set([...checked, ...library.faults.map(({ file }) => file)])], faults: distinct(faults) };
}

/** The same of single files (absolute), which may lie anywhere; they may use the parts of the library. */
export function validateFiles(files: readonly string[], library: Library, settings: Settings): Validation {
  const paths = files.map(real);
  const known = new Set([...library.prompts, ...library.parts].map(({ source }) => source.name));
  const faults: ConfigFault[] = [];
  const prompts = [...library.prompts];
  for (const path of paths.filter((each) => !known.has(each) && !library.faults.some(({ file }) => file === each))) {
    const read = readSource(path);
    if (read.kind === 'fault') faults.push(read.fault);
    else if (read.kind === 'absent') faults.push(fileFault('missing-file', path, 'a file that is there'));
    else {
      const prompt = readPrompt(read.source, 'workspace');
      if (prompt.ok) prompts.push(prompt.prompt);
      else faults.push(...prompt.faults);
    }
  }
  const whole = validate({ ...library, prompts }, settings);
  return { checked: paths, faults: [...faults, ...whole.faults.filter(({ file }) => paths.includes(file))] };
}

/** As the library calls it; a file that is not there stays as it was named. */
function real(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return file;
    throw error;
  }
}

/** A part is looked at by itself and again with each prompt that includes it. */
const distinct = (faults: readonly ConfigFault[]): ConfigFault[] => [
  ...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values(),
];
