import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { journaled, watchersOf } from '../rig/flow.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';

type Status = OutputOf<'status'>;
type Settled = OutputOf<'conflict'>;

/** Each part waits at a gate, so that nobody is at work until somebody approves it. */
const PARTS = [1, 2, 3, 4, 5, 6];
const WORKFLOW = JSON.stringify({
  name: 'gated',
  reminder: '[CONTINUE]: {checkpoint} is not there yet',
  reminders: 0,
  roles: { worker: { title: 'Worker', instructions: '01_orchestrator.md' } },
  steps: PARTS.map((part) => ({
    ...{
      id: `part-${part}`,
      role: 'worker',
      prompt: `Write part ${part}`,
      checkpoint: `10${part}-part.md`,
      gate: 'human',
    },
  })),
});
const CONFIG = 'workflow: tools/gated.yaml\nfeatures:\n  concurrent_limit: 20\n  default_phases: [worker]\n';

let product: Product;
beforeAll(async () => {
  product = await openProduct({ config: CONFIG, play: 'wait', files: { 'tools/gated.yaml': WORKFLOW } });
});
afterAll(() => product.dispose());

/** A feature at a gate: its agent is idle, and where its branch is has been noted. */
class Feature {
  readonly name: string;
  readonly tree: string;
  part = 1;
  constructor(name: string, tree: string) {
    this.name = name;
    this.tree = tree;
  }
  git(...args: string[]): Promise<string> {
    return product.repo.git(args, this.tree);
  }
  write(file: string, text: string): Promise<void> {
    return writeFile(join(this.tree, file), text);
  }
  tip(): Promise<string> {
    return this.git('rev-parse', `refs/heads/feature/${this.name}`);
  }
  async commits(file: string, text: string): Promise<string> {
    await this.write(file, text);
    await this.git('add', file);
    await this.git('commit', '--quiet', '--message', `Change ${file}`);
    return this.git('rev-parse', 'HEAD');
  }
  reached(what: string, fits: (status: Status) => boolean): Promise<Status> {
    return product.reached(this.name, what, fits);
  }
  /** A conflict is told, and the run is paused because of it. */
  conflict(what: string): Promise<Status> {
    return this.reached(
      `a conflict: ${what}`,
      ({ conflict, paused }) => conflict?.what.includes(what) === true && paused?.by === 'tmops',
    );
  }
  settle(how: string): Promise<Settled> {
    return product.json<Settled>('conflict', this.name, how);
  }
  refused(...args: string[]): Promise<string> {
    return product.cli(...args).then(({ exitCode, stdout, stderr }) => {
      expect(exitCode).toBe(1);
      return stdout + stderr;
    });
  }
  /** Nothing is wrong, and what the branch is at is known, once nobody has been at work since. */
  async known(tip: string): Promise<void> {
    await journaled(product, this.name, `the branch is known at ${tip}`, (events) => {
      const last = events.findLast(({ kind }) => kind === 'branch.known' || kind === 'conflict.settled');
      const isAfter = (events.findLast(({ kind }) => kind === 'agent.turn-ended')?.seq ?? 0) < (last?.seq ?? 0);
      return isAfter && last !== undefined && 'tip' in last && last.tip === tip;
    });
  }
  /** The checkpoint of the present part is written, and waits at its gate. */
  async gate(): Promise<void> {
    const part = this.part;
    await journaled(product, this.name, `part ${part} was asked for`, (events) => {
      const prompt = events.find((each) => each.kind === 'prompt.wanted' && each.line === `Write part ${part}`);
      const id = prompt?.kind === 'prompt.wanted' ? prompt.prompt : -1;
      const taken = events.find((each) => each.kind === 'prompt.taken' && each.prompt === id);
      return taken && events.some(({ kind, seq }) => kind === 'agent.turn-ended' && seq > taken.seq);
    });
    await product.put(this.name, `checkpoints/10${part}-part.md`, checkpointText(this.name, 'Worker', 'All'));
    await this.reached('it awaits a human', ({ attention }) => attention.some(({ code }) => code === 'awaits-review'));
  }
  /** The run goes on: the gate opens, and the next part is asked for. */
  async goesOn(): Promise<void> {
    await product.json('approve', this.name);
    this.part += 1;
    await this.gate();
    expect((await product.status(this.name)).conflict).toBeNull();
  }
}

async function feature(name: string): Promise<Feature> {
  const { worktree } = await product.json<OutputOf<'init'>>('init', name);
  const made = new Feature(name, worktree);
  await product.json('start', name);
  await made.gate();
  await made.known(await made.tip());
  return made;
}

