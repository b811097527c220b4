import { dirname, join } from 'node:path';
import { chooseRoles } from '../core/choose-roles.ts';
import { layoutSchema, planWindows, type Layout } from '../core/layout.ts';
import type { Workflow, WorkflowFault } from '../core/workflow.ts';
import { readDocument } from './documents.ts';
import type { ConfigFault } from './faults.ts';
import type { ConfigResult } from './load.ts';
import type { Located } from './located.ts';
import { pointed, readWorkflow, type ReadWorkflow } from './read-workflow.ts';
import { findDocument, leadsOut, refused, suggesting, type DocumentPlaces, type Refused } from './shipped.ts';
import { faultAt } from './source.ts';
import { refusedOf, sentencesOf, unsafeInWorkflow } from './unsafe.ts';

export type { DocumentPlaces } from './shipped.ts';

export interface StartPlan {
  readonly workflow: Workflow;
  readonly layout: Layout;
  /** Folder of the workflow's file: role instructions beside it are used. */
  readonly workflowDir: string;
  /** Roles of the workflow's file that take no part, since `features.default_phases` does not name them. */
  readonly leftOut: readonly string[];
  /** What only keys of `unsafe` allow, as sentences. */
  readonly unsafe: readonly string[];
}

export type PlanResult = { readonly ok: true; readonly plan: StartPlan } | Refused;

type Loaded = Extract<ConfigResult, { ok: true }>;

/**
 * The workflow and the layout that a start needs, out of the configuration; faults point into the file that is wrong.
 * `layoutName` is the one asked for with this start; undefined takes that of the configuration.
 */
export function planStart(loaded: Loaded, places: DocumentPlaces, layoutName: string | undefined): PlanResult {
  const { config } = loaded;
  const found = findDocument('workflow', config.workflow, loaded, places);
  if (!found.ok) return found;
  const read = readWorkflow(found.path, places);
  if (!read.ok) return read;
  const chosen = chooseRoles(read.workflow, config.features.default_phases);
  if (!chosen.ok) return { ok: false, faults: choiceFaults(chosen.faults, read.workflow, loaded, places) };
  const { workflow } = chosen;
  const unregistered = moduleFault(workflow, read, loaded);
  if (unregistered) return refused(unregistered);
  const asked = unsafeInWorkflow(workflow);
  const [refusal] = refusedOf(asked, config);
  if (refusal) return refused(read.blame(refusal.path, refusal.expected));
  const laidOut = readLayout(loaded, places, layoutName, Object.keys(workflow.roles));
  if (!laidOut.ok) return laidOut;
  const unsafe = [...new Set([...loaded.unsafe, ...sentencesOf(asked)])];
  const leftOut = Object.keys(read.workflow.roles).filter((role) => workflow.roles[role] === undefined);
  return { ok: true, plan: { workflow, layout: laidOut.layout, workflowDir: dirname(found.path), leftOut, unsafe } };
}

/** Where nobody chose roles, the list at fault is the shipped one, and the workflow is what somebody chose. */
function choiceFaults(
  faults: readonly WorkflowFault[],
  workflow: Workflow,
  loaded: Loaded,
  places: DocumentPlaces,
): ConfigFault[] {
  const { file } = loaded.locate(['features', 'default_phases']);
  if (!file.startsWith(join(places.packageDir, 'config'))) return faults.map((fault) => pointed(fault, loaded));
  const usual = loaded.config.features.default_phases.join(', ');
  const roles = Object.keys(workflow.roles).join(', ');
  const expected = `features.default_phases beside it, out of the roles ${roles} (the usual list ${usual} does not fit)`;
  return [loaded.blame(['workflow'], expected)];
}

/** A step whose module the configuration does not give; the step itself is blamed where it stands in the file. */
function moduleFault(workflow: Workflow, read: ReadWorkflow, loaded: Loaded): ConfigFault | null {
  const known = Object.keys(loaded.config.modules);
  for (const step of workflow.steps) {
    if (!('module' in step) || known.includes(step.module)) continue;
    const entry = `an entry ${step.module}: FILE under modules in tmops.config.yaml`;
    const index = read.ownSteps.indexOf(step.id);
    if (index < 0) return loaded.blame(['modules'], `${entry}, for the step ${step.id} of ${workflow.name}`);
    const expected = known.length === 0 ? entry : `one of the modules ${known.join(', ')}, or ${entry}`;
    return suggesting(read.blame(['steps', index, 'module'], expected), step.module, known);
  }
  return null;
}

function readLayout(
  loaded: Loaded,
  places: DocumentPlaces,
  asked: string | undefined,
  roles: readonly string[],
): { readonly ok: true; readonly layout: Layout } | Refused {
  const where = asked === undefined ? loaded : flag('layout', asked);
  if (asked !== undefined && leadsOut(asked, places))
    return refused(
      where.blame(['layout'], `a file inside of ${places.workspaceRoot}; the configuration may name another`),
    );
  const found = findDocument('layout', asked ?? loaded.config.layout, where, places);
  if (!found.ok) return found;
  const document = readDocument(found.path, layoutSchema);
  if (!document.ok) return document;
  const layout = structuredClone(document.value) as Layout;
  const planned = planWindows(layout, roles);
  if (planned.ok) return { ok: true, layout };
  const wrong =
    planned.missing.length > 0
      ? `a place for ${planned.missing.join(', ')} (roles: rest takes every role not named)`
      : `${planned.doubled.join(', ')} only once`;
  return refused(document.blame(['windows'], wrong));
}

/** What was asked for with this start stands in no file. */
function flag(key: string, value: string): Pick<Located, 'blame'> {
  const text = `${key}=${value}`;
  const place = { source: { name: 'command line', text }, start: key.length + 1, end: text.length };
  return { blame: (path, expected) => faultAt('bad-value', place, path, { expected }) };
}
