import { randomUUID } from 'node:crypto';
import { rehearsalProvider } from '../../../src/adapters/agents/rehearsal.ts';
import { rehearsalProgram } from '../../rig/rehearsal.ts';
import { describeProvider } from './provider-contract.ts';

describeProvider('rehearsal', async (folder) => ({
  provider: rehearsalProvider({ program: await rehearsalProgram() }),
  withoutProgram: null,
  order: {
    workspaceRoot: folder.root,
    feature: 'auth-api',
    run: 'initial',
    role: 'tester',
    sessionId: randomUUID(),
    cwd: folder.root,
    agentDir: folder.agentDir,
    runDir: folder.root,
    env: { PATH: process.env['PATH'] ?? '', SECRET: 'hidden-from-tmux' },
    permissions: { allow: [], denyWrites: [] },
  },
  kept: () => Promise.resolve(true),
  end: () => Promise.resolve(),
}));
