import type { Command } from 'commander';
import type { OutputOf } from '../../app/table.ts';
import { show } from './cli.ts';
import { operationCommand } from './operation-command.ts';
import type { Does } from './operation-command.ts';
import { cleanLine } from './text.ts';

/** `tmops answer auth-api tester Yes, and do not ask again`: the label needs no quotes. */
export function addAnswerCommand(program: Command, does: Does): void {
  operationCommand(program, 'answer', '<feature> <role> <choice...>')
    .option('--dialog <id>', 'the question that is meant, as status --json names it; refused when it asks another')
    .action((feature: string, role: string, choice: string[], flags: { dialog?: string }) =>
      does((cli) =>
        show(cli, 'answer', { feature, role, choice: choice.join(' '), ...flags }, renderAnswer, {
          command: 'answer',
          words: ['choice'],
        }),
      ),
    );
}

export function renderAnswer({ feature, role, dialog, choice, answered }: OutputOf<'answer'>): string[] {
  const said = `The ${cleanLine(role)}'s question (${cleanLine(dialog)}) was answered: ${cleanLine(choice)}`;
  return answered
    ? [said]
    : [said, `It still stands in the pane; look at it: tmops read-pane ${cleanLine(feature)} ${cleanLine(role)}`];
}
