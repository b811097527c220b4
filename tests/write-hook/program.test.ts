import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseHookEvent } from '../../src/adapters/agents/hook-event.ts';
import { packagedFile } from '../../src/adapters/agents/packaged-file.ts';
import { placeWriteHook } from '../../src/adapters/agents/place-write-hook.ts';
import type { AgentOrder, RolePermissions } from '../../src/core/agent.ts';

let base: string;
let agentDir: string;
let env: Record<string, string>;
const TESTER: RolePermissions = { allow: [], allowWrites: ['tests/**'], denyWrites: [] };

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'tmops hook ')));
  agentDir = join(base, 'root/.tmops/auth-api/runs/initial/agents/tester');
  await mkdir(join(base, 'tree'), { recursive: true });
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function place(permissions: RolePermissions): Promise<void> {
  const order: AgentOrder = {
    ...{ workspaceRoot: join(base, 'root'), feature: 'auth-api', run: 'initial', role: 'tester', sessionId: '' },
    ...{ cwd: join(base, 'tree'), agentDir, runDir: join(base, 'root/.tmops/auth-api/runs/initial') },
    ...{ env: {}, permissions },
  };
  env = { PATH: process.env['PATH'] ?? '', TMOPS_AGENT_DIR: agentDir, ...(await placeWriteHook(order, [])) };
  await mkdir(agentDir, { recursive: true });
  await writeFile(join(agentDir, 'hook.sh'), await readFile(packagedFile('hook.sh')));
}

interface Said {
  readonly code: number | null;
  readonly stdout: string;
}

/** As an agent's program does it: the event on stdin of a shell. */
function ask(path: string, content = 'x'): Promise<Said> {
  const event = { cwd: join(base, 'tree'), hook_event_name: 'PreToolUse', tool_name: 'Write' };
  return new Promise((resolve, reject) => {
    const child = execFile('/bin/sh', [join(agentDir, 'write-hook.sh')], { env }, (_error, stdout) => {
      resolve({ code: child.exitCode, stdout });
    });
    child.stdin?.on('error', reject);
    child.stdin?.end(JSON.stringify({ ...event, tool_input: { file_path: path, content } }));
  });
}

const problems = async (): Promise<unknown[]> => {
  const names = await readdir(join(agentDir, 'events')).catch(() => []);
  return Promise.all(names.map(async (name) => parseHookEvent(await readFile(join(agentDir, 'events', name), 'utf8'))));
};

describe('the hook in front of writes', () => {
  it('says why not in the form of Claude Code, and nothing where it may', async () => {
    await place(TESTER);
    const { code, stdout } = await ask('src/a.js');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: 'deny',
        permissionDecisionReason: `tmops: the tester may not write ${base}/tree/src/a.js: it may write tests/**.`,
      },
    });
    expect(await ask('tests/a.js')).toEqual({ code: 0, stdout: '' });
    expect(await problems()).toEqual([]);
  });

  it('reads a large event to its end', async () => {
    await place(TESTER);
    expect((await ask('src/a.js', 'x'.repeat(5_000_000))).stdout).toContain('deny');
  });

  it('is not there for a role without rules', async () => {
    await place({ allow: [], denyWrites: [] });
    expect(await readdir(agentDir)).toEqual(['hook.sh']);
  });

  it.each([
    ['its rules are torn', () => writeFile(join(agentDir, 'write-rules.json'), '{"role":')],
    ['its program is broken', () => writeFile(join(agentDir, 'write-hook.mjs'), 'throw new Error("broken");')],
    [
      'node is gone',
      () => {
        env['TMOPS_NODE'] = '/no/such/node';
        return Promise.resolve();
      },
    ],
  ])('lets the write happen and reports itself when %s', async (_what, breakIt) => {
    await place(TESTER);
    await breakIt();
    expect(await ask('src/a.js', 'x'.repeat(1_000_000))).toEqual({ code: 1, stdout: '' });
    expect(await problems()).toEqual([
      { problem: expect.stringContaining('the hook in front of writes failed') as string },
    ]);
  });
});
