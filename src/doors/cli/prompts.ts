import type { Command } from 'commander';
import { BAD_ARGUMENTS } from '../../app/arguments.ts';
import { promptRenderRequest } from '../../app/prompt-requests.ts';
import type { ProblemView } from '../../app/views.ts';
import { BAD_PROMPT_ARGUMENTS } from '../../core/prompt-names.ts';
import type { VersionListing } from '../../prompts/listing.ts';
import { EXIT, fail, lookOf, print, printJson } from './cli.ts';
import type { Cli } from './cli.ts';
import { age, type Look } from './look.ts';
import type { Does } from './operation-command.ts';
import { table } from './table.ts';
import { clean } from './text.ts';

type Told<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly problem: ProblemView };

export interface PromptFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** All of it in words, beginning with the place. */
  readonly text: string;
}

export interface PromptTestResult {
  readonly prompt: string;
  readonly version: string;
  readonly file: string;
  readonly line: number;
  readonly failures: readonly string[];
}

/** What the commands about prompts do without a supervisor. */
export interface PromptCommands {
  readonly list: () => Promise<
    Told<{ readonly prompts: readonly VersionListing[]; readonly faults: readonly PromptFault[] }>
  >;
  /** Of the files named; of all without. */
  readonly validate: (
    files: readonly string[],
  ) => Promise<Told<{ readonly checked: readonly string[]; readonly faults: readonly PromptFault[] }>>;
  readonly test: () => Promise<
    Told<{ readonly results: readonly PromptTestResult[]; readonly faults: readonly PromptFault[] }>
  >;
}

/** `tmops prompts …`: what MCP clients offer their user, as docs/prompts.md tells. */
export function addPromptCommands(program: Command, does: Does): void {
  const prompts = program
    .command('prompts')
    .summary('List, render and check the prompts')
    .description('The prompts that MCP clients offer their user, such as /mcp__tmops__unblock (docs/prompts.md).');
  prompts
    .command('list')
    .description('Lists each version of each prompt, which is served, how often it was used, and what came after.')
    .action(() => does(listPrompts));
  prompts
    .command('render <name> [arguments...]')
    .usage('[options] <name>[@version] [argument=value…]')
    .description('Prints a prompt as a client would get it now, or a version of it. It does not count as a use.')
    .action((name: string, words: string[]) => does((cli) => renderPrompt(cli, name, words)));
  prompts
    .command('validate [files...]')
    .description('Checks front matter and templates, of all prompts or of these files. Exit code 1 where one is wrong.')
    .action((files: string[]) => does((cli) => validatePrompts(cli, files)));
  prompts
    .command('test')
    .description('Runs the tests that stand in the front matter of the prompts. Exit code 1 where one fails.')
    .action(() => does(testPrompts));
}

async function listPrompts(cli: Cli): Promise<number> {
  const listed = await cli.ports.prompts.list();
  if (!listed.ok) return fail(cli, listed.problem);
  const { prompts, faults } = listed;
  if (cli.json) return printJson(cli, { prompts, faults });
  return print(cli, renderList(prompts, faults, lookOf(cli)));
}

export function renderList(
  prompts: readonly VersionListing[],
  faults: readonly PromptFault[],
  look: Look,
): readonly string[] {
  const rows = prompts.map((prompt) => [
    prompt.name,
    prompt.version,
    servedWord(prompt),
    prompt.origin,
    String(prompt.uses),
    prompt.watched === 0 ? '' : `${prompt.movedOn} of ${prompt.watched}`,
    prompt.lastAt === null ? '' : age(prompt.lastAt, look.now),
    prompt.arguments.map(({ name, required }) => (required ? name : `[${name}]`)).join(' '),
    prompt.tags.join(' '),
  ]);
  const headings = ['PROMPT', 'VERSION', 'SERVED', 'FROM', 'USES', 'MOVED ON', 'LAST', 'ARGUMENTS', 'TAGS'];
  return [...table(headings, rows, look), ...(faults.length === 0 ? [] : ['', ...faults.map(faultText)])];
}

function servedWord({ served, share }: VersionListing): string {
  if (served === null) return 'no';
  return served === 'compared' ? `${share} of 100` : served === 'pinned' ? 'pinned' : 'yes';
}

async function renderPrompt(cli: Cli, asked: string, words: readonly string[]): Promise<number> {
  const { name, output } = promptRenderRequest;
  const [prompt = '', version] = asked.split('@', 2);
  const odd = words.find((word) => !/^[^=]+=/.test(word));
  if (odd !== undefined) return fail(cli, noPair(odd));
  const given = Object.fromEntries(words.map(pairOf));
  const input = { prompt, arguments: given, count: false, ...(version !== undefined && { version }) };
  const reply = await cli.ports.link(name, input, { door: 'cli' }, cli.stop);
  if (!reply.ok) {
    const { failure } = reply;
    fail(cli, failure);
    return failure.code === BAD_PROMPT_ARGUMENTS ? EXIT.usage : codeOf(cli, failure);
  }
  const rendered = output.parse(reply.output);
  return cli.json ? printJson(cli, rendered) : print(cli, clean(rendered.text).split('\n'));
}

async function validatePrompts(cli: Cli, files: readonly string[]): Promise<number> {
  const told = await cli.ports.prompts.validate(files);
  if (!told.ok) return fail(cli, told.problem);
  const { checked, faults } = told;
  if (cli.json) printJson(cli, { ok: faults.length === 0, checked, faults });
  else if (faults.length === 0) print(cli, [`Files checked: ${checked.length}. Nothing is wrong with them.`]);
  else print(cli, [...faults.map(faultText), '', `Faults: ${faults.length}, in ${checked.length} files.`]);
  return faults.length === 0 ? EXIT.ok : EXIT.refused;
}

async function testPrompts(cli: Cli): Promise<number> {
  const told = await cli.ports.prompts.test();
  if (!told.ok) return fail(cli, told.problem);
  const { results, faults } = told;
  const failed = results.filter(({ failures }) => failures.length > 0);
  const passed = results.length - failed.length;
  const isWell = failed.length === 0 && faults.length === 0;
  if (cli.json) printJson(cli, { ok: isWell, passed, failed: failed.length, results, faults });
  else {
    const lines = failed.flatMap(({ file, line, prompt, version, failures }) =>
      failures.map((why) => `${clean(file)}:${line}: ${prompt} ${version}: ${clean(why)}`),
    );
    print(cli, [...faults.map(faultText), ...lines, `${passed} passed, ${failed.length} failed.`]);
  }
  return isWell ? EXIT.ok : EXIT.refused;
}

const faultText = ({ text }: PromptFault): string => clean(text);

const codeOf = (cli: Cli, { code }: ProblemView): number =>
  code.startsWith('supervisor-') ? EXIT.unreachable : cli.stop.aborted ? EXIT.interrupted : EXIT.refused;

function pairOf(word: string): readonly [string, string] {
  const at = word.indexOf('=');
  return [word.slice(0, at), word.slice(at + 1)];
}

const noPair = (word: string): ProblemView => ({
  code: BAD_ARGUMENTS,
  sentence: `${JSON.stringify(word.slice(0, 60))} is not of the form argument=value.`,
  hint: 'tmops prompts list shows what each prompt takes.',
});
