import { resolve } from 'node:path';
import { tellError, tellFaults } from '../app/tell.ts';
import type { ProblemView } from '../app/views.ts';
import type { ConfigFault } from '../config/faults.ts';
import { readEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { say, sayWithout } from '../config/say.ts';
import { hiding, secretsOf } from '../core/secrets.ts';
import type { PromptCommands, PromptFault } from '../doors/cli/prompts.ts';
import { readSamples, runTests } from '../prompts/expectations.ts';
import { readLibrary, type Library } from '../prompts/library.ts';
import { listVersions } from '../prompts/listing.ts';
import { settingFaults, type Settings } from '../prompts/serving.ts';
import { NONE, readUsage, usageFile, type Usage } from '../prompts/usage.ts';
import { validate, validateFiles } from '../prompts/validation.ts';
import { workspaceOf } from './link.ts';
import { packaged } from './package.ts';
import { promptPlaces } from './prompt-places.ts';
import { requestOf } from './supervisor-config.ts';

/** What `tmops prompts` does by itself, in the workspace that `cwd` is in; outside of one, with the prompts that ship. */
export function promptCommands(cwd: string): PromptCommands {
  return {
    async list() {
      const opened = await open(cwd);
      if (!opened.ok) return opened;
      const { library, settings, root } = opened;
      const read = await usageOf(root);
      if (!read.ok) return read;
      const faults = [...library.faults, ...settingFaults(library, settings)].map(told);
      return { ok: true, prompts: listVersions(library, settings, read.usage), faults: [...faults, ...read.faults] };
    },
    async validate(files) {
      const opened = await open(cwd);
      if (!opened.ok) return opened;
      const { library, settings } = opened;
      const { checked, faults } =
        files.length === 0
          ? validate(library, settings)
          : validateFiles(
              files.map((file) => resolve(cwd, file)),
              library,
              settings,
            );
      return { ok: true, checked, faults: faults.map(told) };
    },
    async test() {
      const opened = await open(cwd);
      if (!opened.ok) return opened;
      const samples = readSamples(packaged('config', 'prompts', 'samples.yaml'));
      if (!samples.ok) throw new Error(`Internal error: ${samples.faults.map(say).join('\n')}`);
      const faults = opened.library.faults.map(told);
      return { ok: true, results: runTests(opened.library, samples.samples), faults };
    },
  };
}

type UsageRead =
  | { readonly ok: true; readonly usage: Usage; readonly faults: readonly PromptFault[] }
  | { readonly ok: false; readonly problem: ProblemView };

/** Outside of a workspace nothing is counted. */
async function usageOf(root: string | null): Promise<UsageRead> {
  if (root === null) return { ok: true, usage: NONE, faults: [] };
  try {
    const { usage, damaged } = await readUsage(root);
    const file = usageFile(root);
    const text = `${file}:1:1: this cannot be understood; the next use puts it aside and counts anew`;
    return { ok: true, usage, faults: damaged ? [{ file, line: 1, column: 1, text }] : [] };
  } catch (error) {
    const problem = tellError(error);
    if (!problem) throw error;
    return { ok: false, problem };
  }
}

type Opened =
  | { readonly ok: true; readonly library: Library; readonly settings: Settings; readonly root: string | null }
  | { readonly ok: false; readonly problem: ProblemView };

async function open(cwd: string): Promise<Opened> {
  const found = await workspaceOf(cwd);
  const root = 'root' in found ? found.root : null;
  const env = readEnvironment();
  const loaded = loadConfig({ ...requestOf('', env), workspaceRoot: root });
  if (!loaded.ok) return { ok: false, problem: tellFaults(loaded.faults, sayWithout(hiding(secretsOf(env)))) };
  const { folders, settings } = promptPlaces(root, loaded);
  return { ok: true, library: readLibrary(folders), settings, root };
}

const told = (fault: ConfigFault): PromptFault => {
  const { file, line, column } = fault;
  return { file, line, column, text: say(fault) };
};
