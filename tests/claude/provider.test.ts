import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { claudeCodeProvider } from '../../src/adapters/agents/claude-code.ts';
import { conversationRecord } from '../../src/adapters/agents/claude-files.ts';
import { loadSignatures } from '../../src/adapters/agents/claude-signatures.ts';
import { packagedFile } from '../../src/adapters/agents/packaged-file.ts';
import { describeProvider } from '../adapters/agents/provider-contract.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi } from './fake-api.ts';

let command: string;
beforeAll(async () => {
  command = await fetchClaude();
});

describeProvider('claude_code', async (folder) => {
  const signatures = await loadSignatures(packagedFile('claude-code.yaml'));
  const api = await startFakeApi({ play: () => ({ text: 'ok' }) });
  const home = join(folder.root, 'home');
  const cwd = join(folder.root, 'tree');
  const runDir = join(folder.root, 'root', '.tmops', 'auth-api', 'runs', 'initial');
  for (const dir of [cwd, runDir]) await mkdir(dir, { recursive: true });
  await claudeHome(home, { trusted: [cwd] });
  const sessionId = randomUUID();
  return {
    provider: claudeCodeProvider({ command, signatures }),
    withoutProgram: claudeCodeProvider({ command: 'no-such-claude', signatures }),
    order: {
      workspaceRoot: folder.root,
      feature: 'auth-api',
      run: 'initial',
      role: 'tester',
      sessionId,
      cwd,
      agentDir: folder.agentDir,
      runDir,
      env: { ...claudeEnvironment({ home, port: api.port }), SECRET: 'hidden-from-tmux' },
      permissions: { allow: [], denyWrites: [] },
    },
    kept: async () => (await conversationRecord(join(home, '.claude'), sessionId))?.kind === 'spoken',
    end: () => api.close(),
  };
});
