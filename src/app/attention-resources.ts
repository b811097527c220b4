import { durationWord } from '../core/duration.ts';
import type { MemoryNote, Overrun } from '../core/resources.ts';
import type { Run } from '../core/run.ts';
import { sizeWord } from '../core/size.ts';
import { quoted } from './narrate.ts';
import type { ProblemView } from './views.ts';

/** Its turn had come and it could not begin: it waits for a human now, and the next one has had its turn. */
export const startProblemOf = ({ startProblem }: Run): ProblemView[] =>
  startProblem === null
    ? []
    : [
        {
          code: startProblem.code,
          sentence: `It could not begin when its turn had come: ${startProblem.sentence}`,
          hint: startProblem.hint,
        },
      ];

/** What takes more memory than it should. */
export const memoryProblems = (run: Run, feature: string): ProblemView[] =>
  Object.entries(run.memory).map(([role, note]) => memoryProblem(run, feature, role, note));

function memoryProblem(run: Run, feature: string, role: string, { level, bytes, above }: MemoryNote): ProblemView {
  const takes = `The ${role}'s agent, with all that it started, takes ${sizeWord(bytes)}`;
  if (level === 'warning')
    return {
      code: 'memory-high',
      sentence: `${takes}, more than features.memory_warning (${sizeWord(above ?? 0)}).`,
      hint: `See what it runs: tmops read-pane ${feature} ${role}`,
    };
  const state = run.paused ? 'no new turn begins' : 'it was resumed all the same';
  return {
    code: 'memory-limit',
    sentence: `${takes}, more than features.memory_limit (${sizeWord(above ?? 0)}); ${state}.`,
    hint: `End what it started (tmops attach ${feature}), or let it be; then: tmops resume ${feature}`,
  };
}

/** A step that took longer than it may. */
export const overrunProblem = ({ overrun }: Run, feature: string): ProblemView[] =>
  overrun === null
    ? []
    : [
        {
          code: 'phase-limit',
          sentence: `The step ${overrun.step} has taken longer than its limit of ${durationWord(overrun.limitMs)}; ${interruptWord(overrun)}`,
          hint: `Look at its pane (tmops attach ${feature}); then tmops retry ${feature} asks for the step again, tmops message ${feature} ${overrun.role} 'Go on.' lets it go on, tmops skip ${feature} goes on without it.`,
        },
      ];

/** What became of the turn, up to the full stop. */
export function interruptWord({ role, interrupt }: Overrun): string {
  switch (interrupt.kind) {
    case 'none':
      return `the ${role} was in no turn, and is asked nothing more.`;
    case 'wanted':
    case 'pressed':
      return `the ${role}'s turn is being interrupted.`;
    case 'ended':
      return `the ${role}'s turn was interrupted.`;
    case 'failed':
      return `the ${role}'s turn could not be interrupted: ${quoted(interrupt.why)}.`;
    default:
      return interrupt satisfies never;
  }
}
