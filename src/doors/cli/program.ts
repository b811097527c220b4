import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { AUTO_ROLE } from '../../core/role-tool-names.ts';
import { TOOLSETS } from '../../core/toolset.ts';
import type { ToolChoice, Toolset } from '../../core/toolset.ts';
import { addAdoptCommand } from './adopt.ts';
import { addAnswerCommand } from './answer.ts';
import { addAuditCommands } from './audit.ts';
import { EXIT } from './cli.ts';
import type { Cli, CliOptions } from './cli.ts';
import { addClientCommand } from './client.ts';
import { stdioCommand } from './client-words.ts';
import * as commands from './commands.ts';
import type { CleanupFlags, StartFlags } from './commands.ts';
import { showEvents, waitUntil } from './follow.ts';
import { addHttpCommand } from './http.ts';
import { operationCommand } from './operation-command.ts';
import type { Does } from './operation-command.ts';
import { addPromptCommands } from './prompts.ts';
import { addSteeringCommands } from './steering.ts';

/** Reads the words of the command line and runs the command; resolves with the exit code. */
export async function runProgram(options: CliOptions): Promise<number> {
  let code: number = EXIT.ok;
  const { words, command } = stdioCommand(options.argv);
  const running: Run = (run) => async () => {
    code = await run();
  };
  const program = programOf(options, running, command);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

type Run = (run: () => Promise<number>) => () => Promise<void>;

function programOf(options: CliOptions, running: Run, command: readonly string[] | null): Command {
  const program = new Command('tmops')
    .description('Builds a feature with a team of interactive coding agents in tmux.')
    .version(options.version)
    .option('--json', 'print the result as JSON; a failure as JSON on stderr')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => options.stdout.write(text),
      writeErr: (text) => options.stderr.write(text),
    })
    .exitOverride();
  const cli = (): Cli => ({ ...options, json: program.opts<{ json?: boolean }>().json === true });
  const does = (run: (cli: Cli) => Promise<number>): Promise<void> => running(() => run(cli()))();
  addFeatureCommands(program, does);
  addSteeringCommands(program, does);
  addAnswerCommand(program, does);
  addLookingCommands(program, does);
  addAuditCommands(program, does);
  addPromptCommands(program, does);
  addLocalCommands(program, does, options);
  addClientCommand(program, does, command);
  return program;
}

function addFeatureCommands(program: Command, does: Does): void {
  operationCommand(program, 'init', '<feature>')
    .option('--run-type <type>', 'initial, or retry for a fresh run beside the earlier one')
    .action((feature: string, { runType }: { runType?: string }) =>
      does((cli) => commands.init(cli, feature, runType)),
    );
  addAdoptCommand(program, does);
  operationCommand(program, 'start', '<feature>')
    .option('--layout <name>', 'quad, main-left, windows, status, or a file of the project')
    .option('--provider <name>', 'claude_code, rehearsal or client')
    .option('--trust', "record in Claude Code's own configuration that this project folder is trusted")
    .option('--baseline <what>', "required: the project's tests have to pass first; waived: they need not")
    .option('--wait', 'stay until the feature is completed or needs attention')
    .action((feature: string, flags: StartFlags) => does((cli) => commands.start(cli, feature, flags)));
  program
    .command('attach <feature>')
    .summary('Show the panes of a feature')
    .description('Attaches this terminal to the tmux session of a feature; inside tmux, switches to it.')
    .action((feature: string) => does((cli) => commands.attach(cli, feature)));
  operationCommand(program, 'settle', '<feature> <prompt> <as>').action((feature: string, prompt: string, as: string) =>
    does((cli) => commands.settle(cli, feature, prompt, as)),
  );
  operationCommand(program, 'stop', '<feature>').action((feature: string) =>
    does((cli) => commands.stop(cli, feature)),
  );
  operationCommand(program, 'cleanup', '<feature>')
    .option('--dry-run', 'only say what would go')
    .option('--delete-branch', 'the branch goes as well; refused where it is not merged')
    .option('--discard', 'work that is not committed or not merged goes as well; a ref keeps it')
    .action((feature: string, flags: CleanupFlags) => does((cli) => commands.cleanup(cli, feature, flags)));
  operationCommand(program, 'gc')
    .option('--dry-run', 'only say what would go')
    .action((flags: { dryRun?: boolean }) => does((cli) => commands.gc(cli, flags)));
}

