import * as z from 'zod';
import { LOG_COMPONENTS, LOG_LEVELS } from '../core/log-words.ts';
import { featureName, roleName } from './operation.ts';
import { checkpointTextOutput } from './views-checkpoint.ts';

/** What a resource is about, as far as changes of it are told. `names`: which resources there are. */
export const WATCHABLE = [
  'features',
  'names',
  'status',
  'spec',
  'checkpoint',
  'journal',
  'pane',
  'log',
  'metrics',
] as const;
export type Watchable = (typeof WATCHABLE)[number];

/** What is seen of the names where there are none. */
export const NO_NAMES = 'none';

/** How much one request for changes may name. */
export const MAX_WATCHED = 100;

const fileName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,80}\.(md|checkpoint)$/,
    'a checkpoint is a file name ending in .md or .checkpoint',
  )
  .describe('Base name of a checkpoint, e.g. 003-tests-complete.md');
const isoTime = z.string().describe('ISO 8601, UTC');
const page = { from: z.number().int().min(1).default(1), lines: z.number().int().min(1).max(2000).default(400) };

const checkpointName = z.strictObject({
  file: z.string(),
  step: z.string(),
  role: z.string(),
  /** Whether tmops has seen it. */
  isThere: z.boolean(),
  modifiedAt: isoTime.nullable(),
});

const namesView = z.strictObject({
  feature: z.string(),
  run: z.string(),
  updatedAt: isoTime,
  roles: z.array(z.string()),
  checkpoints: z.array(checkpointName),
  /** Whether a step was done, at which they are written. */
  hasMetrics: z.boolean(),
});

const logEntry = z.strictObject({
  seq: z.number(),
  at: isoTime,
  level: z.enum(LOG_LEVELS),
  component: z.enum(LOG_COMPONENTS),
  kind: z.string(),
  text: z.string(),
});

const watched = z.strictObject({
  what: z.enum(WATCHABLE),
  feature: featureName.optional(),
  /** Of a pane or log its role, of a checkpoint its file. */
  name: z.string().max(90).optional(),
  /** What the answer before said of it, and it is compared with. Absent: it is looked at for the first time. */
  seen: z.string().max(64).optional(),
});

/**
 * What doors ask to show resources, beside the operations of the table: neither commands nor tools. Texts are given in pages of
 * whole lines; `next` is the line to go on from.
 */
export const resourceRequests = {
  /** The features that have a run, by name, with what else is needed to name their resources. */
  names: {
    name: 'resource-names',
    input: z.strictObject({
      feature: featureName.optional(),
      prefix: z.string().max(20).optional(),
      after: featureName.optional(),
      limit: z.number().int().min(1).max(100).default(20),
    }),
    output: z.strictObject({ features: z.array(namesView), next: z.string().nullable() }),
  },
  spec: {
    name: 'resource-spec',
    input: z.strictObject({ feature: featureName, ...page }),
    output: z.strictObject({
      feature: z.string(),
      run: z.string(),
      modifiedAt: isoTime,
      from: z.number(),
      lineCount: z.number(),
      next: z.number().nullable(),
      untrusted_output: z.string(),
    }),
  },
  /** As read-checkpoint, by the name of the file. */
  checkpoint: {
    name: 'resource-checkpoint',
    input: z.strictObject({ feature: featureName, file: fileName, ...page }),
    output: checkpointTextOutput,
  },
  /**
   * What of the journal concerns a role: of `level` at least, oldest first. With `after` what came after that event, the first
   * `limit` of it; without, the newest. `cursor` is what to ask on with; `more`: there is more right now.
   */
  log: {
    name: 'resource-log',
    input: z.strictObject({
      feature: featureName,
      role: roleName,
      level: z.enum(LOG_LEVELS).default('debug'),
      component: z.enum(LOG_COMPONENTS).optional(),
      text: z.string().min(1).max(200).optional(),
      after: z.number().int().min(0).optional(),
      limit: z.number().int().min(1).max(500).default(200),
    }),
    output: z.strictObject({
      feature: z.string(),
      run: z.string(),
      role: z.string(),
      entries: z.array(logEntry),
      cursor: z.number(),
      more: z.boolean(),
    }),
  },
  metrics: {
    name: 'resource-metrics',
    input: z.strictObject({ feature: featureName }),
    output: z.strictObject({
      feature: z.string(),
      run: z.string(),
      modifiedAt: isoTime,
      metrics: z.record(z.string(), z.unknown()),
    }),
  },
  /**
   * Waits until something of `wanted` is not as it was seen, at most `timeoutMs`; answers at once where something is looked at
   * for the first time. `changed` holds places in `wanted`; `seen` is, in their order, to be sent with each the next time.
   */
  changes: {
    name: 'resource-changes',
    input: z.strictObject({
      timeoutMs: z.number().int().min(0).max(50_000),
      wanted: z.array(watched).max(MAX_WATCHED),
    }),
    output: z.strictObject({ changed: z.array(z.number()), seen: z.array(z.string()) }),
  },
} as const;

export type ResourceKey = keyof typeof resourceRequests;
export type ResourceInput<K extends ResourceKey> = z.output<(typeof resourceRequests)[K]['input']>;
export type ResourceOutput<K extends ResourceKey> = z.output<(typeof resourceRequests)[K]['output']>;
export type Watched = z.output<typeof watched>;
export type Names = z.output<typeof namesView>;

/** The request of that name, or undefined. */
export const resourceKeyOf = (name: string): ResourceKey | undefined =>
  (Object.keys(resourceRequests) as ResourceKey[]).find((key) => resourceRequests[key].name === name);
