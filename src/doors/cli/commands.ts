import { EXIT, ask, fail, lookOf, print, printJson, show } from './cli.ts';
import type { Cli } from './cli.ts';
import { waitUntil } from './follow.ts';
import {
  renderCheckpoint,
  renderCleanup,
  renderDoctor,
  renderGc,
  renderInit,
  renderList,
  renderPane,
  renderSettle,
  renderStart,
  renderStop,
} from './render.ts';
import { renderStatus } from './render-status.ts';
import { watchStatus } from './watch.ts';

/** What each command does once its words are understood; each gives the exit code. */

export const init = (cli: Cli, feature: string, runType: string | undefined): Promise<number> =>
  show(cli, 'init', { feature, runType }, renderInit);

export interface StartFlags {
  readonly layout?: string;
  readonly provider?: string;
  readonly trust?: boolean;
  readonly baseline?: string;
  readonly wait?: boolean;
}

export async function start(cli: Cli, feature: string, { wait, ...flags }: StartFlags): Promise<number> {
  const code = await show(cli, 'start', { feature, ...flags }, renderStart);
  if (code !== EXIT.ok || !wait) return code;
  return waitUntil(cli, { feature, until: 'completed', withinMs: Infinity });
}

export async function attach(cli: Cli, feature: string): Promise<number> {
  const asked = await ask(cli, 'status', { feature });
  if (!asked.ok) return fail(cli, asked.failure);
  if (asked.output.session !== null && asked.output.attach !== null) return cli.ports.attach(asked.output);
  return fail(cli, {
    code: 'no-session',
    sentence: `${feature} has no session now.`,
    hint: `tmops start ${feature}`,
  });
}

/** Without a feature: the only one there is, or the list. As JSON always the list, so that a script knows what it gets. */
export async function status(cli: Cli, feature: string | undefined, watch: boolean): Promise<number> {
  if (feature !== undefined && watch) return watchStatus(cli, feature);
  if (feature !== undefined) return show(cli, 'status', { feature }, renderStatus);
  if (cli.json) return list(cli);
  const asked = await ask(cli, 'list', {});
  if (!asked.ok) return fail(cli, asked.failure);
  const [only, second] = asked.output.features;
  if (only && !second) return status(cli, only.feature, watch);
  return print(cli, renderList(asked.output, lookOf(cli)));
}

export const list = (cli: Cli): Promise<number> => show(cli, 'list', {}, renderList);

export const readCheckpoint = (
  cli: Cli,
  feature: string,
  step: string | undefined,
  { from, lines }: { readonly from?: string; readonly lines?: string },
): Promise<number> =>
  show(cli, 'readCheckpoint', { feature, step, from: numeric(from), lines: numeric(lines) }, renderCheckpoint);

export const readPane = (cli: Cli, feature: string, role: string, lines: string | undefined): Promise<number> =>
  show(cli, 'readPane', { feature, role, lines: numeric(lines) }, renderPane);

export const settle = (cli: Cli, feature: string, prompt: string, as: string): Promise<number> =>
  show(cli, 'settle', { feature, prompt: numeric(prompt), as }, renderSettle);

export const stop = (cli: Cli, feature: string): Promise<number> => show(cli, 'stop', { feature }, renderStop);

export interface CleanupFlags {
  readonly discard?: boolean;
  readonly deleteBranch?: boolean;
  readonly dryRun?: boolean;
}

export const cleanup = (cli: Cli, feature: string, flags: CleanupFlags): Promise<number> =>
  show(cli, 'cleanup', { feature, ...flags }, renderCleanup);

export const gc = (cli: Cli, flags: { readonly dryRun?: boolean }): Promise<number> => show(cli, 'gc', flags, renderGc);

/** Needs no supervisor, since it is asked when there can be none. */
export async function doctor(cli: Cli): Promise<number> {
  const view = await cli.ports.doctor();
  if (cli.json) printJson(cli, view);
  else print(cli, renderDoctor(view, lookOf(cli)));
  return view.ok ? EXIT.ok : EXIT.refused;
}

/** A number where the words are one; else the words, so that the refusal can quote them. */
function numeric(words: string | undefined): number | string | undefined {
  return words !== undefined && /^-?\d+(\.\d+)?$/.test(words) ? Number(words) : words;
}
