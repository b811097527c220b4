import { z } from 'zod';

/** What is given back of a branch that others changed; see views.ts. */

const isoTime = z.string().describe('ISO 8601, UTC');

export const stashView = z.strictObject({
  number: z.number(),
  at: isoTime,
  ref: z.string().describe('It is kept as <ref>-head, -branch, -files, -stash and -other'),
  stash: z.string().nullable().describe('The commit for git stash apply; null: nothing was uncommitted'),
  branch: z.string().nullable().describe('Where the branch was'),
  restore: z.array(z.string()).describe('Commands that show it or bring it back'),
});

export const conflictView = z
  .strictObject({
    number: z.number(),
    since: isoTime,
    what: z.array(z.string()),
    from: z.string().nullable().describe('The commit that the branch was known at'),
    to: z.string().nullable(),
    underWay: z.string().nullable(),
    sentences: z.array(z.string()),
    commits: z.array(z.strictObject({ commit: z.string(), subject: z.string(), by: z.string() })),
    files: z.array(z.string()),
    fileCount: z.number(),
    state: z.enum(['open', 'being-put-aside', 'failed']),
    offers: z.array(z.strictObject({ command: z.string(), does: z.string() })),
  })
  .nullable()
  .describe('What others did to the branch; the run waits for tmops_resolve_conflict');

export const conflictOutput = z.strictObject({
  feature: z.string(),
  how: z.enum(['accept', 'stash', 'abort']),
  number: z.number(),
  kept: stashView.nullable().describe('Where what was put aside is'),
  present: z.string().nullable(),
  waitsFor: z.string(),
});
