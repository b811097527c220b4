import * as z from 'zod';
import { readDocument } from '../config/documents.ts';
import type { ConfigFault } from '../config/faults.ts';
import { say } from '../config/say.ts';
import { readArguments } from './arguments.ts';
import { DATA_NAMES, type DataName, type PromptTest } from './front-matter.ts';
import type { Library } from './library.ts';
import type { PromptFile } from './read-prompt.ts';
import { scopeOf, type PromptData } from './shelf.ts';
import { openTemplates, type Templates } from './templates.ts';

/** Outputs of operations that tests name: by data, then by name. */
export type Samples = Readonly<Partial<Record<DataName, Readonly<Record<string, unknown>>>>>;

const samplesFile = z.partialRecord(
  z.enum(DATA_NAMES),
  z.record(z.string(), z.looseObject({ like: z.string().optional() })),
);

export interface TestResult {
  readonly prompt: string;
  readonly version: string;
  readonly file: string;
  /** Line of the test in its file. */
  readonly line: number;
  /** What was not as expected; empty for a test that passed. */
  readonly failures: readonly string[];
}

/** Reads the samples that ship. */
export function readSamples(
  file: string,
): { ok: true; samples: Samples } | { ok: false; faults: readonly ConfigFault[] } {
  const read = readDocument(file, samplesFile);
  if (!read.ok) return read;
  const samples: Partial<Record<DataName, Record<string, unknown>>> = {};
  for (const name of DATA_NAMES) {
    const all = read.value[name] ?? {};
    samples[name] = Object.fromEntries(
      Object.entries(all).map(([key, { like, ...own }]) => [key, { ...(like === undefined ? {} : all[like]), ...own }]),
    );
  }
  return { ok: true, samples };
}

/** Runs the tests that stand in the front matter of each prompt; no supervisor and no run takes part. */
export function runTests(library: Library, samples: Samples): TestResult[] {
  const templates = openTemplates(library);
  return library.prompts.flatMap((prompt) =>
    prompt.tests.map((test, index) => ({
      ...{ prompt: prompt.name, version: prompt.version },
      ...{ file: prompt.source.name, line: prompt.locate(['tests', index]).line },
      failures: failuresOf(prompt, test, templates, samples),
    })),
  );
}

function failuresOf(prompt: PromptFile, test: PromptTest, templates: Templates, samples: Samples): string[] {
  const checked = readArguments(prompt, test.arguments);
  if (!checked.ok) {
    if (test.refused !== undefined && checked.why.includes(test.refused)) return [];
    return [`its arguments are refused: ${checked.why}`];
  }
  if (test.refused !== undefined) return [`its arguments are not refused for ${JSON.stringify(test.refused)}`];
  const given = dataOf(test, samples);
  if ('why' in given) return [given.why];
  const problems = Object.fromEntries(
    prompt.data.filter((name) => (given.data[name] ?? null) === null).map((name) => [name, NOT_THERE]),
  );
  const made = templates.render(prompt, scopeOf(prompt, checked.values, given.data, problems), 'test');
  if (!made.ok) return [say(made.fault)];
  return [
    ...test.expect
      .filter((words) => !made.text.includes(words))
      .map((words) => `${JSON.stringify(words)} is not in it`),
    ...test.reject.filter((words) => made.text.includes(words)).map((words) => `${JSON.stringify(words)} is in it`),
  ];
}

const NOT_THERE = { code: 'sample', sentence: 'There is none in this test.', hint: 'Name a sample.' };

function dataOf(test: PromptTest, samples: Samples): { readonly data: PromptData } | { readonly why: string } {
  const data: Partial<Record<DataName, unknown>> = {};
  for (const name of DATA_NAMES) {
    const wanted = test.data[name] ?? null;
    const found = typeof wanted === 'string' ? samples[name]?.[wanted] : wanted;
    if (found === undefined)
      return {
        why: `there is no sample ${JSON.stringify(wanted)} of ${name}: ${Object.keys(samples[name] ?? {}).join(', ')}`,
      };
    data[name] = found;
  }
  return { data };
}
