import { packaged } from './package.ts';

/** The program that node runs to be tmops: this bundle. */
export const program: readonly string[] = [process.execPath, packaged('dist', 'tmops.js')];

/** The same for the supervisor, with a small space for young objects (see supervise.ts); in MB. */
export const supervisorProgram: readonly string[] = [
  process.execPath,
  '--max-semi-space-size=1',
  packaged('dist', 'tmops.js'),
];
