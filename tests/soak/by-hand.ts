import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { watchersOf } from '../rig/flow.ts';
import { checkpointText, type Product } from '../rig/product.ts';
import type { Random } from '../rig/random.ts';
import type { ByHand } from './figures.ts';

/** Steps of the workflow as a human does them, with nothing but the framework's rules: files, and git. */
const STEPS: readonly { readonly file: string; readonly from: string; readonly work?: (feature: string) => string }[] =
  [
    { file: '001-discovery-trigger.md', from: 'Orchestrator' },
    {
      ...{ file: '003-tests-complete.md', from: 'Tester' },
      work: (feature) =>
        `mkdir -p tests && echo "import '../src/${feature}.mjs';" > tests/${feature}.test.mjs && git add tests && { git diff --cached --quiet || git commit -q -m '${feature}: tests'; }`,
    },
    { file: '004-impl-trigger.md', from: 'Orchestrator' },
    {
      ...{ file: '005-impl-complete.md', from: 'Implementer' },
      work: (feature) =>
        `echo 'export {};' > src/${feature}.mjs && git add src && { git diff --cached --quiet || git commit -q -m '${feature}: code'; } && npm test >/dev/null 2>&1`,
    },
    { file: '006-verify-trigger.md', from: 'Orchestrator' },
    { file: '007-verify-complete.md', from: 'Verifier' },
    { file: 'SUMMARY.md', from: 'Orchestrator' },
  ];

/**
 * Lets a run begin, takes everything of tmops away at some moment (supervisor, guard, tmux server with all agents) and finishes
 * the run in its worktree with a shell, by relative paths. Then a supervisor that comes back has to find it completed.
 */
export async function finishByHand(product: Product, feature: string, random: Random): Promise<ByHand> {
  const fault = await attempt(product, feature, random);
  const { stdout } = await product.cli('status', feature);
  if (fault === null) await product.cli('stop', feature);
  return { feature, fault: fault === null ? null : `${fault}\n${stdout}` };
}

async function attempt(product: Product, feature: string, random: Random): Promise<string | null> {
  const { worktree } = await product.json<{ worktree: string }>('init', feature);
  await product.json('start', feature);
  const steps = random.int(0, 5);
  const deadline = Date.now() + 120_000;
  const done = async (): Promise<number> =>
    (await product.events(feature)).filter(({ kind }) => kind === 'step.completed').length;
  while ((await done()) < steps && Date.now() < deadline) await pause(100);
  if ((await done()) < steps) return `it did not come to step ${steps + 1}`;
  await takeAllAway(product);
  for (const { file, from, work } of STEPS) {
    const path =
      file === 'SUMMARY.md'
        ? `.tmops/${feature}/runs/current/${file}`
        : `.tmops/${feature}/runs/current/checkpoints/${file}`;
    const script = `set -e; test -f .tmops/${feature}/runs/current/TASK_SPEC.md; test -e '${path}' && exit 0; ${work?.(feature) ?? ':'}; cat > '${path}'`;
    const input = checkpointText(feature, from, 'All').replace('## Next', '## Findings\n- None\n\n## Next');
    const ran = await execa('sh', ['-c', script], {
      cwd: worktree,
      env: product.env,
      extendEnv: false,
      input,
      reject: false,
    });
    if (ran.failed) return `${file} could not be made by hand: ${ran.stderr}`;
  }
  if (!existsSync(product.path(feature, 'runs', 'current', 'SUMMARY.md')))
    return 'its files are not seen from the root';
  const listed = await product.repo.read('.tmops/FEATURES.txt');
  if (!listed.includes(`${feature}:`)) return 'FEATURES.txt does not name it';
  return (await comesBack(product, feature)) ? null : 'a supervisor that came back did not take it as completed';
}

async function takeAllAway(product: Product): Promise<void> {
  const { guard, supervisor } = await watchersOf(product);
  for (const pid of [guard, supervisor])
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  await product.server.run('kill-server').catch(() => '');
  // An agent's last word may have woken another one.
  await product.endSupervisor('SIGKILL');
}

async function comesBack(product: Product, feature: string): Promise<boolean> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    await product.cli('status', feature);
    if ((await product.events(feature)).some(({ kind }) => kind === 'run.completed')) return true;
    await pause(500);
  }
  return false;
}
