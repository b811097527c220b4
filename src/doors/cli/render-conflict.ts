import type { OutputOf } from '../../app/table.ts';
import { localTimes } from './look.ts';
import type { Look } from './look.ts';
import { cleanLine, wrap } from './text.ts';

const SAID = {
  accept: 'The branch is taken as it is',
  stash: 'What others did was put aside, and branch and files are as they were known',
  abort: 'The run is stopped, and nothing was touched',
} as const;

export function renderConflict({ how, number, kept, waitsFor }: OutputOf<'conflict'>, look: Look): string[] {
  return [
    ...wrap(`${SAID[how]} (conflict ${number}).`, look.columns),
    ...(kept === null ? [] : keptLines(kept, look)),
    ...wrap(localTimes(cleanLine(waitsFor), look.now), look.columns),
  ];
}

/** Where it is, and the commands that show it or bring it back. */
export const keptLines = ({ ref, restore }: NonNullable<OutputOf<'conflict'>['kept']>, { ink }: Look): string[] => [
  `Kept: ${cleanLine(ref)}-*`,
  ...restore.map((command) => `  ${ink(cleanLine(command), 'strong')}`),
];
