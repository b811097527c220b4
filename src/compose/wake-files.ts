import { AGENT_TOKEN } from '../adapters/agents/agent-token.ts';
import { readEnvironment } from '../config/environment.ts';
import { writeWhole } from '../files/write-whole.ts';
import { packaged } from './package.ts';
import type { SupervisorPlace } from './places.ts';
import { supervisorProgram } from './program.ts';

/**
 * Lets an agent's hook start a supervisor again: a constant script beside the arguments it runs and the variables it sets, so
 * that nothing is quoted, and no variable stands in a command line.
 */
export async function writeWakeFiles(root: string, place: SupervisorPlace): Promise<void> {
  // The agent whose hook starts it has none of the variables that lead to the tmux server and the configuration.
  const variables = Object.entries(readEnvironment())
    .filter(([name]) => /^(TMUX_TMPDIR|TMOPS_\w+)$/.test(name) && name !== AGENT_TOKEN)
    .map(([name, value]) => `${name}=${value}`)
    .filter((line) => !line.includes('\n'));
  const command = ['/bin/sh', packaged('config', 'guard.sh'), ...supervisorProgram, 'supervise', '--root', root];
  await writeWhole(place.variablesFile, lines(variables));
  await writeWhole(place.commandFile, lines(command));
  await writeWhole(place.wakeFile, WAKE, 0o700);
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');

const WAKE = `#!/bin/sh
# Starts the supervisor of this workspace again. The command and its variables are in the files beside this one, one argument
# or NAME=VALUE a line.
cd "$(dirname "$0")" || exit 1
unset ${AGENT_TOKEN}
set --
while IFS= read -r argument; do set -- "$@" "$argument"; done < command
while IFS= read -r variable; do export "$variable"; done < variables
exec "$@"
`;