describe('Scenario: Git branch conflicts', () => {
  let own: Feature;
  beforeAll(async () => {
    own = await feature('own-api');
  }, 60_000);

  it('commits of a human who holds a pane are part of the work', async () => {
    await product.json('take', own.name, 'worker');
    await own.write('src/sum.js', 'of the team\n');
    await own.git('commit', '--quiet', '--all', '--message', 'By hand');
    const tip = await own.tip();
    await product.json('give', own.name, 'worker');
    await own.known(tip);
    await own.goesOn();
    expect((await product.events(own.name)).some(({ kind }) => kind === 'conflict.found')).toBe(false);
  }, 60_000);

  it('a foreign commit: the run pauses, says what changed and by whom, and goes on from it when it is accepted', async () => {
    const from = await own.tip();
    await own.known(from);
    const to = await own.commits('src/foreign.js', 'x\n');
    const status = await own.conflict('foreign-commits');
    const by = 'Sample <sample@example.invalid>';
    expect(status.conflict).toMatchObject({
      ...{ number: 1, state: 'open', from, to, files: ['src/foreign.js'], underWay: null },
      commits: [{ commit: to, subject: 'Change src/foreign.js', by }],
    });
    expect(status.waitsFor).toContain('tmops conflict own-api accept, stash or abort');
    const [problem] = status.attention;
    expect(problem).toMatchObject({ code: 'branch-conflict' });
    for (const word of [from.slice(0, 12), to.slice(0, 12), by, '"src/foreign.js"'])
      expect(problem?.sentence).toContain(word);
    const why = await product.json<OutputOf<'explain'>>('why', own.name);
    expect(why.reasons[0]?.code).toBe('branch-conflict');
    expect(why.help.map(({ command }) => command).slice(0, 3)).toEqual(
      ['accept', 'stash', 'abort'].map((how) => `tmops conflict own-api ${how}`),
    );
    // Nothing goes round it, and nothing is touched without a word.
    expect(await own.refused('resume', own.name)).toContain('tmops conflict own-api accept|stash|abort');
    expect(await own.refused('rollback', own.name, '--to', 'part-1')).toContain('Others changed the branch');
    expect([await own.tip(), await own.git('status', '--porcelain')]).toEqual([to, '']);
    expect(await own.settle('accept')).toMatchObject({ how: 'accept', number: 1, kept: null });
    const settled = (await product.events(own.name)).find(({ kind }) => kind === 'conflict.settled');
    expect(settled).toMatchObject({ principal: `cli:${process.getuid?.() ?? 0}` });
    expect(await product.status(own.name)).toMatchObject({ conflict: null, paused: null });
    expect(await own.git('rev-parse', 'refs/tmops/own-api/initial/conflict-1-known^1')).toBe(from);
    expect(await own.refused('conflict', own.name, 'accept')).toContain('Nobody else has changed the branch');
    await own.goesOn();
  }, 60_000);

  it('a reset, with changes that nobody committed: stash keeps all of it, says where, and goes on from before', async () => {
    await own.known(await own.tip());
    const known = await own.tip();
    await own.git('reset', '--quiet', '--hard', 'HEAD~1');
    const to = await own.tip();
    await own.write('src/sum.js', 'changed\n');
    await own.write('src/loose.js', 'loose\n');
    const status = await own.conflict('rewritten');
    expect(status.conflict).toMatchObject({ number: 2, from: known, to });
    expect(status.attention[0]?.sentence).toContain('reset: moving to HEAD~1');
    const ref = 'refs/tmops/own-api/initial/conflict-2';
    const { kept } = await own.settle('stash');
    expect(kept).toMatchObject({ ref, branch: to });
    expect([await own.tip(), await own.git('status', '--porcelain')]).toEqual([known, '']);
    const after = await product.status(own.name);
    expect(after).toMatchObject({ conflict: null, paused: null, stashes: [kept] });
    expect((await product.cli('events', own.name)).stdout).toContain(`git stash apply --index ${ref}-stash`);
    expect((await product.cli('status', own.name)).stdout).toContain(`Kept: ${ref}-*`);
    await own.goesOn();
    // The command that is told brings it back.
    const [apply = ''] = kept?.restore ?? [];
    expect(apply).toBe(`git -C '${own.tree}' stash apply --index ${ref}-stash`);
    await own.git('stash', 'apply', '--quiet', '--index', `${ref}-stash`);
    expect(await readFile(join(own.tree, 'src/loose.js'), 'utf8')).toBe('loose\n');
    await own.git('reset', '--quiet', '--hard');
    await own.git('clean', '--quiet', '--force', 'src');
  }, 60_000);

  it('a merge in progress: it is not accepted; broken off by whoever began it, the run goes on by itself', async () => {
    const known = await own.tip();
    await own.known(known);
    await product.repo.git(['branch', 'other', 'main']);
    const tree = join(product.repo.base, 'other');
    await product.repo.git(['worktree', 'add', '--quiet', tree, 'other']);
    await writeFile(join(tree, 'src', 'sum.js'), 'of another\n');
    await product.repo.git(['commit', '--quiet', '--all', '--message', 'Other'], tree);
    await own.git('merge', 'other').catch(() => null);
    const status = await own.conflict('under-way');
    expect(status.conflict).toMatchObject({ underWay: 'merge' });
    expect(status.conflict?.offers).toEqual(['stash', 'abort'].map((how) => `tmops conflict own-api ${how}`));
    expect(await own.refused('conflict', own.name, 'accept')).toContain('a merge is not finished');
    await own.git('merge', '--abort');
    await own.reached('it goes on', ({ conflict, paused }) => conflict === null && paused === null);
    expect(await own.tip()).toBe(known);
  }, 60_000);

  it('another branch in the worktree, found by a supervisor that was killed meanwhile, and put back by stash', async () => {
    const { supervisor, guard } = await watchersOf(product);
    process.kill(guard, 'SIGKILL');
    process.kill(supervisor, 'SIGKILL');
    await own.git('switch', '--quiet', '--create', 'mine');
    await appendFile(join(own.tree, 'src', 'sum.js'), 'mine\n');
    const before = (await product.events(own.name)).length;
    const status = await own.conflict('other-branch');
    expect(status.attention[0]?.sentence).toContain('checkout: moving from feature/own-api to mine');
    // It is seen before anything else begins.
    const since = await journaled(product, own.name, 'the checkpoints were looked at', (events) => {
      const kinds = events.slice(before).map(({ kind }) => kind);
      return kinds.includes('run.surveyed') ? kinds : null;
    });
    expect(since.indexOf('conflict.found')).toBeLessThan(since.indexOf('run.surveyed'));
    const { kept } = await own.settle('stash');
    expect(await own.git('symbolic-ref', '--short', 'HEAD')).toBe('feature/own-api');
    expect(await own.git('status', '--porcelain')).toBe('');
    expect(await own.git('show', `${kept?.stash ?? ''}:src/sum.js`)).toContain('mine');
    await own.goesOn();
  }, 60_000);

  it('abort stops the run and touches nothing; started again, it takes the branch as it is', async () => {
    await own.known(await own.tip());
    const to = await own.commits('src/more.js', 'x\n');
    await own.write('src/loose.js', 'loose\n');
    await own.conflict('foreign-commits');
    await own.settle('abort');
    expect(await product.status(own.name)).toMatchObject({ phase: 'stopped', conflict: null });
    expect([await own.tip(), await own.git('status', '--porcelain')]).toEqual([to, '?? src/loose.js']);
    await product.json('start', own.name);
    await own.known(to);
    expect(await product.status(own.name)).toMatchObject({ phase: 'running', conflict: null });
    await product.json('stop', own.name);
  }, 60_000);

  it('with git.on_conflict: stash it is put aside by itself, and the run goes on', async () => {
    await product.configure({ config: `${CONFIG}git:\n  on_conflict: stash\n`, play: 'wait' });
    const auto = await feature('auto-api');
    const known = await auto.tip();
    // Moved from another worktree, which the files here know nothing of.
    const made = await product.repo.git(['commit-tree', `${known}^{tree}`, '-p', known, '-m', 'Elsewhere']);
    await product.repo.git(['update-ref', 'refs/heads/feature/auto-api', made]);
    const status = await auto.reached('it was put aside', ({ stashes }) => stashes.length === 1);
    expect(status).toMatchObject({ conflict: null, paused: null, stashes: [{ branch: made }] });
    expect(await auto.tip()).toBe(known);
    expect(await auto.git('rev-parse', 'refs/tmops/auto-api/initial/conflict-1-branch')).toBe(made);
    const kinds = (await product.events(auto.name))
      .map(({ kind }) => kind)
      .filter((kind) => kind.startsWith('conflict.'));
    expect(kinds).toEqual(['found', 'settling', 'kept', 'settled'].map((what) => `conflict.${what}`));
    await auto.goesOn();
  }, 60_000);
});
