import * as z from 'zod';

/** What is given back of a branch that others changed; see views.ts. */

const isoTime = z.string().describe('ISO 8601, UTC');

/** It is kept as `<ref>-head`, `-branch`, `-files`, `-stash` and `-other`; `restore`: commands that show it or bring it back. */
export const stashView = z.strictObject({
  number: z.number(),
  at: isoTime,
  ref: z.string(),
  stash: z.string().nullable(),
  branch: z.string().nullable(),
  restore: z.array(z.string()),
});

export const conflictView = z
  .strictObject({
    number: z.number(),
    since: isoTime,
    what: z.array(z.string()),
    from: z.string().nullable(),
    to: z.string().nullable(),
    underWay: z.string().nullable(),
    sentences: z.array(z.string()),
    commits: z.array(z.strictObject({ commit: z.string(), subject: z.string(), by: z.string() })),
    files: z.array(z.string()),
    fileCount: z.number(),
    state: z.enum(['open', 'being-put-aside', 'failed']),
    offers: z.array(z.string()),
  })
  .nullable()
  .describe('What others did to the branch');

export const conflictOutput = z.strictObject({
  feature: z.string(),
  how: z.enum(['accept', 'stash', 'abort']),
  number: z.number(),
  kept: stashView.nullable(),
  present: z.string().nullable(),
  waitsFor: z.string(),
});
