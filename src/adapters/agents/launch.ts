import { readdir, rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Launch } from '../../core/agent.ts';
import { makePrivateFolder } from '../../files/in-place.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { AGENT_TOKEN, placeToken } from './agent-token.ts';
import { packagedFile } from './packaged-file.ts';
import { ProviderError } from './provider-error.ts';

/**
 * Writes `launch` into files of the agent's folder and says what the terminal has to run instead: a launcher that reads
 * them. So neither arguments nor variables show in tmux's command lines, which every process on the server may read.
 * The traces of an earlier process in that folder are removed. `omitted` names the variables that cannot be passed.
 * Rejects with a ProviderError when an argument or the folder cannot be passed.
 */
export async function writeLaunch(
  agentDir: string,
  launch: Launch,
): Promise<{ readonly argv: string[]; readonly omitted: string[] }> {
  refuseUnpassable(launch);
  const folder = join(agentDir, 'launch');
  await makePrivateFolder(folder);
  await makePrivateFolder(join(agentDir, 'events'));
  await Promise.all(['process', 'exit'].map((trace) => rm(join(agentDir, trace), { force: true })));
  await removeHalves(folder);

  const variables = Object.entries(launch.env).filter(([name]) => !NOT_THE_AGENTS.has(name));
  const passed = variables.filter(([name, value]) => passes(name, value));
  await writeWhole(join(folder, 'argv'), lines(launch.argv));
  await writeWhole(join(folder, 'env'), lines(passed.map(([name, value]) => `${name}=${value}`)));
  await writeWhole(join(folder, 'cwd'), lines([launch.cwd]));
  await placeToken(agentDir, launch.env[AGENT_TOKEN]);
  return {
    argv: ['/bin/sh', packagedFile('launch.sh'), agentDir],
    omitted: variables.filter(([name, value]) => !passes(name, value)).map(([name]) => name),
  };
}

/** Of a supervisor that was killed while it wrote: they may hold half of an environment. */
async function removeHalves(folder: string): Promise<void> {
  const halves = (await readdir(folder)).filter(
    (name) => name.endsWith('.tmp') && !name.endsWith(`.${process.pid}.tmp`),
  );
  await Promise.all(halves.map((name) => rm(join(folder, name), { force: true })));
}

function refuseUnpassable(launch: Launch): void {
  if (launch.argv[0] === undefined || launch.argv[0] === '') {
    throw new ProviderError({
      reason: 'order',
      sentence: 'There is no command to start.',
      hint: 'Name one in the configuration.',
    });
  }
  const bad = launch.argv.find((argument) => !isOneLine(argument));
  if (bad !== undefined) {
    throw new ProviderError({
      reason: 'order',
      sentence: `The argument ${JSON.stringify(bad.slice(0, 80))} of ${launch.argv[0]} holds a line break or a NUL.`,
      hint: 'Put the text into a file and pass its path.',
    });
  }
  if (!isOneLine(launch.cwd) || !isAbsolute(launch.cwd)) {
    throw new ProviderError({
      reason: 'order',
      sentence: `The folder to work in is not an absolute path in one line: ${JSON.stringify(launch.cwd)}.`,
      hint: 'Use a folder whose path has no line break.',
    });
  }
}

/**
 * Variables that belong to a shell or to the pane the caller sits in. They mean nothing to the agent, and the launcher's
 * shell refuses to change some of them.
 */
const NOT_THE_AGENTS: ReadonlySet<string> = new Set([
  ...['BASHOPTS', 'BASH_ENV', 'BASH_VERSINFO', 'ENV', 'EUID', 'IFS', 'PPID', 'SHELLOPTS', 'UID'],
  ...['OLDPWD', 'PWD', 'SHLVL', 'TERM', 'TMUX', 'TMUX_PANE', '_'],
]);

function passes(name: string, value: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && isOneLine(value);
}

function isOneLine(text: string): boolean {
  return !/[\n\0]/.test(text);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
