import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { OutputOf } from '../../app/table.ts';
import { show } from './cli.ts';
import type { Look } from './look.ts';
import { operationCommand } from './operation-command.ts';
import type { Does } from './operation-command.ts';
import { table } from './table.ts';
import { cleanLine, wrap } from './text.ts';

/** `tmops adopt auth-api --panes tester=%4,implementer=%5` */
export function addAdoptCommand(program: Command, does: Does): void {
  operationCommand(program, 'adopt', '<feature>')
    .option(
      '--panes <role=%id,...>',
      'panes in which you talk with a Claude Code of your own; the roles carry on from there',
      panes,
    )
    .action((feature: string, flags: { panes?: Record<string, string> }) =>
      does((cli) => show(cli, 'adopt', { feature, ...flags }, renderAdopt)),
    );
}

function panes(words: string): Record<string, string> {
  const pairs = words.split(',').map((word) => word.split('='));
  if (pairs.some((pair) => pair.length !== 2 || pair.includes('')))
    throw new InvalidArgumentError('It is a list like tester=%4,implementer=%5.');
  const roles = pairs.map(([role = '']) => role);
  if (new Set(roles).size < roles.length) throw new InvalidArgumentError('It names a role twice.');
  return Object.fromEntries(pairs.map(([role = '', pane = '']) => [role, pane]));
}

export function renderAdopt(view: OutputOf<'adopt'>, look: Look): string[] {
  const feature = cleanLine(view.feature);
  const how = view.adopted ? 'is adopted' : 'was known already';
  const rows = view.checkpoints.map(({ step, role, file, state, problem }) => [
    step,
    role,
    file,
    state === 'done' ? (['done', 'good'] as const) : state,
    problem,
  ]);
  return [
    `${feature} ${how}: run ${cleanLine(view.run)}, branch ${cleanLine(view.branch)}.`,
    `Worktree: ${cleanLine(view.worktree)}`,
    ...table(['STEP', 'ROLE', 'CHECKPOINT', 'STATE', 'PROBLEM'], rows, look),
    ...view.conversations.map(
      ({ role, sessionId, process }) =>
        `The ${cleanLine(role)} is to carry on the conversation ${cleanLine(sessionId)} (process ${process}).`,
    ),
    ...view.notes.map((note) => `Note: ${cleanLine(note)}`),
    ...wrap(`With the start: ${cleanLine(view.next)}`, look.columns),
    'Next:',
    ...view.nextSteps.map((step) => `  ${cleanLine(step)}`),
  ];
}
