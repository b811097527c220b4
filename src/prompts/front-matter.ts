import * as z from 'zod';
import { named, text } from '../config/fields.ts';
import { PROMPT_NAME, VERSION } from '../core/prompt-names.ts';

/** What an argument of a prompt may be. All are one word: a client splits what its user types at white space. */
export const ARGUMENT_TYPES = ['feature', 'role', 'step', 'integer', 'word', 'enum'] as const;

/** Which outputs of operations a template may be given; each is null where there is none. */
export const DATA_NAMES = ['status', 'explain', 'events', 'checkpoint', 'features'] as const;
export type DataName = (typeof DATA_NAMES)[number];

/** Bounds of one prompt: nothing written by hand comes near them. */
export const MOST = { arguments: 10, tests: 50, listed: 50 } as const;

const WORD = /^[\p{L}\p{N}._@:/+-]{1,100}$/u;
const word = () => named(WORD, 'one word of up to 100 letters, digits and . _ @ : / + -');
const line = (most: number) => named(new RegExp(`^[^\\p{C}]{1,${most}}$`, 'u'), `one line of up to ${most} characters`);

const argument = z
  .strictObject({
    name: named(/^[a-z][a-z0-9_]{0,30}$/, 'the name of an argument (a-z, 0-9, _)'),
    type: z.enum(ARGUMENT_TYPES),
    description: line(300),
    required: z.boolean().default(false),
    /** The feature has to be known, or the role or step to be one of the feature's. */
    exists: z.boolean().default(false),
    /** What an enum may be. */
    values: z.array(word()).min(1).max(MOST.listed).optional(),
  })
  .superRefine(({ type, exists, values }, context) => {
    if ((type === 'enum') !== (values !== undefined))
      context.addIssue({
        code: 'custom',
        path: ['values'],
        message: 'a list of words for the type enum, and only there',
      });
    if (exists && !['feature', 'role', 'step'].includes(type))
      context.addIssue({
        code: 'custom',
        path: ['exists'],
        message: 'false: only a feature, a role and a step can exist',
      });
  });

/** Data of a test: null for none, a name in samples.yaml, or the value itself. */
const testData = z.union([z.null(), text(), z.record(z.string(), z.unknown())]);

const test = z.strictObject({
  arguments: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({}),
  data: z.partialRecord(z.enum(DATA_NAMES), testData).default({}),
  /** Each has to stand in the text. */
  expect: z.array(text()).max(MOST.listed).default([]),
  /** None may stand in it. */
  reject: z.array(text()).max(MOST.listed).default([]),
  /** Stands in the sentence by which the arguments are refused. */
  refused: text().optional(),
});

/** What stands before the text of a prompt, between two lines of `---`. */
export const frontMatter = z
  .strictObject({
    name: named(PROMPT_NAME, 'the name of a prompt (a-z, 0-9, -)'),
    version: named(VERSION, 'a version such as 1.2.0'),
    title: line(80),
    description: line(400),
    tags: z
      .array(named(/^[a-z][a-z0-9-]{0,30}$/, 'a tag (a-z, 0-9, -)'))
      .max(MOST.listed)
      .default([]),
    arguments: z.array(argument).max(MOST.arguments).default([]),
    data: z.array(z.enum(DATA_NAMES)).default([]),
    tests: z.array(test).max(MOST.tests).default([]),
  })
  .superRefine(({ arguments: all, data }, context) => {
    const names = all.map(({ name }) => name);
    for (const [index, { name, type, exists }] of all.entries()) {
      if (names.indexOf(name) < index)
        context.addIssue({ code: 'custom', path: ['arguments', index, 'name'], message: 'each argument once' });
      if (DATA_NAMES.some((other) => other === name) || RESERVED.includes(name))
        context.addIssue({ code: 'custom', path: ['arguments', index, 'name'], message: 'no name of the data' });
      if (exists && type !== 'feature' && !hasFeature(all))
        context.addIssue({ code: 'custom', path: ['arguments', index, 'exists'], message: NEEDS_FEATURE });
    }
    for (const [index, name] of data.entries())
      if (name !== 'features' && !hasFeature(all))
        context.addIssue({ code: 'custom', path: ['data', index], message: NEEDS_FEATURE });
  });

/** What every template gets besides its arguments and data. */
export const RESERVED: readonly string[] = ['prompt', 'problems'];

const NEEDS_FEATURE = 'features, or a required argument `feature` of the type feature besides';

const hasFeature = (all: readonly { name: string; type: string; required: boolean }[]): boolean =>
  all.some(({ name, type, required }) => name === 'feature' && type === 'feature' && required);

export type FrontMatter = z.output<typeof frontMatter>;
export type Argument = FrontMatter['arguments'][number];
export type PromptTest = FrontMatter['tests'][number];
