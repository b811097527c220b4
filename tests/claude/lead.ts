import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { claudeCodeProvider } from '../../src/adapters/agents/claude-code.ts';
import { loadSignatures } from '../../src/adapters/agents/claude-signatures.ts';
import { packagedFile } from '../../src/adapters/agents/packaged-file.ts';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { openTerminal, type TmuxTerminal } from '../../src/adapters/tmux/terminal.ts';
import type { AgentNews, AgentOrder } from '../../src/core/agent.ts';
import type { Screen } from '../../src/core/screen.ts';
import { openRunLoop, type RunLoop } from '../../src/engine/loop.ts';
import type { AgentProvider, Terminal } from '../../src/engine/ports.ts';
import { agentFolder } from '../adapters/agents/agent-folder.ts';
import { started } from '../rig/run.ts';
import { until } from '../rig/wait.ts';
import { claudeEnvironment, claudeHome } from './claude.ts';
import { startFakeApi } from './fake-api.ts';
import type { Call } from './reply.ts';

/** Claude Code in a pane of a real tmux, as the role `lead` of a run whose journal is in memory. */
export interface Lead {
  readonly provider: AgentProvider;
  readonly terminal: TmuxTerminal & Terminal;
  readonly loop: RunLoop;
  readonly pane: string;
  /** Where it works. */
  readonly cwd: string;
  /** All that its hooks have told, oldest first. */
  readonly news: readonly AgentNews[];
  /** What became of its calls since the last prompt. */
  results(): readonly { readonly failed: boolean; readonly text: string }[];
  screen(): Promise<Screen>;
  /** Has it make the calls, one after the other. */
  goOn(): Promise<void>;
  /** Keys as `send-keys` names them. */
  keys(...names: string[]): Promise<void>;
  end(): Promise<void>;
}

export async function claudeLead(options: {
  readonly command: string;
  readonly mode: string;
  readonly calls: readonly Call[];
  readonly allow?: readonly string[];
}): Promise<Lead> {
  const { command, mode, calls, allow = [] } = options;
  const folder = await agentFolder();
  let results: readonly { failed: boolean; text: string }[] = [];
  const api = await startFakeApi({
    play: ({ prompts }) => {
      const prompt = prompts.at(-1);
      results = prompt?.results ?? [];
      const call = prompt?.text.includes('Go on.') === true ? calls[prompt.steps] : undefined;
      return call === undefined ? { text: 'done' } : { calls: [call] };
    },
  });
  const provider = claudeCodeProvider({ command, signatures: await loadSignatures(packagedFile('claude-code.yaml')) });
  const { root } = folder;
  const cwd = join(root, 'project');
  await mkdir(cwd);
  await execa('git', ['init', '-q'], { cwd });
  await claudeHome(join(root, 'home'), { trusted: [cwd] });
  const order: AgentOrder = {
    ...{ workspaceRoot: cwd, feature: 'auth-api', run: 'initial', role: 'lead', sessionId: randomUUID(), cwd },
    agentDir: folder.agentDir,
    runDir: root,
    env: claudeEnvironment({ home: join(root, 'home'), port: api.port }),
    permissions: { allow, denyWrites: [], mode },
  };
  const { argv } = await provider.create(order);
  const pane = await folder.run(argv, { cols: 109, rows: 49 });
  const terminal = openTerminal({
    socketPath: join(root, 'tmux.sock'),
    configFile: '/dev/null',
    env: { PATH: process.env['PATH'] ?? '', HOME: root },
    workspaceId: 'w1',
  });
  const loop = openRunLoop(started().run, { append: () => Promise.resolve() }, systemClock(), () => undefined);
  await loop.submit({ kind: 'agent-placed', role: 'lead', generation: 1, pane });
  const agentProcess = await until('the process is recorded', () => provider.process(order));
  const news: AgentNews[] = [];
  const unfollow = await provider.evidence({ ...order, process: agentProcess }, '', (one) => news.push(one.news));
  const keys = async (...names: string[]): Promise<void> => {
    await folder.tmux('send-keys', '-t', pane, ...names);
  };
  const screen = async (): Promise<Screen> => {
    const look = await terminal.look(pane);
    return look.kind === 'seen' ? provider.classify(look.capture) : { kind: 'unknown' };
  };
  const stands = (draft: string) =>
    until(
      `"${draft}" stands in the input box`,
      async () => {
        const seen = await screen();
        return seen.kind === 'composer' && seen.draft === draft;
      },
      { withinMs: 60_000 },
    );
  await stands('');
  return {
    ...{ provider, terminal, loop, pane, cwd, news, screen, keys },
    results: () => results,
    async goOn() {
      await keys('-l', 'Go on.');
      await stands('Go on.');
      await keys('Enter');
    },
    async end() {
      await provider.destroy({ ...order, process: agentProcess }, 3_000);
      await unfollow();
      await terminal.end();
      await folder.remove();
      await api.close();
    },
  };
}
