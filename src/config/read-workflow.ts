import { layOver } from '../core/lay-over.ts';
import { workflowFile, type Workflow, type WorkflowFault } from '../core/workflow.ts';
import { readDocument } from './documents.ts';
import type { ConfigFault } from './faults.ts';
import type { Located } from './located.ts';
import { refused, shippedNames, shippedPath, suggesting, type DocumentPlaces, type Refused } from './shipped.ts';

export interface ReadWorkflow extends Located {
  readonly ok: true;
  readonly workflow: Workflow;
  /** Ids of the steps that stand in the file itself, in their order there. */
  readonly ownSteps: readonly string[];
}

/** The workflow of a file, laid over the one that the file extends. */
export function readWorkflow(path: string, places: DocumentPlaces): ReadWorkflow | Refused {
  const document = readDocument(path, workflowFile);
  if (!document.ok) return document;
  const file = structuredClone(document.value) as Parameters<typeof layOver>[1];
  const below = file.extends === undefined ? null : readExtended(file.extends, path, document, places);
  if (below?.ok === false) return below;
  const laid = layOver(below?.workflow ?? null, file);
  if (!laid.ok) return { ok: false, faults: laid.faults.map((fault) => pointed(fault, document)) };
  return { ...document, workflow: laid.workflow, ownSteps: file.steps.map((step) => step.id) };
}

/** A fault of the core at its place in the file that `where` points into. */
export function pointed(fault: WorkflowFault, where: Located): ConfigFault {
  const blamed = where.blame(fault.path, fault.expected);
  if (fault.found === null) return { ...blamed, kind: 'missing-key' };
  return suggesting(blamed, fault.found, fault.allowed ?? []);
}

/** Only shipped workflows can be extended, and none extends itself. */
function readExtended(name: string, by: string, where: Located, places: DocumentPlaces): ReadWorkflow | Refused {
  const shipped = shippedNames('workflow', places);
  const path = shippedPath('workflow', name, places);
  if (shipped.includes(name) && path !== by) return readWorkflow(path, places);
  const fault = where.blame(['extends'], `the name of a shipped workflow: ${shipped.join(', ')}`);
  return refused(suggesting(fault, name, shipped));
}
