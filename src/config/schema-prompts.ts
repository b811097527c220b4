import * as z from 'zod';
import { PROMPT_NAME, VERSION } from '../core/prompt-names.ts';
import { named, path } from './fields.ts';

const promptVersion = () => named(VERSION, 'a version such as 1.2.0');
const promptName = () => named(PROMPT_NAME, 'the name of a prompt (a-z, 0-9, -)');

/** The keys of `prompts`. */
export const prompts = z.strictObject({
  dir: path().describe("Folder of the project's own prompts, which need not be there; see docs/prompts.md."),
  use: z
    .record(promptName(), promptVersion())
    .describe('The version of a prompt that is served instead of the highest, e.g. `{unblock: 1.2.0}`.'),
  compare: z
    .record(
      promptName(),
      z.strictObject({
        versions: z.array(promptVersion()).length(2, { error: 'two versions, e.g. [1.0.0, 1.1.0]' }),
        split: z.int().min(1).max(99),
      }),
    )
    .describe(
      'Two versions of a prompt that are served in turn, `split` of a hundred times the second, e.g. `{unblock: {versions: [1.0.0, 1.1.0], split: 50}}`.',
    ),
});
