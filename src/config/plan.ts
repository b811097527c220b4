import { join, isAbsolute, dirname } from 'node:path';
import { layoutSchema, planWindows, type Layout } from '../core/layout.ts';
import { chooseRoles, layOver, workflowFile, type Workflow, type WorkflowFault } from '../core/workflow.ts';
import { readDocument } from './documents.ts';
import type { ConfigFault } from './faults.ts';
import type { ConfigResult } from './load.ts';
import type { Located } from './located.ts';

/** Where documents are looked for. Absolute paths. */
export interface DocumentPlaces {
  readonly workspaceRoot: string;
  /** Folder of the installed package, which holds `config/` and `layouts/`. */
  readonly packageDir: string;
}

export interface StartPlan {
  readonly workflow: Workflow;
  readonly layout: Layout;
  /** Folder of the workflow's file: role instructions beside it are used. */
  readonly workflowDir: string;
}

export type PlanResult =
  { readonly ok: true; readonly plan: StartPlan } | { readonly ok: false; readonly faults: readonly ConfigFault[] };

type Loaded = Extract<ConfigResult, { ok: true }>;

/** The workflow and the layout that a start needs, out of the configuration; faults point into the file that is wrong. */
export function planStart(loaded: Loaded, places: DocumentPlaces, layoutName: string | undefined): PlanResult {
  const { config } = loaded;
  const workflowPath = documentPath(config.workflow, join(places.packageDir, 'config/workflows'), places);
  const whole = readWorkflow(workflowPath, places);
  if (!whole.ok) return whole;
  const chosen = chooseRoles(whole.workflow, config.features.default_phases);
  if (!chosen.ok) return { ok: false, faults: pointed(chosen.faults, loaded, loaded) };
  const missingModule = chosen.workflow.steps.flatMap((step) =>
    'module' in step && config.modules[step.module] === undefined ? [step.module] : [],
  )[0];
  if (missingModule !== undefined) {
    return {
      ok: false,
      faults: [
        loaded.blame(
          ['modules'],
          `an entry ${missingModule}: the workflow ${chosen.workflow.name} has a step with that module`,
        ),
      ],
    };
  }
  const layout = readLayout(
    documentPath(layoutName ?? config.layout, join(places.packageDir, 'layouts'), places),
    Object.keys(chosen.workflow.roles),
  );
  return layout.ok
    ? { ok: true, plan: { workflow: chosen.workflow, layout: layout.layout, workflowDir: dirname(workflowPath) } }
    : layout;
}

/** A plain name is a shipped document; anything with a slash or an ending is a file of the project. */
function documentPath(name: string, shippedDir: string, places: DocumentPlaces): string {
  if (/^[a-z0-9-]+$/.test(name)) return join(shippedDir, `${name}.yaml`);
  return isAbsolute(name) ? name : join(places.workspaceRoot, name);
}

type WorkflowRead =
  { readonly ok: true; readonly workflow: Workflow } | { readonly ok: false; readonly faults: readonly ConfigFault[] };

function readWorkflow(path: string, places: DocumentPlaces): WorkflowRead {
  const document = readDocument(path, workflowFile);
  if (!document.ok) return document;
  const file = document.value;
  let base: Workflow | null = null;
  if (file.extends !== undefined) {
    const shipped = join(places.packageDir, 'config/workflows', `${file.extends}.yaml`);
    if (!/^[a-z0-9-]+$/.test(file.extends) || shipped === path)
      return { ok: false, faults: [document.blame(['extends'], 'the name of a shipped workflow, e.g. teamops')] };
    const below = readWorkflow(shipped, places);
    if (!below.ok)
      return { ok: false, faults: [document.blame(['extends'], 'the name of a shipped workflow, e.g. teamops')] };
    base = below.workflow;
  }
  const laid = layOver(base, structuredClone(file) as Parameters<typeof layOver>[1]);
  return laid.ok ? laid : { ok: false, faults: pointed(laid.faults, document, document) };
}

const pointed = (faults: readonly WorkflowFault[], workflow: Located, config: Located): ConfigFault[] =>
  faults.map((fault) =>
    (fault.where === 'workflow' ? workflow : config).blame(fault.path, `${fault.expected} (found ${fault.found})`),
  );

function readLayout(
  path: string,
  roles: readonly string[],
): { readonly ok: true; readonly layout: Layout } | { readonly ok: false; readonly faults: readonly ConfigFault[] } {
  const document = readDocument(path, layoutSchema);
  if (!document.ok) return document;
  const layout = structuredClone(document.value) as Layout;
  const planned = planWindows(layout, roles);
  if (planned.ok) return { ok: true, layout };
  const wrong =
    planned.missing.length > 0
      ? `a place for ${planned.missing.join(', ')} (roles: rest takes every role not named)`
      : `${planned.doubled.join(', ')} only once`;
  return { ok: false, faults: [document.blame(['windows'], wrong)] };
}