function addLookingCommands(program: Command, does: Does): void {
  operationCommand(program, 'status', '[feature]')
    .option('--watch', 'stay, and draw it anew each time something changes')
    .action((feature: string | undefined, { watch }: { watch?: boolean }) =>
      does((cli) => commands.status(cli, feature, watch === true)),
    );
  operationCommand(program, 'list').action(() => does(commands.list));
  operationCommand(program, 'wait', '<feature>')
    .option('--until <what>', 'completed, step or change', 'completed')
    .option('--timeout <seconds>', 'give up after this long; without it, wait as long as it takes', seconds)
    .action((feature: string, { until, timeout }: { until: string; timeout?: number }) =>
      does((cli) => waitUntil(cli, { feature, until, withinMs: (timeout ?? Infinity) * 1000 })),
    );
  operationCommand(program, 'events', '<feature>')
    .option('--follow', 'stay, and print each new event')
    .action((feature: string, { follow }: { follow?: boolean }) =>
      does((cli) => showEvents(cli, feature, follow === true)),
    );
  operationCommand(program, 'readPane', '<feature> <role>')
    .option('--lines <number>', 'how many lines from the bottom')
    .action((feature: string, role: string, { lines }: { lines?: string }) =>
      does((cli) => commands.readPane(cli, feature, role, lines)),
    );
  operationCommand(program, 'readCheckpoint', '<feature> [step]')
    .option('--from <number>', 'line to begin with')
    .option('--lines <number>', 'how many lines')
    .action((feature: string, step: string | undefined, flags: { from?: string; lines?: string }) =>
      does((cli) => commands.readCheckpoint(cli, feature, step, flags)),
    );
}

function addLocalCommands(program: Command, does: Does, { ports }: CliOptions): void {
  operationCommand(program, 'doctor').action(() => does(commands.doctor));
  program
    .command('mcp')
    .summary('Serve MCP over stdio')
    .description('Serves the Model Context Protocol over stdin and stdout, for Claude Code and other clients.')
    .option('--toolsets <names>', `which tools it offers: ${TOOLSETS.join(', ')}, with commas`, toolsetsOf)
    .option('--tools <names>', 'single tools besides, with commas', namesOf)
    .option('--read-only', 'only tools that read, whatever else is chosen')
    .option('--feature <name>', 'the one feature that the client reaches; without it, all of the workspace', featureOf)
    .option('--role <name>', `the tools of this role of --feature, or of all in turn: ${AUTO_ROLE}`, roleOf)
    .action(({ feature, role, ...choice }: McpChoice, command: Command) => {
      if (role === undefined)
        return does(() => ports.mcp({ ...choice, ...(feature !== undefined && { only: feature }) }));
      if (feature === undefined) command.error('error: --role needs --feature <name>: a role is one of a feature.');
      if (Object.keys(choice).length > 0)
        command.error(
          'error: with --role the workflow says which tools there are: leave --toolsets, --tools and --read-only out.',
        );
      return does(() => ports.roleMcp(role, feature));
    });
  addHttpCommand(program, does);
  program
    .command('demo [args...]')
    .summary('Show the whole flow with rehearsed agents')
    .description('Runs a whole feature on a sample repository in a temporary folder with agents that need no account.')
    .allowUnknownOption()
    .action((args: string[]) => does(() => ports.demo(args)));
}

type McpChoice = Partial<ToolChoice> & { readonly feature?: string; readonly role?: string };

const namesOf = (words: string): string[] =>
  words
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

function toolsetsOf(words: string): Toolset[] {
  const known = (name: string): name is Toolset => TOOLSETS.some((set) => set === name);
  return namesOf(words).map((name) => {
    if (known(name)) return name;
    throw new InvalidArgumentError(`There are ${TOOLSETS.join(', ')}.`);
  });
}

function featureOf(word: string): string {
  if (/^[a-z0-9-]{3,20}$/.test(word)) return word;
  throw new InvalidArgumentError('A feature name is 3 to 20 of the characters a-z, 0-9 and -.');
}

function roleOf(word: string): string {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(word)) return word;
  throw new InvalidArgumentError('A role is a name such as tester, or auto.');
}

function seconds(words: string): number {
  const value = Number(words);
  if (words.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It is a number of seconds, 0 or more.');
}
