import { readEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { readLibrary } from '../prompts/library.ts';
import { listPrompts, type PromptListing } from '../prompts/listing.ts';
import { workspaceOf } from './link.ts';
import { promptPlaces } from './prompt-places.ts';
import { requestOf } from './supervisor-config.ts';

/**
 * The prompts of the workspace that `cwd` is in, and outside of one those that ship; no supervisor is started for them. Where the
 * configuration is faulty the shipped ones are told, and what is wrong is said when one is asked for.
 */
export async function promptsFor(cwd: string): Promise<readonly PromptListing[]> {
  const found = await workspaceOf(cwd);
  const root = 'root' in found ? found.root : null;
  const own = root === null ? null : loadConfig(requestOf(root, readEnvironment()));
  const loaded = own?.ok ? own : loadConfig({ ...requestOf('', {}), workspaceRoot: null });
  if (!loaded.ok) throw new Error('Internal error: the shipped configuration is faulty');
  const { folders, settings } = promptPlaces(own?.ok ? root : null, loaded);
  return listPrompts(readLibrary(folders), settings);
}
