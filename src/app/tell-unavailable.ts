import type { RunUnavailable } from '../engine/run-unavailable.ts';
import type { ProblemView } from './views.ts';

/** Why a run cannot be used, and the way on. */
export function tellUnavailable({ kind, file, detail }: RunUnavailable): ProblemView {
  if (kind === 'unequipped')
    return {
      code: 'setup-unusable',
      sentence: `What the run was started with cannot be used: ${file}: ${detail}. Nobody watches the run meanwhile.`,
      hint: `Bring the file back, then call again. Where there is no copy: ${anew(file.replace(/\/agents\/[^/]*$/, ''))}`,
    };
  const sentence = `The journal ${file} cannot be used: ${detail}.`;
  if (kind === 'locked')
    return { code: 'journal-locked', sentence, hint: 'Another supervisor holds this run; tmops doctor says which.' };
  return { code: 'journal-corrupt', sentence, hint: `To go on, ${anew(file.replace(/\/[^/]*$/, ''))}` };
}

/** With what its agents reported before, a new record would take that for a human's. */
const anew = (runDir: string): string =>
  `end its session by tmux, move journal.jsonl and agents out of ${runDir}, and tmops init begins the record anew; checkpoints and branch are kept.`;
