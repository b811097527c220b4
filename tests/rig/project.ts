import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { InitOrder } from '../../src/core/init.ts';
import { openGit } from '../../src/adapters/git/open.ts';
import { openProject, type Project } from '../../src/adapters/project/open.ts';
import type { ProjectOptions } from '../../src/adapters/project/work.ts';
import type { SampleRepo } from './repo.ts';

export const SPEC_TEMPLATE = new URL('../../config/TASK_SPEC.template.md', import.meta.url).pathname;

/** The project adapter on real git, with the repository's environment. */
export function projectOf(repo: SampleRepo, options: Partial<ProjectOptions> = {}): Project {
  const { environment } = repo;
  return openProject({ git: openGit({ environment }), environment, ...options });
}

/** An order for the feature `auth-api` with a worktree beside the repository. */
export function orderFor(repo: SampleRepo, changes: Partial<InitOrder> = {}): InitOrder {
  const feature = changes.feature ?? 'auth-api';
  return {
    workspaceRoot: repo.root,
    feature,
    runType: 'initial',
    isolation: 'worktree',
    worktreePath: join(`${repo.root}.tmops`, feature),
    toolsDir: repo.toolsDir,
    specTemplateFile: SPEC_TEMPLATE,
    copy: [],
    nowIso: '2025-03-04T05:06:07.000Z',
    session: 'test',
    ...changes,
  };
}

/** Everything below a folder: `path` → its text, `-> target` of a link, or `/` for a folder, each with its mode. */
export async function treeOf(folder: string, at = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(join(folder, at))).sort()) {
    const path = join(at, name);
    const seen = await lstat(join(folder, path));
    const mode = (seen.mode & 0o777).toString(8);
    if (seen.isSymbolicLink()) found[path] = `-> ${await readlink(join(folder, path))}`;
    else if (seen.isFile()) found[path] = `${mode} ${await readFile(join(folder, path), 'utf8')}`;
    else {
      found[path] = `${mode} /`;
      Object.assign(found, await treeOf(folder, path));
    }
  }
  return found;
}
