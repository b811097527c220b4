import type { Config } from '../config/schema.ts';
import type { InitOutcome } from '../core/init.ts';
import type { Handler } from './handler.ts';
import type { AppPorts } from './ports.ts';
import type { OutputOf } from './table.ts';
import { tellInit } from './tell.ts';

/** Makes branch, worktree and folders, and begins the run's journal. */
export function initHandler(ports: AppPorts): Handler<'init'> {
  return async ({ feature, runType }, asker) => {
    const loaded = ports.config(asker.env);
    if (!loaded.ok) return loaded;
    const { config } = loaded;
    const begun = ports.clock.now();
    const outcome = await ports.initialise(
      {
        feature,
        runType,
        isolation: config.isolation,
        worktreePath: ports.worktreePath(feature, config),
        setupCommand: config.project.setup_command ?? undefined,
        copy: config.project.copy,
        nowIso: new Date(begun).toISOString(),
        session: asker.door,
        roles: config.features.default_phases,
      },
      config,
    );
    if (!outcome.ok) return { ok: false, problem: tellInit(outcome.problem) };
    await beginJournal(ports, runType, outcome, asker.principal);
    return { ok: true, output: await outputOf(ports, config, outcome) };
  };
}

type Initialised = Extract<InitOutcome, { ok: true }>;

async function beginJournal(
  ports: AppPorts,
  runType: 'initial' | 'retry',
  { feature, run, branch, worktree }: Initialised,
  principal: string,
): Promise<void> {
  const live = await ports.workspace.live(feature);
  if (!live) throw new Error(`Internal error: ${feature} was initialised and has no run`);
  const { commit: base } = await ports.headOf(worktree);
  const identity = { base, workspaceId: ports.workspaceId, feature, run, runType, branch, worktree };
  await live.loop.submit({ kind: 'initialise', identity }, principal);
}

async function outputOf(ports: AppPorts, config: Config, outcome: Initialised): Promise<OutputOf<'init'>> {
  const { feature, run, branch, worktree, specState, made, changed, kept, durationMs, initialiser } = outcome;
  const argv = await ports.testCommand(config);
  const specFile = `.tmops/${feature}/current/TASK_SPEC.md`;
  const from = config.project.test_command ? 'project.test_command' : (outcome.testCommand?.reason ?? 'detected');
  return {
    feature,
    run,
    branch,
    worktree,
    specFile,
    specState,
    created: [...made, ...changed],
    kept: [...kept],
    testCommand: argv ? { argv: [...argv], from } : null,
    initialiser: initialiser.kind === 'script' ? 'framework' : 'built-in',
    notes: notesOf(outcome, argv),
    nextSteps: [
      ...(specState === 'filled' ? [] : [`Fill in ${specFile}`]),
      `tmops start ${feature}`,
      `tmops status ${feature}`,
    ],
    durationMs,
  };
}

function notesOf({ copy, setup, initialiser }: Initialised, testCommand: readonly string[] | null): string[] {
  const skipped = copy.skipped.map(
    ({ path, why }) => `${path} was not copied into the worktree (${why.replaceAll('-', ' ')}).`,
  );
  return [
    ...(initialiser.kind === 'script' ? [`The framework's script was run: ${initialiser.argv.join(' ')}`] : []),
    ...(copy.copied.length > 0 ? [`${copy.files} files were copied into the worktree (project.copy).`] : []),
    ...skipped,
    ...(setup === 'done' ? ['The set-up command was run in the worktree.'] : []),
    ...(testCommand ? [] : ['No test command was found; name it with project.test_command in tmops.config.yaml.']),
  ];
}
