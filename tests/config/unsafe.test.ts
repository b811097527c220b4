import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { planStart } from '../../src/config/plan.ts';
import { say, sayWithout } from '../../src/config/say.ts';
import { packageDir } from '../../src/compose/package.ts';
import { hiding } from '../../src/core/secrets.ts';
import { allowsEverything, bypassingArgs, runsAnything } from '../../src/core/unsafe.ts';
import { folder, load as loadFiles, SHIPPED } from './workspace.ts';

const ENV = { PATH: '/usr/bin:/bin', DEPLOY_TOKEN: 'Zq9-token-of-the-environment', SHORT_TOKEN: 'test' };

const load = (yaml: string, env: Record<string, string> = ENV) =>
  loadFiles({ files: { 'tmops.config.yaml': yaml }, env, shippedFile: SHIPPED });

const claude = (line: string): string => `providers:\n  claude_code:\n    ${line}\n`;

const ROWS: [what: string, yaml: string, key: string, unsafe: string][] = [
  ['a mode that asks nobody', claude('permission_mode: bypassPermissions'), 'providers.claude_code.permission_mode', 'permission_bypass'],
  ['the mode auto', claude('permission_mode: auto'), 'providers.claude_code.permission_mode', 'permission_bypass'],
  ['a mode of one role', claude('permission_modes: {tester: auto}'), 'providers.claude_code.permission_modes.tester', 'permission_bypass'],
  ['a flag', claude('args: [--model, opus, --dangerously-skip-permissions]'), 'providers.claude_code.args[2]', 'permission_bypass'],
  ['a flag with a mode', claude('args: [--permission-mode=bypassPermissions]'), 'providers.claude_code.args[0]', 'permission_bypass'],
  ['rules in a flag', claude("args: [--allowedTools, 'Read,Bash(*)']"), 'providers.claude_code.args[1]', 'permission_bypass'],
  ['a rule for everything', claude("allow: ['Bash(make:*)', 'Bash(*)']"), 'providers.claude_code.allow[1]', 'permission_bypass'],
  ['a shell', claude('command: /bin/bash'), 'providers.claude_code.command', 'shell_command'],
  ['what starts anything', claude('command: env'), 'providers.claude_code.command', 'shell_command'],
  ['an interpreter', claude('command: python3'), 'providers.claude_code.command', 'shell_command'],
  ['a token in a sink', "sinks:\n  - command: [curl, -H, 'Authorization: Bearer abcdefgh123', https://x]\n", 'sinks[0].command[2]', 'secret_arguments'],
  ['a variable in an argument', claude("args: [--append-system-prompt, '${DEPLOY_TOKEN}']"), 'providers.claude_code.args[1]', 'secret_arguments'],
  ['a password in an address', 'notify: {command: [post, "https://u:pw12@host/"]}\n', 'notify.command[1]', 'secret_arguments'],
  ['HTTP without a token', 'server: {http: {token: none}}\n', 'server.http.token', 'http_without_token'],
  ['HTTP on every address', 'server: {http: {host: 0.0.0.0}}\n', 'server.http.host', 'http_beyond_loopback'],
  ['HTTP on an address that begins like ours', "server: {http: {host: '127.0.0.1.example'}}\n", 'server.http.host', 'http_beyond_loopback'],
]; // prettier-ignore

describe('a wish that is unsafe', () => {
  test.each(ROWS)('%s is refused where it stands', (_what, yaml, key, unsafe) => {
    const loaded = load(yaml);
    expect(loaded.ok ? [] : loaded.faults).toMatchObject([{ key, kind: 'bad-value' }]);
    expect(loaded.ok ? '' : loaded.faults.map(say).join('\n')).toContain(`unsafe.${unsafe}`);
  });

  test.each(ROWS)('%s is allowed by its key, and told', (_what, yaml, _key, unsafe) => {
    const loaded = load(`${yaml}unsafe: {${unsafe}: true}\n`);
    expect(loaded.ok ? loaded.unsafe : loaded.faults).toEqual([expect.stringContaining(`(unsafe.${unsafe})`)]);
  });

  it('is not allowed by another key', () => {
    const loaded = load(`${claude('command: sh')}unsafe: {permission_bypass: true}\n`);
    expect(loaded.ok).toBe(false);
  });

  it('does not hide behind a link', async () => {
    const root = folder();
    await mkdir(join(root, 'bin'));
    await symlink('/bin/sh', join(root, 'bin', 'claude'));
    const loaded = load(claude('command: claude'), { PATH: join(root, 'bin') });
    expect(loaded.ok ? [] : loaded.faults).toMatchObject([{ key: 'providers.claude_code.command' }]);
  });

  it('stands in a workflow', () => {
    const roles = { tester: { title: 'T', instructions: '02_tester.md', permission_mode: 'bypassPermissions' } };
    const plan = (more: string) => {
      const root = folder();
      mkdirSync(join(root, 'tools'));
      writeFileSync(join(root, 'tools', 'w.yaml'), JSON.stringify({ name: 'w', extends: 'teamops', roles, steps: [] }));
      const loaded = loadFiles({ files: { 'tmops.config.yaml': `workflow: tools/w.yaml\n${more}` }, env: ENV }, root);
      return loaded.ok ? planStart(loaded, { workspaceRoot: root, packageDir }, undefined) : loaded;
    };
    const refused = plan('');
    expect(refused.ok ? [] : refused.faults).toMatchObject([{ key: 'roles.tester.permission_mode' }]);
    const allowed = plan('unsafe: {permission_bypass: true}\n');
    expect(allowed.ok && 'plan' in allowed ? allowed.plan.unsafe : allowed).toEqual([
      'The tester runs in the permission mode bypassPermissions. (unsafe.permission_bypass)',
    ]);
  });
});

it('a fault does not repeat the secret that it is about', () => {
  const loaded = load(`sinks:\n  - command: [curl, '${ENV.DEPLOY_TOKEN}']\n`);
  const told = loaded.ok ? '' : loaded.faults.map(sayWithout(hiding([ENV.DEPLOY_TOKEN]))).join('\n');
  expect(told).toContain('no secret in an argument');
  expect(told).not.toContain(ENV.DEPLOY_TOKEN);
});

it('what is usual is no wish of that kind', () => {
  const usual = claude(
    "args: [--model, opus, --allowedTools, 'Read,Bash(git log:*)']\n    allow: [Read, 'Bash(make check:*)', 'Bash(bash scripts/check.sh)']",
  );
  const loaded = load(`${usual}project: {test_command: npm test}\n`);
  expect(loaded.ok ? loaded.unsafe : loaded.faults).toEqual([]);
  expect(['claude', '/opt/claude/bin/claude', 'claude.sh', './tools/wrapper'].filter(runsAnything)).toEqual([]);
  expect(['Bash(npm test:*)', 'Bash(bash x.sh:*)', 'Read', 'Edit(src/**)'].filter(allowsEverything)).toEqual([]);
  expect(
    ['*', 'Bash', 'Bash( * )', 'Bash(:*)', 'Bash(sh -c:*)', 'Bash(/bin/bash *)', 'Bash(env:*)'].filter(
      allowsEverything,
    ),
  ).toHaveLength(7);
  expect(bypassingArgs(['--permission-mode', 'plan', '--verbose'])).toEqual([]);
});
