import type { Event } from '../core/event.ts';
import type { Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { Log } from '../engine/ports.ts';

/** Writes every event as a line of the log, with feature, run, role and step where it has them. */
export function telemetry(log: Log): (run: Run, event: Event) => void {
  return (run, event) => {
    const { feature, run: name } = run.identity ?? {};
    log.info(event.kind, { feature, run: name, ...whereIn(run, event), ...event });
  };
}

interface Where {
  readonly role?: string;
  readonly step?: string;
}

/** The role and the step that an event is about; some name them only by the number of a prompt or by a file. */
function whereIn(run: Run, event: Event): Where {
  if ('prompt' in event && event.prompt !== null) return ofPrompt(run, event.prompt);
  if ('step' in event) return ofStep(run, event.step);
  const file = 'fault' in event ? event.fault.file : 'file' in event ? event.file : null;
  const step = run.workflow?.steps.find((each) => isAgentStep(each) && each.checkpoint === file);
  return step ? ofStep(run, step.id) : {};
}

function ofPrompt(run: Run, id: number): Where {
  const prompt = run.prompts.find((each) => each.id === id);
  if (!prompt) return {};
  return { role: prompt.role, ...('step' in prompt.purpose && { step: prompt.purpose.step }) };
}

function ofStep(run: Run, id: string): Where {
  const step = run.workflow?.steps.find((each) => each.id === id);
  return { step: id, ...(step && isAgentStep(step) && { role: step.role }) };
}
