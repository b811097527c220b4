import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { InitProblem, SpecState } from '../../core/init.ts';
import { codeOf } from '../../files/refused.ts';
import { readOrNull, writeWhole } from './disk.ts';
import { keptSpecs } from './marking.ts';
import { runPaths } from './paths.ts';
import type { Step, Work } from './work.ts';

/** The template with the feature's name in the places of `{feature}`. */
export function renderTemplate(text: string, feature: string): string {
  return text.replaceAll('{feature}', feature);
}

/**
 * Whether somebody has written in the specification. It is compared with `template` (rendered) and with what the
 * initialiser left beside it, since the framework's script has a template of its own. Dates, line endings and space at the end do not count.
 */
export async function readSpecState(specFile: string, template: string): Promise<SpecState> {
  const spec = await readOrNull(specFile);
  if (spec === null) return 'missing';
  const written = await readOrNull(join(dirname(specFile), '.TASK_SPEC.template.md'));
  if (spec.toString('utf8').trim() === '' || sameTemplate(spec, Buffer.from(template))) return 'template';
  return written !== null && sameTemplate(spec, written) ? 'template' : 'filled';
}

/** Leaves the run with its specification: the one that was there, that of the run before (retry), or the template. */
export const specStep: Step = {
  name: 'spec',
  run: (work) => (work.plan.script.kind === 'script' ? afterScript(work) : builtIn(work)),
};

async function builtIn(work: Work): Promise<InitProblem | null> {
  const { plan, order } = work;
  if ((await readOrNull(plan.runPaths.spec)) !== null) return null;
  const template = await readTemplate(order.specTemplateFile);
  if (template === null) return { kind: 'no-template', file: order.specTemplateFile };
  const rendered = Buffer.from(renderTemplate(template, plan.feature));
  const earlier = plan.previous === null ? null : runPaths(plan.paths, plan.previous);
  const earlierSpec = earlier && (await readOrNull(earlier.spec));
  const earlierTemplate = earlier && (await readOrNull(earlier.template));
  await writeWhole(plan.runPaths.template, earlierTemplate ?? rendered);
  await writeWhole(plan.runPaths.spec, earlierSpec ?? rendered);
  return null;
}

/** The script has put its template there, whatever stood there before. */
async function afterScript(work: Work): Promise<InitProblem | null> {
  const { plan } = work;
  const { spec, template } = plan.runPaths;
  const fresh = await readOrNull(spec);
  if (fresh === null) {
    const argv = work.initialiser.kind === 'script' ? work.initialiser.argv : [];
    return { kind: 'script-incomplete', argv, missing: spec };
  }
  // The script leaves what the preflight has refined alone, so that is no template.
  if (!/Created by preflight workflow|Refined by preflight/.test(fresh.toString('utf8'))) {
    await writeWhole(template, fresh);
  }
  const filled = (await keptSpecs(work)).find((bytes) => !sameTemplate(bytes, fresh));
  if (filled !== undefined) await writeWhole(spec, filled);
  return null;
}

async function readTemplate(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    return null;
  }
}

function sameTemplate(one: Buffer, other: Buffer): boolean {
  return essence(one) === essence(other);
}

/** The framework's template carries the day it was written on. */
function essence(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .replaceAll('\r\n', '\n')
    .replaceAll(/\d{4}-\d{2}-\d{2}/g, 'date')
    .trimEnd();
}
