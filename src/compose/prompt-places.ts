import { resolve } from 'node:path';
import type { ConfigResult } from '../config/load.ts';
import type { PromptFolders } from '../prompts/library.ts';
import type { Settings } from '../prompts/serving.ts';
import { packaged } from './package.ts';

/** Where prompts are, and how they are served; `loaded` is the configuration of the workspace at `root`. */
export function promptPlaces(
  root: string | null,
  loaded: Extract<ConfigResult, { ok: true }>,
): { readonly folders: PromptFolders; readonly settings: Settings } {
  const { prompts } = loaded.config;
  return {
    folders: { shipped: packaged('config', 'prompts'), workspace: root === null ? null : resolve(root, prompts.dir) },
    settings: { prompts, where: loaded },
  };
}
