import type * as z from 'zod';
import { check } from './check.ts';
import type { ConfigFault } from './faults.ts';
import { freeze } from './freeze.ts';
import { locatedIn } from './located.ts';
import type { Located } from './located.ts';
import type { Frozen } from './schema.ts';
import { shapeOf } from './shape.ts';
import { fileFault, readSource, whole } from './source.ts';
import { parseYaml } from './yaml.ts';

export type DocumentResult<T> =
  | ({ readonly ok: true; readonly value: Frozen<T> } & Located)
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/**
 * Reads a YAML file (a layout, a workflow, a play) by its schema. Faults point as those of the configuration do.
 * `${…}` means nothing here: these files are the same on every machine, and a play holds code of its own.
 */
export function readDocument<T>(file: string, schema: z.ZodType<T>): DocumentResult<T> {
  const read = readSource(file);
  if (read.kind === 'absent') return { ok: false, faults: [fileFault('missing-file', file, 'this file')] };
  if (read.kind === 'fault') return { ok: false, faults: [read.fault] };
  const { tree, faults } = parseYaml(whole(read.source), null);
  if (faults.length > 0) return { ok: false, faults };
  const checked = check(tree, schema, shapeOf(schema));
  return checked.ok ? { ok: true, value: freeze(checked.value), ...locatedIn(tree) } : checked;
}
