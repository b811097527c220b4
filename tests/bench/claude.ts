import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claudeEnvironment, claudeHome, fetchClaude } from '../claude/claude.ts';
import { startFakeApi } from '../claude/fake-api.ts';
import { fourRoles, instantPlay } from '../claude/plays.ts';
import { openProduct } from '../rig/product.ts';
import { agentRows, handOffRows, runFeatures } from './handoffs.ts';
import type { Extent, Row } from './row.ts';

/** Hand-offs between real Claude Codes that answer at once, from an API on this machine. */
export async function measureClaude({ quick }: Extent): Promise<Row[]> {
  const claude = await fetchClaude();
  const api = await startFakeApi({ play: instantPlay(fourRoles) });
  const home = await realpath(await mkdtemp(join(tmpdir(), 'tmops-home-')));
  const env = claudeEnvironment({ home, port: api.port });
  const passed = Object.keys(env).filter((name) => /^(CLAUDE|ANTHROPIC_)/.test(name));
  // Its agents write nothing but checkpoints, which no check would let pass.
  const config = `  claude_code:\n    command: ${claude}\n    env: [${passed.join(', ')}]\nevidence:\n  enabled: false`;
  const product = await openProduct({ provider: 'claude_code', config, env });
  try {
    await claudeHome(home, { trusted: [product.repo.root] });
    // Six hand-offs each: sixty and more where the next agent is ready, also when it is not in a few.
    const { journals } = await runFeatures(product, quick ? 1 : 12);
    return [...handOffRows(journals, { p95: 700 }), ...agentRows(journals)].map((row) => ({
      ...row,
      name: `Claude Code: ${row.name}`,
    }));
  } finally {
    await product.dispose();
    await api.close();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}
