import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { holdsSecret, secretsOf } from '../core/secrets.ts';
import { allowsEverything, bypassingArgs, runsAnything, UNSAFE_MODES } from '../core/unsafe.ts';
import type { Workflow } from '../core/workflow.ts';
import type { Environment } from './expand.ts';
import type { KeyPath } from './faults.ts';
import type { Config } from './schema.ts';

/** A value that only a key of `unsafe` allows. */
export interface Unsafe {
  readonly path: KeyPath;
  readonly key: keyof Config['unsafe'];
  /** What is allowed without it. */
  readonly expected: string;
  /** What it means, as a sentence. */
  readonly sentence: string;
}

/** All of the configuration that needs a key of `unsafe`, whether it has it or not. */
export const unsafeIn = (config: Config, env: Environment): Unsafe[] => [
  ...unsafeModes(config),
  ...unsafeRules(config.providers.claude_code.allow, ['providers', 'claude_code', 'allow']),
  ...unsafeArguments(config),
  ...shellCommand(config, env),
  ...secretArguments(config, env),
  ...unsafeHttp(config),
];

/** The same of a workflow. */
export const unsafeInWorkflow = (workflow: Workflow): Unsafe[] =>
  Object.entries(workflow.roles).flatMap(([role, { permission_mode: mode, allow }]) => [
    ...(mode !== undefined && UNSAFE_MODES.includes(mode)
      ? [bypass(['roles', role, 'permission_mode'], MODES, `The ${role} runs in the permission mode ${mode}.`)]
      : []),
    ...unsafeRules(allow, ['roles', role, 'allow']),
  ]);

/** What no key allows. */
export const refusedOf = (found: readonly Unsafe[], { unsafe }: Config): Unsafe[] =>
  found.filter(({ key }) => !unsafe[key]);

/** Each once. */
export const sentencesOf = (found: readonly Unsafe[]): string[] => [
  ...new Set(found.map(({ sentence, key }) => `${sentence} (unsafe.${key})`)),
];

const bypass = (path: KeyPath, expected: string, sentence: string): Unsafe => ({
  ...{ path, key: 'permission_bypass', sentence },
  expected: `${expected}; an agent that never asks needs unsafe.permission_bypass: true`,
});

const MODES = 'acceptEdits, dontAsk, manual or plan';
const RULES = 'a rule for single commands, e.g. Bash(make check:*)';

function unsafeModes({ providers: { claude_code: claude } }: Config): Unsafe[] {
  const modes: [KeyPath, string][] = [
    [['providers', 'claude_code', 'permission_mode'], claude.permission_mode],
    ...Object.entries(claude.permission_modes).map(([role, mode]): [KeyPath, string] => [
      ['providers', 'claude_code', 'permission_modes', role],
      mode,
    ]),
  ];
  return modes
    .filter(([, mode]) => UNSAFE_MODES.includes(mode))
    .map(([path, mode]) => bypass(path, MODES, `Agents run in the permission mode ${mode}.`));
}

const unsafeRules = (rules: readonly string[], path: KeyPath): Unsafe[] =>
  rules.flatMap((rule, index) =>
    allowsEverything(rule) ? [bypass([...path, index], RULES, 'A permission rule allows every command.')] : [],
  );

const unsafeArguments = ({ providers: { claude_code: claude } }: Config): Unsafe[] =>
  bypassingArgs(claude.args).map((index) =>
    bypass(
      ['providers', 'claude_code', 'args', index],
      `an argument that leaves permission checks on (use --permission-mode: ${MODES})`,
      'An argument of the agents switches permission checks off.',
    ),
  );

/** By its name, and by where a link of that name leads. */
function shellCommand({ providers: { claude_code: claude } }: Config, env: Environment): Unsafe[] {
  const { command } = claude;
  const place = command.includes('/') ? command : foundOn(env['PATH'] ?? '', command);
  if (!runsAnything(command) && !runsAnything(place === null ? '' : realOf(place))) return [];
  return [
    {
      path: ['providers', 'claude_code', 'command'],
      key: 'shell_command',
      expected:
        'Claude Code, by name or path; a shell, or what starts any program, as the agents needs unsafe.shell_command: true',
      sentence: 'The program of the agents is a shell, or one that starts any other.',
    },
  ];
}

const foundOn = (path: string, name: string): string | null =>
  path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file)) ?? null;

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    // Whoever starts it says that it is not there.
    if (error instanceof Error && 'code' in error) return path;
    throw error;
  }
}

/** Also where it is not enabled: whoever enables it in another layer would have it at once. */
const unsafeHttp = ({ server: { http } }: Config): Unsafe[] => [
  ...(http.token === 'none'
    ? [
        {
          path: ['server', 'http', 'token'],
          key: 'http_without_token' as const,
          expected: 'required; none needs unsafe.http_without_token: true',
          sentence: 'Whoever reaches the port of MCP over HTTP may drive tmops.',
        },
      ]
    : []),
  ...(isLoopback(http.host)
    ? []
    : [
        {
          path: ['server', 'http', 'host'],
          key: 'http_beyond_loopback' as const,
          expected: '127.0.0.1, ::1 or localhost; another address needs unsafe.http_beyond_loopback: true',
          sentence: `MCP over HTTP, which is not encrypted, listens on ${http.host}.`,
        },
      ]),
];

const isLoopback = (host: string): boolean => /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/i.test(host);

/** Shorter ones are words that an argument may well be. */
const SHORTEST_IN_ARGUMENT = 12;

function secretArguments(config: Config, env: Environment): Unsafe[] {
  const secrets = secretsOf(env).filter((secret) => secret.length >= SHORTEST_IN_ARGUMENT);
  const { project, notify, sinks, providers } = config;
  const commands: [KeyPath, readonly string[]][] = [
    [['providers', 'claude_code', 'args'], providers.claude_code.args],
    [['project', 'test_command'], project.test_command ?? []],
    [['project', 'setup_command'], project.setup_command ?? []],
    [['project', 'coverage_command'], project.coverage_command ?? []],
    [['project', 'lint_command'], project.lint_command ?? []],
    [['notify', 'command'], notify.command ?? []],
    ...sinks.map((sink, index): [KeyPath, readonly string[]] => [
      ['sinks', index, 'command'],
      sink.kind === 'command' ? sink.argv : [],
    ]),
  ];
  return commands.flatMap(([path, words]) =>
    words.flatMap((word, index) =>
      holdsSecret(word, secrets)
        ? [
            {
              path: [...path, index],
              key: 'secret_arguments' as const,
              expected:
                'no secret in an argument, which every process of the machine can read: leave it in the environment, which the program gets; or unsafe.secret_arguments: true',
              sentence: `An argument in ${path.join('.')} holds a secret.`,
            },
          ]
        : [],
    ),
  );
}
