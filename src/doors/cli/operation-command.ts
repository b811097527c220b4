import type { Command } from 'commander';
import { operations } from '../../app/table.ts';
import type { OperationKey } from '../../app/table.ts';
import type { Cli } from './cli.ts';

/** Runs what a command does once its words are understood, and keeps its exit code. */
export type Does = (run: (cli: Cli) => Promise<number>) => Promise<void>;

/** A command that is an operation of the table: its name, title and description come from there. */
export function operationCommand(program: Command, key: OperationKey, words = ''): Command {
  const { name, title, description } = operations[key];
  return program.command(`${name} ${words}`.trim()).summary(title).description(description);
}
