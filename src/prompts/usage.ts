import { join } from 'node:path';
import { rename } from 'node:fs/promises';
import * as z from 'zod';
import { makePrivateFolder } from '../files/in-place.ts';
import { readTextOrNull } from '../files/regular.ts';
import { writeWhole } from '../files/write-whole.ts';

/** How long after a prompt was given it counts that the run moved on, in ms. */
export const MOVED_ON_WITHIN_MS = 3_600_000;
/** Bounds of the file: versions, comparisons, and uses whose outcome is awaited. */
const MOST = { versions: 500, turns: 200, awaited: 200 } as const;

const version = z.strictObject({
  uses: z.int().min(0),
  firstAt: z.string(),
  lastAt: z.string(),
  /** Uses whose feature had a run, so that it could be seen what came after. */
  watched: z.int().min(0),
  /** Of these, after which a step of the run was done, or the run completed, within an hour. */
  movedOn: z.int().min(0),
});

const usageSchema = z.strictObject({
  v: z.literal(1),
  /** By `name@version`. */
  versions: z.record(z.string(), version),
  /** Turns taken of each comparison. */
  turns: z.record(z.string(), z.int().min(0)),
  awaited: z.array(z.strictObject({ prompt: z.string(), feature: z.string(), run: z.string(), at: z.number() })),
});

export type Usage = z.output<typeof usageSchema>;
export type VersionUsage = z.output<typeof version>;

export interface Use {
  readonly name: string;
  readonly version: string;
  /** The run that the prompt was about; null where it was about none. */
  readonly about: { readonly feature: string; readonly run: string } | null;
  /** The comparison that the version was drawn in; null outside of one. */
  readonly comparison: string | null;
  /** ms since the epoch. */
  readonly at: number;
}

/** Nothing was counted yet. */
export const NONE: Usage = { v: 1, versions: {}, turns: {}, awaited: [] };

/** A use is counted for its version; outside of what is bounded, the longest unused goes. */
export function counted(usage: Usage, { name, version: of, about, comparison, at }: Use): Usage {
  const key = `${name}@${of}`;
  const before = usage.versions[key];
  const now = new Date(at).toISOString();
  const entry: VersionUsage = {
    uses: (before?.uses ?? 0) + 1,
    firstAt: before?.firstAt ?? now,
    lastAt: now,
    watched: (before?.watched ?? 0) + (about === null ? 0 : 1),
    movedOn: before?.movedOn ?? 0,
  };
  const turns =
    comparison === null ? usage.turns : { ...usage.turns, [comparison]: (usage.turns[comparison] ?? 0) + 1 };
  const awaited = about === null ? usage.awaited : [...usage.awaited, { prompt: key, ...about, at }];
  return {
    v: 1,
    versions: newest({ ...usage.versions, [key]: entry }),
    turns: Object.fromEntries(Object.entries(turns).slice(-MOST.turns)),
    awaited: awaited.filter((each) => at - each.at <= MOVED_ON_WITHIN_MS).slice(-MOST.awaited),
  };
}

/** A run moved on: what is awaited of it has come. The very same usage where nothing is. */
export function movedOn(
  usage: Usage,
  run: { readonly feature: string; readonly run: string; readonly at: number },
): Usage {
  const isOf = (each: Usage['awaited'][number]): boolean => each.feature === run.feature && each.run === run.run;
  const came = usage.awaited.filter((each) => isOf(each) && run.at >= each.at);
  if (came.length === 0) return usage;
  const versions = { ...usage.versions };
  for (const { prompt, at } of came) {
    const entry = versions[prompt];
    if (entry && run.at - at <= MOVED_ON_WITHIN_MS) versions[prompt] = { ...entry, movedOn: entry.movedOn + 1 };
  }
  return { ...usage, versions, awaited: usage.awaited.filter((each) => !came.includes(each)) };
}

function newest(versions: Usage['versions']): Usage['versions'] {
  const entries = Object.entries(versions);
  if (entries.length <= MOST.versions) return versions;
  return Object.fromEntries(entries.sort(([, a], [, b]) => (a.lastAt < b.lastAt ? -1 : 1)).slice(-MOST.versions));
}

export const usageFile = (root: string): string => join(root, '.tmops', '.prompts', 'usage.json');

/** What was counted so far. Rejects where the file is not to be read; `damaged` where it holds something else. */
export async function readUsage(root: string): Promise<{ readonly usage: Usage; readonly damaged: boolean }> {
  const text = await readTextOrNull(usageFile(root), 4 * 1024 * 1024);
  if (text === null) return { usage: NONE, damaged: false };
  const read = usageSchema.safeParse(parsed(text));
  return read.success ? { usage: read.data, damaged: false } : { usage: NONE, damaged: true };
}

export interface UsageBook {
  now(): Promise<Usage>;
  /** One change after the other, each on disk before the next. */
  change(how: (usage: Usage) => Usage): Promise<Usage>;
}

/** The usage of a workspace; only its supervisor may keep one. A damaged file is put aside as `usage.json.damaged`. */
export function openUsage(root: string, onFault: (error: unknown) => void): UsageBook {
  let usage: Usage | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const load = async (): Promise<Usage> => {
    if (usage) return usage;
    const read = await readUsage(root);
    if (read.damaged) {
      onFault(new Error(`${usageFile(root)} cannot be understood and was put aside`));
      await rename(usageFile(root), `${usageFile(root)}.damaged`);
    }
    return (usage = read.usage);
  };
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const mine = last.then(act, act);
    last = mine.then(
      () => null,
      // Whoever asked is told; the next change does not depend on it.
      (error: unknown) => error,
    );
    return mine;
  };
  return {
    now: () => inTurn(load),
    change: (how) =>
      inTurn(async () => {
        const before = await load();
        const after = how(before);
        if (after === before) return before;
        await makePrivateFolder(join(root, '.tmops', '.prompts'));
        await writeWhole(usageFile(root), `${JSON.stringify(after)}\n`);
        return (usage = after);
      }),
  };
}

/** What is not JSON becomes the error, which the schema does not take. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}
