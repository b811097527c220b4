import { access, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stageAgent, type StagedAgent } from '../rig/rehearsal.ts';
import { sampleRepo, type SampleRepo } from '../rig/repo.ts';
import { privateServer, type PrivateServer } from '../rig/tmux.ts';
import { until } from '../rig/wait.ts';

const feature = 'sample-feature';
let server: PrivateServer;
let repo: SampleRepo;
const staged: StagedAgent[] = [];
beforeAll(async () => {
  server = await privateServer();
  repo = await sampleRepo();
  const run = join(repo.root, '.tmops', feature, 'runs', 'initial');
  await mkdir(join(run, 'checkpoints'), { recursive: true });
  await mkdir(join(run, 'roles'));
  await symlink(join('runs', 'initial'), join(repo.root, '.tmops', feature, 'current'));
  await writeFile(join(run, 'TASK_SPEC.md'), '# Sample\n');
  // Real instructions hold the words of the later prompts.
  await writeFile(join(run, 'roles', 'tester.md'), 'Wait for `[BEGIN]: Start test writing`.\n');
});
afterEach(async () => {
  for (const agent of staged.splice(0)) await agent.end();
});
afterAll(async () => {
  await server.end();
  await repo.dispose();
});

/** Plays the role in the repository: starts it, types the lines one after the other, waits for each turn's end. */
async function playRole(role: string, lines: readonly string[]): Promise<StagedAgent> {
  const agent = await stageAgent(server, { play: 'demo', order: { role, cwd: repo.root, feature } });
  staged.push(agent);
  await agent.shows('composer', '');
  for (const [index, line] of lines.entries()) {
    const typed = `${line} [tmops#${index + 1}]`;
    await agent.shows('composer', '');
    await agent.paste(typed);
    await agent.shows('composer', typed);
    await agent.keys('Enter');
    await until(
      `the turn of ${line} ends`,
      async () => (await agent.news()).filter(({ kind }) => kind === 'turn-ended').length > index,
      { withinMs: 20_000 },
    );
  }
  return agent;
}

const lastWords = async (agent: StagedAgent): Promise<string | undefined> => {
  const ended = (await agent.news()).findLast((news) => news.kind === 'turn-ended');
  return ended?.kind === 'turn-ended' ? ended.last : undefined;
};
const checkpoint = (file: string): Promise<string> =>
  readFile(join(repo.root, '.tmops', feature, 'current', 'checkpoints', file), 'utf8');
const runTests = () =>
  execa(process.execPath, ['--test', `tests/${feature}.test.mjs`], { cwd: repo.root, reject: false });

describe('the demo play', () => {
  it('waits for its words after the instructions', async () => {
    const agent = await playRole('tester', [`Read .tmops/${feature}/current/roles/tester.md and follow it.`]);
    expect(await lastWords(agent)).toBe('[TESTER] WAITING: Ready for instructions');
  });

  it('says what is wrong when a file it needs is missing', async () => {
    const agent = await playRole('tester', ['[BEGIN]: Start test writing']);
    expect(await lastWords(agent)).toMatch(/^\[TESTER\] ERROR: ENOENT.*001-discovery-trigger\.md/);
  });

  it('builds the feature test first: red, green, reviewed, summed up', async () => {
    await playRole('orchestrator', [`[BEGIN]: Start orchestration for ${feature}`]);
    expect(await checkpoint('001-discovery-trigger.md')).toMatch(/^# .*\n\n\*\*From:\*\* Orchestrator\n/);

    // Played twice, as after a crash between the commit and the end of the step.
    await playRole('tester', ['[BEGIN]: Start test writing', '[BEGIN]: Start test writing']);
    expect((await runTests()).exitCode).toBe(1);
    expect(await checkpoint('003-tests-complete.md')).toContain('- Reported failures: 1\n');
    expect(await repo.git(['show', '--name-only', '--format=%an: %s', 'HEAD'])).toBe(
      `Rehearsal tester: Test ${feature}\n\ntests/${feature}.test.mjs`,
    );

    await playRole('orchestrator', ['[CONFIRMED]: Tester has completed']);
    await playRole('implementer', ['[BEGIN]: Start implementation']);
    expect((await runTests()).exitCode).toBe(0);
    const commit = await repo.git(['rev-parse', '--short', 'HEAD']);
    expect(await checkpoint('005-impl-complete.md')).toContain(`- Passing: 5\n- Failing: 0\n`);
    expect(await checkpoint('005-impl-complete.md')).toContain(`- Commit: ${commit}\n`);

    await playRole('orchestrator', ['[CONFIRMED]: Implementer has completed']);
    await playRole('verifier', ['[BEGIN]: Start verification']);
    expect(await checkpoint('007-verify-complete.md')).toMatch(/\n## Next Action\n.+\n$/);

    await playRole('orchestrator', ['[CONFIRMED]: Verifier has completed']);
    await access(join(repo.root, '.tmops', feature, 'current', 'SUMMARY.md'));
    expect(await repo.git(['status', '--porcelain'])).toBe('?? .tmops/');
  }, 60_000);
});
