import * as z from 'zod';

/** What the tools of role servers give back. As with views.ts: fields are added, never renamed. */

export const roleToolsOutput = z.object({
  feature: z.string(),
  run: z.string(),
  /** `auto` for whoever plays all of them. */
  role: z.string(),
  tools: z.array(
    z.object({
      name: z.string(),
      /** The operation behind it. */
      operation: z.string(),
      /** The roles that have it. */
      roles: z.array(z.string()),
      /** Of a tool that hands over: the step whose checkpoint it writes, and the one that is begun. */
      hands: z.object({ step: z.string(), next: z.string(), role: z.string(), file: z.string() }).nullable(),
    }),
  ),
});

const present = z.object({ step: z.string(), role: z.string(), prompt: z.string(), file: z.string() });

export const roleStatusOutput = z.object({
  feature: z.string(),
  run: z.string(),
  role: z.string(),
  phase: z.string(),
  /** The step that the feature is at; null before the first and after the last, and while a module is at work. */
  present: present.nullable(),
  /** Whether that step is this role's. */
  yours: z.boolean(),
  waits_for: z.string(),
  done: z.array(z.string()),
  /** What was said to this role in its present step, oldest first. */
  messages: z.array(z.string()),
  available_tools: z.array(z.string()),
});

/** What a transition answers. */
export const handoverOutput = z.object({
  feature: z.string(),
  /** The role that the caller plays from now on. */
  role: z.string(),
  /** The file that was written; null where none was. */
  file: z.string().nullable(),
  message: z.string(),
  instructions: z.string(),
  available_tools: z.array(z.string()),
});

const text = {
  from: z.number(),
  line_count: z.number(),
  /** Line to go on from; null at the end. */
  next: z.number().nullable(),
  untrusted_output: z.string(),
};

export const textOutput = z.object({ feature: z.string(), path: z.string(), ...text });

/** A list of files, or one of them. */
export const filesOutput = z.object({
  feature: z.string(),
  /** Null where it was asked for the list. */
  path: z.string().nullable(),
  files: z.array(z.string()),
  /** How many files are not listed. */
  more: z.number(),
  ...text,
});

export const writtenOutput = z.object({
  feature: z.string(),
  path: z.string(),
  how: z.enum(['added', 'modified', 'deleted', 'unchanged']),
  lines: z.number(),
});

const ran = {
  outcome: z.enum(['passed', 'failed', 'not-run']),
  /** How they failed, or why they did not run. */
  why: z.string(),
  took_ms: z.number(),
  /** The end of what was printed. */
  untrusted_output: z.string(),
};

export const testsOutput = z.object({
  feature: z.string(),
  ...ran,
  /** How the role's present step has to leave the tests; null where the workflow does not say. */
  wanted: z.enum(['fail', 'pass']).nullable(),
  as_wanted: z.boolean().nullable(),
  /** What came of it, and what to do next. */
  message: z.string(),
  /** The checkpoint that was written because the tests ended as wanted (`moves_on: tests`). */
  file: z.string().nullable(),
});

export const validationOutput = z.object({
  feature: z.string(),
  step: z.string(),
  valid: z.boolean(),
  /** What was found in order. */
  shown: z.array(z.string()),
  problem: z.string().nullable(),
  files: z.array(z.string()),
  untrusted_output: z.string(),
});

export const coverageOutput = z.object({
  feature: z.string(),
  ...ran,
  /** Null where what was printed tells none. */
  percent: z.number().nullable(),
  /** The line that it was read from. */
  line: z.string().nullable(),
});

export const qualityOutput = z.object({
  feature: z.string(),
  /** The commit that the feature began from. */
  since: z.string(),
  files: z.array(z.object({ path: z.string(), added: z.number().nullable(), removed: z.number().nullable() })),
  more_files: z.number(),
  findings: z.array(
    z.object({ path: z.string(), line: z.number(), rule: z.string(), sentence: z.string(), excerpt: z.string() }),
  ),
  more_findings: z.number(),
  /** What the evidence of each step showed. */
  checks: z.array(z.object({ step: z.string(), state: z.string(), shown: z.array(z.string()) })),
  /** Null where no lint command is configured. */
  lint: z.object(ran).nullable(),
});

export const reportOutput = z.object({ feature: z.string(), step: z.string(), file: z.string(), text: z.string() });

export const committedOutput = z.object({
  feature: z.string(),
  /** Null: there was nothing to commit. */
  commit: z.string().nullable(),
  files: z.array(z.string()),
});

export const reportedOutput = z.object({
  feature: z.string(),
  role: z.string(),
  kind: z.string(),
  message: z.string(),
});
