import type { LiveRun } from '../engine/live-run.ts';
import type { AppPorts } from './ports.ts';
import { tellError } from './tell.ts';
import type { ProblemView } from './views.ts';

/** One run whose journal cannot be used must not hide the others. */
export async function openOrTell(
  ports: AppPorts,
  feature: string,
): Promise<{ live: LiveRun | null } | { problem: ProblemView }> {
  try {
    return { live: await ports.workspace.live(feature) };
  } catch (error) {
    const problem = tellError(error);
    if (!problem) throw error;
    return { problem };
  }
}
