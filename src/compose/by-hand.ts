import { join, relative } from 'node:path';
import { claudeConfigDir } from '../adapters/agents/claude-files.ts';
import { findConversation, holderOfConversation } from '../adapters/agents/claude-found.ts';
import type { Git } from '../adapters/git/open.ts';
import type { Project } from '../adapters/project/open.ts';
import { checkpointWatch } from '../adapters/watch/watch.ts';
import type { AppPorts } from '../app/ports.ts';
import { treeOf } from '../core/adopt.ts';

interface Tools {
  readonly git: Git;
  readonly project: Project;
}

/** What is asked about features that were begun by hand. Nothing is changed by any of it. */
export function byHand(
  root: string,
  tools: Tools,
): Pick<AppPorts, 'findByHand' | 'lookAtCheckpoint' | 'findConversation' | 'holderOfConversation'> {
  return {
    findByHand: (feature) => findByHand(root, feature, tools),
    lookAtCheckpoint: (path) => checkpointWatch().look(path),
    findConversation,
    async holderOfConversation(sessionId, env) {
      return (await holderOfConversation(claudeConfigDir(env), sessionId))?.pid ?? null;
    },
  };
}

async function findByHand(root: string, feature: string, { git, project }: Tools): ReturnType<AppPorts['findByHand']> {
  const found = await project.findRun(root, feature);
  if (!found.ok) return found;
  const noted = (await project.listFeatures(root)).find((each) => each.feature === feature)?.line?.branch ?? null;
  const names = [`feature/${feature}`, ...(noted === null ? [] : [noted])];
  const exists = await Promise.all(names.map((name) => git.branchExists(root, name)));
  const branches = new Set(names.filter((_, index) => exists[index]));
  const tree = treeOf({ feature, noted, root, trees: await git.worktrees(root), branches });
  if (!tree.ok) return tree;
  const { branch, worktree } = tree;
  if (!(await project.isLinked(worktree, root))) {
    const target = relative(worktree, join(root, '.tmops'));
    return { ok: false, problem: { kind: 'not-linked', link: join(worktree, '.tmops'), target } };
  }
  return { ok: true, found: { run: found.run, branch, worktree, begunAt: found.oldestMs } };
}
