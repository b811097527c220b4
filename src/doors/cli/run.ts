import type { CliOptions } from './cli.ts';

/**
 * Runs the command line and resolves with the exit code: 0 done, 1 refused or a problem, 2 not understood, 3 no
 * supervisor to be had, 130 interrupted. Whoever called ends the process with it, once stdout is written.
 */
export async function runCli(options: CliOptions): Promise<number> {
  const [command, ...rest] = options.argv;
  // These two start often and on someone's time: nothing is loaded that they do not need.
  if (command === 'mcp' && rest.length === 0) return options.ports.mcp({});
  if (command === 'supervise') return options.ports.supervise(rest);
  const { runProgram } = await import('./program.ts');
  const reader = new AbortController();
  options.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    reader.abort();
  });
  const code = await runProgram({ ...options, stop: AbortSignal.any([options.stop, reader.signal]) });
  // A reader that has seen enough (`| head`) is no failure.
  return reader.signal.aborted ? 0 : code;
}
