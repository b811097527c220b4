import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { show } from './cli.ts';
import { message } from './message.ts';
import { operationCommand } from './operation-command.ts';
import type { Does } from './operation-command.ts';
import { renderConflict } from './render-conflict.ts';
import { renderGate, renderHolders, renderPaused, renderRollback, renderStep, renderWhy } from './render-steering.ts';

/** The commands by which a human steers a run that is going. */
export function addSteeringCommands(program: Command, does: Does): void {
  addPaneCommands(program, does);
  addGateCommands(program, does);
  addStepCommands(program, does);
  operationCommand(program, 'message', '<feature> <words...>')
    .usage('[options] <feature> [role|all] <text…>')
    .option('--wait <seconds>', 'how long to wait for the outcome, at most 45', waitSeconds)
    .addHelpText(
      'after',
      "\nWith several words the first one says who it is for, else it is for all. '-' reads the text from standard input.",
    )
    .action((feature: string, words: string[], { wait }: { wait?: number }) =>
      does((cli) => message(cli, feature, words, wait)),
    );
  operationCommand(program, 'explain', '<feature>').action((feature: string) =>
    does((cli) => show(cli, 'explain', { feature }, renderWhy)),
  );
}

function addPaneCommands(program: Command, does: Does): void {
  for (const key of ['take', 'give'] as const)
    operationCommand(program, key, '<feature> [role]').action((feature: string, role: string | undefined) =>
      does((cli) => show(cli, key, { feature, ...(role === undefined ? {} : { role }) }, renderHolders)),
    );
  for (const key of ['pause', 'resume'] as const)
    operationCommand(program, key, '[feature]').action((feature: string | undefined) =>
      does((cli) => show(cli, key, feature === undefined ? {} : { feature }, renderPaused)),
    );
}

function addGateCommands(program: Command, does: Does): void {
  for (const key of ['approve', 'reject'] as const)
    operationCommand(program, key, '<feature>')
      .option('--comment <text>', key === 'approve' ? 'kept in the journal' : 'told to the role, word by word')
      .action((feature: string, flags: { comment?: string }) =>
        does((cli) => show(cli, key, { feature, ...flags }, renderGate(key))),
      );
}

interface StepFlags {
  readonly step?: string;
  readonly why?: string;
}

interface RollbackFlags {
  readonly to?: string;
  readonly undo?: boolean;
  readonly dryRun?: boolean;
  readonly why?: string;
}

function addStepCommands(program: Command, does: Does): void {
  const why = ['--why <text>', 'kept in the journal'] as const;
  operationCommand(program, 'skip', '<feature>')
    .option('--step <name>', 'refuse unless this is the present step')
    .option(...why)
    .action((feature: string, flags: StepFlags) =>
      does((cli) => show(cli, 'skip', { feature, ...flags }, renderStep('skip'))),
    );
  operationCommand(program, 'retry', '<feature>').action((feature: string) =>
    does((cli) => show(cli, 'retry', { feature }, renderStep('retry'))),
  );
  operationCommand(program, 'redo', '<feature>')
    .option('--step <name>', 'the step to open; the one that was done last when absent')
    .option(...why)
    .action((feature: string, flags: StepFlags) =>
      does((cli) => show(cli, 'redo', { feature, ...flags }, renderStep('redo'))),
    );
  operationCommand(program, 'rollback', '<feature>')
    .option('--to <step>', 'the step, or the role, to whose beginning the work goes back')
    .option('--undo', 'put back what the last rollback took')
    .option('--dry-run', 'only say which files, checkpoints and commits would go')
    .option(...why)
    .action((feature: string, flags: RollbackFlags) =>
      does((cli) => show(cli, 'rollback', { feature, ...flags }, renderRollback)),
    );
  operationCommand(program, 'conflict', '<feature> <how>')
    .usage('[options] <feature> accept|stash|abort')
    .action((feature: string, how: string) =>
      does((cli) => show(cli, 'conflict', { feature, how }, renderConflict, { command: 'conflict', words: ['how'] })),
    );
  // The same operation by the word that one looks for, with the step it always needs then.
  program
    .command('goto <feature> <step>')
    .summary('Go back to the step named')
    .description('Opens an earlier step and all after it anew: the same as redo with --step.')
    .option(...why)
    .action((feature: string, step: string, flags: StepFlags) =>
      does((cli) =>
        show(cli, 'redo', { feature, step, ...flags }, renderStep('redo'), { command: 'goto', words: ['step'] }),
      ),
    );
}

function waitSeconds(words: string): number {
  const value = Number(words);
  if (words.trim() !== '' && value >= 0 && value <= 45) return value;
  throw new InvalidArgumentError('It is a number of seconds, 0 to 45.');
}
