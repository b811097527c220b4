import type { Event } from './event.ts';
import type { Run } from './run.ts';
import { isAgentStep } from './workflow.ts';

/** What an event is about; a part that is absent it is not about. */
export interface Where {
  readonly role?: string;
  readonly step?: string;
  /** Base name of a checkpoint. */
  readonly file?: string;
}

/** The role, step and checkpoint that an event is about; some name them only by the number of a prompt or by a file. */
export function whereIn(run: Run, event: Event): Where {
  if ('prompt' in event && event.prompt !== null) return { ...roleIn(event), ...ofPrompt(run, event.prompt) };
  if ('step' in event) return { ...ofStep(run, event.step), ...roleIn(event) };
  const file = 'fault' in event ? event.fault.file : 'file' in event ? event.file : null;
  const step = run.workflow?.steps.find((each) => isAgentStep(each) && each.checkpoint === file);
  return step ? ofStep(run, step.id) : roleIn(event);
}

/** Every role of a run, those that its workflow names first. */
export const rolesOf = (run: Run): string[] => [
  ...new Set([...Object.keys(run.workflow?.roles ?? {}), ...Object.keys(run.agents)]),
];

function roleIn(event: Event): Where {
  if ('role' in event) return { role: event.role };
  return 'conversation' in event ? { role: event.conversation.role } : {};
}

function ofPrompt(run: Run, id: number): Where {
  const prompt = run.prompts.find((each) => each.id === id);
  if (!prompt) return {};
  return { role: prompt.role, ...('step' in prompt.purpose && { step: prompt.purpose.step }) };
}

function ofStep(run: Run, id: string): Where {
  const step = run.workflow?.steps.find((each) => each.id === id);
  return { step: id, ...(step && isAgentStep(step) && { role: step.role, file: step.checkpoint }) };
}
