import { isAbsolute, join } from 'node:path';
import { distrustOf } from '../files/trust.ts';
import type { ConfigFault, KeyPath } from './faults.ts';
import type { Located } from './located.ts';
import type { Config } from './schema.ts';
import { trustWords } from './source.ts';

/**
 * Faults of the files that the configuration names and that say what tmops does, or are code it runs: the workflow, the
 * layout, the play, step modules and sinks. One that is not there is told where it is read. What ships is not looked at.
 */
export function namedFileFaults(config: Config, root: string, where: Pick<Located, 'blame'>): ConfigFault[] {
  return namedFiles(config, root).flatMap(([path, file]) => {
    const distrust = distrustOf(file);
    if (!distrust) return [];
    return [{ ...where.blame(path, trustWords(file, distrust)), kind: 'untrusted-file' as const }];
  });
}

/** Each with its key, absolute. */
export function namedFiles(config: Config, root: string): (readonly [KeyPath, string])[] {
  const { workflow, layout, modules, sinks, providers } = config;
  const { play } = providers.rehearsal;
  const named: (readonly [KeyPath, string])[] = [
    ...(isFile(workflow) ? [[['workflow'], workflow] as const] : []),
    ...(isFile(layout) ? [[['layout'], layout] as const] : []),
    ...(play !== null && isFile(play) ? [[['providers', 'rehearsal', 'play'], play] as const] : []),
    ...Object.entries(modules).map(([name, file]) => [['modules', name], file] as const),
    ...sinks.flatMap((sink, index) =>
      sink.kind === 'module' ? [[['sinks', index, 'module'], sink.module] as const] : [],
    ),
  ];
  return named.map(([path, name]) => [path, isAbsolute(name) ? name : join(root, name)]);
}

/** A plain name is that of something that ships. */
const isFile = (name: string): boolean => name.includes('/') || name.includes('.');
