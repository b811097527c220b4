import type { Finding, PresentRun } from '../core/gc.ts';
import type { Caller } from '../link/protocol.ts';
import type { Cleanups } from './cleanup.ts';
import type { Answer, Handler } from './handler.ts';
import { openOrTell } from './open-run.ts';
import type { AppPorts } from './ports.ts';
import type { InputOf, OutputOf } from './table.ts';
import { tellError } from './tell.ts';
import { openTurns } from './turns.ts';

/** Finds what crashed ones left behind, and removes what is proven to be theirs. */
export function gcHandler(ports: AppPorts, cleanups: Cleanups): Handler<'gc'> {
  // One after the other: the second would list what the first is about to remove.
  const inTurn = openTurns();
  return (input, caller) => inTurn(() => collect(ports, cleanups, input, caller));
}

async function collect(
  ports: AppPorts,
  cleanups: Cleanups,
  { dryRun }: InputOf<'gc'>,
  caller: Caller,
): Promise<Answer<'gc'>> {
  const loaded = ports.config(caller.env);
  if (!loaded.ok) return loaded;
  const { config } = loaded;
  // Runs whose folder was removed by hand while they were open are let go of.
  for (const { loop } of ports.workspace.opened()) {
    const { identity } = loop.run();
    if (identity) await ports.workspace.live(identity.feature);
  }
  const { present, sockets } = await presentRuns(ports);
  const findings = [
    ...(await cleanups.cutShort(caller)),
    ...(await ports.leftovers({
      ...{ present, worktreePath: (feature) => ports.worktreePath(feature, config) },
      sockets: [...new Set([ports.socketOf(config, caller.env ?? {}), ...sockets])],
    })),
  ];
  const output: OutputOf<'gc'> = { done: !dryRun, removed: [], left: [] };
  for (const finding of findings) {
    const { kind, what } = finding;
    const why = finding.remove === null || dryRun ? null : await removal(finding.remove);
    if (finding.remove === null) output.left.push({ kind, what, why: finding.why });
    else if (why !== null) output.left.push({ kind, what, why });
    else output.removed.push({ kind, what, why: finding.why });
  }
  return { ok: true, output };
}

/** Why it was left after all; one that cannot be removed does not keep the others. */
async function removal(remove: NonNullable<Finding['remove']>): Promise<string | null> {
  try {
    return await remove();
  } catch (error) {
    const told = tellError(error);
    return `it could not be removed: ${told ? `${told.sentence} ${told.hint}` : String(error)}`;
  }
}

async function presentRuns(ports: AppPorts): Promise<{
  readonly present: ReadonlyMap<string, PresentRun | 'unread'>;
  readonly sockets: readonly (string | null)[];
}> {
  const present = new Map<string, PresentRun | 'unread'>();
  const sockets: (string | null)[] = [];
  for (const { feature } of await ports.features()) {
    const opened = await openOrTell(ports, feature);
    if ('problem' in opened) present.set(feature, 'unread');
    const run = 'problem' in opened ? null : opened.live?.loop.run();
    if (!run?.identity) continue;
    present.set(feature, { run: run.identity.run, attended: ATTENDED.has(run.life.kind) });
    if (run.settings) sockets.push(run.settings.socket);
  }
  return { present, sockets };
}

const ATTENDED: ReadonlySet<string> = new Set(['running', 'queued', 'completed']);
