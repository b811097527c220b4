import * as z from 'zod';
import { TOOLSETS } from '../core/toolset.ts';
import {
  command,
  duration,
  insideFeature,
  named,
  path,
  roleName,
  size,
  template,
  text,
  variableName,
} from './fields.ts';
import { http } from './schema-http.ts';
import { prompts } from './schema-prompts.ts';

/** Where logs go when `telemetry.outputs.file` is just `true`. No feature can have a folder of that name. */
const LOG_FILE = '.tmops/.logs/tmops.log';

/** The last two only where `unsafe.permission_bypass` allows them (unsafe.ts). */
const permissionMode = () => z.enum(['acceptEdits', 'dontAsk', 'manual', 'plan', 'auto', 'bypassPermissions']);

/** The word stands for null. */
const never = <T extends z.ZodType>(value: T) => z.union([z.literal('never').transform(() => null), value]);

const server = z.strictObject({
  name: text().describe('Name under which the MCP server introduces itself.'),
  version: text().nullable().describe('Version it introduces itself with; null means that of tmops.'),
  workspace_id: named(/^[A-Za-z0-9._-]{1,64}$/, 'up to 64 letters, digits, dots, _ and -')
    .nullable()
    .describe('Marks the tmux sessions of this workspace; null derives it from the path of the project root.'),
  toolsets: z.array(z.enum(TOOLSETS)).describe('Which tools the MCP server offers; see docs/deployment.md.'),
  tools: z
    .array(named(/^tmops_[a-z_]{1,34}$/, 'the name of a tool, e.g. tmops_adopt'))
    .describe('Single tools that it offers besides.'),
  read_only: z.boolean().describe('Whether it offers and takes only tools that read.'),
  http,
});

const claudeCode = z.strictObject({
  enabled: z.boolean().describe('Whether Claude Code may be used.'),
  command: text().describe('The program: a name on the PATH, or a path.'),
  args: z
    .array(z.string())
    .describe('Arguments added to every start. Headless flags (-p, --output-format, …) are refused.'),
  instructions_dir: path()
    .nullable()
    .describe('Folder of role instructions looked into before `paths.instructions`; null: none.'),
  permission_mode: permissionMode().describe("Claude Code's permission mode for every role."),
  permission_modes: z.record(roleName(), permissionMode()).describe('Permission mode of single roles.'),
  allow: z
    .array(text())
    .describe("Permission rules for every role, in Claude Code's own form, e.g. `Bash(make check:*)`."),
  env: z
    .array(variableName())
    .describe(
      "Environment variables that reach the agents although their names are Claude Code's own; all others of CLAUDE*, ANTHROPIC_* and TMUX* are taken out.",
    ),
  tools: z
    .enum(['all', 'mcp_only'])
    .describe(
      '`all`: agents write with their own tools and those of their role server; `mcp_only`: Write, Edit and Bash are taken from them.',
    ),
  mcp_servers: z.array(text()).describe("The user's own MCP servers that the agents may use, by name."),
  trust_workspace: z
    .boolean()
    .describe("Whether start may record in Claude Code's configuration that the project's folder is trusted."),
});

const rehearsal = z.strictObject({
  enabled: z.boolean().describe('Whether the rehearsal agent may be used.'),
  play: text().nullable().describe('What it plays: the name of a shipped play, or a file; null: the standard one.'),
  slow_start: duration('seconds', 0).describe('How long it takes until its composer is usable.'),
});

/** Claude Code; the agent that plays a written part; nobody: one MCP client plays all roles (docs/role-servers.md). */
export const PROVIDERS = ['claude_code', 'rehearsal', 'client'] as const;
export type Provider = (typeof PROVIDERS)[number];

const providers = z.strictObject({
  default: z.enum(PROVIDERS).describe('The agent that start uses unless it is told another.'),
  claude_code: claudeCode,
  rehearsal,
});

const features = z.strictObject({
  concurrent_limit: z
    .int()
    .min(1)
    .max(50)
    .describe('How many features may run at once, others wait in a queue; with `isolation: branch` it is one.'),
  pane_limit: z
    .int()
    .min(1)
    .max(1000)
    .describe('How many panes all running features may have together; who would be over it waits in the queue.'),
  default_phases: z
    .array(roleName())
    .min(1)
    .describe('The roles that take part; those of the workflow that are not named are left out with their steps.'),
  checkpoint_timeout: duration('seconds', 1000).describe(
    'How long an agent may be silent in a step before it is reminded, and then once more before a human is asked. It counts silence, not work.',
  ),
  phase_limit: never(duration('seconds', 1000)).describe(
    'How long a step may take at all before its agent is interrupted, or its module has failed; `never`: as long as it takes. A step of a workflow may have a `limit` of its own.',
  ),
  limit_retry: duration('seconds', 1000).describe(
    "How long an agent waits after its account's usage limit was reached when nothing says how long that lasts.",
  ),
  memory_warning: never(size(1_048_576)).describe(
    'An agent that takes more memory than this, with all that it started, is told of; `never`: none is.',
  ),
  memory_limit: never(size(1_048_576)).describe(
    'The feature of an agent that takes more than this is paused, the hungriest first; `never`: none is.',
  ),
});

const tmux = z.strictObject({
  command: text().describe('The tmux program: a name on the PATH, or a path.'),
  socket_name: named(/^[A-Za-z0-9._-]{1,64}$/, 'a name without slashes')
    .nullable()
    .describe("Name of the tmux server (tmux -L); null: the user's own."),
  socket_path: path().nullable().describe('Path of the tmux server (tmux -S) instead of a name; null: none.'),
  cols: z.int().min(40).max(1000).describe('Width of a session nobody is attached to, in columns.'),
  rows: z.int().min(16).max(1000).describe('Height of a session nobody is attached to, in rows.'),
});

const project = z.strictObject({
  test_command: command().nullable().describe('How the tests are run; null: detected.'),
  setup_command: command().nullable().describe('Run once in each new worktree, e.g. `npm ci`; null: nothing.'),
  coverage_command: command()
    .nullable()
    .describe('What `check_coverage` of a role server runs, e.g. `npm test -- --coverage`; null: nothing.'),
  lint_command: command()
    .nullable()
    .describe('What `analyze_quality` of a role server runs, e.g. `npm run lint`; null: nothing.'),
  copy: z.array(text()).describe('Files copied from the project root into each new worktree; globs are allowed.'),
});

const human = z.strictObject({
  hand_back_after: z
    .union([z.literal('never').transform(() => null), duration('seconds', 20_000)])
    .describe(
      'After how long without a sign of the human a pane that was taken by being used goes back; `never`: only by command.',
    ),
  take_key: named(/^(?:F[1-9]|F1[0-2]|[CM]-[a-z])$/, 'F1 to F12, C-a to C-z or M-a to M-z')
    .nullable()
    .describe('A key that takes or gives back the pane it is pressed in, in our sessions; null: none.'),
});

const evidence = z.strictObject({
  enabled: z.boolean().describe('Whether steps are checked by running the tests and comparing the working tree.'),
  tests_within: duration('seconds', 1000).describe('How long the tests may run; longer is inconclusive.'),
});

const git = z.strictObject({
  on_conflict: z
    .enum(['ask', 'stash'])
    .describe(
      'What happens when others change the branch of a running feature: the run waits for `tmops conflict`, or what they did is put aside under a ref and the run goes on by itself.',
    ),
});

const notify = z.strictObject({
  bell: z.boolean().describe('Whether the bell rings in the attached terminals when a human is needed.'),
  message: z.boolean().describe('Whether attached terminals show a line of tmux when a human is needed.'),
  desktop: z.boolean().describe('Whether the desktop shows a notification, where it can.'),
  command: command().nullable().describe('Run when a human is needed, with the news as JSON on its input; null: none.'),
});

const sink = z
  .strictObject({
    module: path().optional(),
    command: command().optional(),
    events: z.array(text()).min(1).optional(),
  })
  .transform(({ module, command: argv, events = null }, context) => {
    if (module !== undefined && argv === undefined) return { kind: 'module' as const, module, events };
    if (argv !== undefined && module === undefined) return { kind: 'command' as const, argv, events };
    context.addIssue({ code: 'custom', message: 'either module or command' });
    return z.NEVER;
  });

const telemetry = z.strictObject({
  enabled: z.boolean().describe('Whether a log is written at all.'),
  level: z.enum(['debug', 'info', 'warn', 'error']).describe('The least serious kind of line that is written.'),
  outputs: z.strictObject({
    console: z
      .boolean()
      .describe('Whether a process in the foreground logs to stderr. Nothing is ever logged to stdout.'),
    file: z
      .union([z.boolean(), path()])
      .transform((file) => (file === true ? LOG_FILE : file === false ? null : file))
      .describe(`The log file, from the project root; true means ${LOG_FILE}, false none.`),
  }),
});

const paths = z.strictObject({
  tmops_tools: template(['feature', 'run']).describe("Where the framework's shell tools are, if the project has them."),
  checkpoints: insideFeature(['feature', 'run']).describe(
    'Where agents write checkpoints; it stays inside .tmops/{feature}.',
  ),
  instructions: template(['feature', 'run']).describe(
    "Where the framework's role instructions are, if the project has them.",
  ),
});

const checkpoints = z.strictObject({
  settle_ms: duration('milliseconds', 0).describe('How long a checkpoint must be unchanged before it counts.'),
  unfinished_ms: duration('milliseconds', 0).describe(
    'How long a checkpoint may be incomplete before that is reported.',
  ),
  max_bytes: z.int().min(1024).max(16_777_216).describe('A larger file is no checkpoint.'),
});

const supervisor = z.strictObject({
  idle_exit: z
    .union([z.literal('never').transform(() => null), duration('seconds', 1000)])
    .describe('How long the supervisor stays when no feature runs and no door is open; `never`: for good.'),
});

const access = z.strictObject({
  across_features: z
    .boolean()
    .describe(
      "Whether a client that is bound to one feature (`tmops mcp --feature`, whatever runs in an agent's pane) may read and drive the others as well.",
    ),
  agents: z
    .enum(['read', 'drive'])
    .describe(
      "What tmops does for whatever runs in an agent's pane: `read` its feature, or `drive` it as well (approve, skip, message, …).",
    ),
});

const unsafe = z.strictObject({
  permission_bypass: z
    .boolean()
    .describe(
      'Allows agents that act without asking: permission modes `bypassPermissions` and `auto`, `--dangerously-skip-permissions`, rules that allow every command.',
    ),
  shell_command: z
    .boolean()
    .describe("Allows a shell, an interpreter or a program that starts any other as the agents' program."),
  secret_arguments: z
    .boolean()
    .describe('Allows secrets in the arguments of commands, where every process of the machine can read them.'),
  http_without_token: z.boolean().describe('Allows MCP over HTTP for whoever reaches the port, without a token.'),
  http_beyond_loopback: z
    .boolean()
    .describe("Allows MCP over HTTP, which is not encrypted, on another address than the loopback's."),
});

/** Every key with its meaning. Defaults are in `config/tmops-mcp.config.yaml` alone, so the shipped file holds each key. */
export const configSchema = z.strictObject({
  server,
  providers,
  features,
  workflow: text().describe('The workflow: name of a shipped one (config/workflows), or a file.'),
  layout: text().describe('The layout of panes: name of a shipped one (layouts), or a file.'),
  instructions: z
    .enum(['typed', 'system_prompt'])
    .describe(
      'How a role gets its instructions: one typed line that points at the file, or an addition to the system prompt.',
    ),
  isolation: z
    .enum(['worktree', 'branch'])
    .describe(
      'A git worktree for each feature, or the branch checked out in the project root (one feature at a time).',
    ),
  worktrees: template(['repo', 'feature'], ['feature']).describe(
    'Where worktrees are made; {repo} is the path of the project root.',
  ),
  session_prefix: named(/^[A-Za-z0-9_-]{1,20}$/, 'up to 20 letters, digits, _ and -').describe(
    'Sessions are called after it and the feature: tmops-auth-api.',
  ),
  tmux,
  project,
  human,
  evidence,
  git,
  notify,
  modules: z
    .record(named(/^[a-z][a-z0-9-]{0,30}$/, 'the name of a module (a-z, 0-9, -)'), path())
    .describe('Modules that steps of a workflow and `call_modules` may name, each with its file.'),
  call_modules: z
    .array(named(/^[a-z][a-z0-9-]{0,30}$/, 'the name of a module (a-z, 0-9, -)'))
    .describe('Modules that see each call of an operation and may refuse it, in this order; see docs/audit.md.'),
  sinks: z
    .array(sink)
    .describe(
      'Who gets every event: `{module: FILE}` or `{command: [PROGRAM, …]}`, with `events: [NAME, …]` only those.',
    ),
  telemetry,
  paths,
  checkpoints,
  supervisor,
  access,
  prompts,
  unsafe,
});

/** Keys as in the YAML; durations in milliseconds, commands as argv, frozen. Relative paths are from the project root. */
export type Config = Frozen<z.output<typeof configSchema>>;
export type Sink = Config['sinks'][number];

export type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

/** Values that are right each for itself and cannot be together: one of them must be as expected. */
export type Contradiction = readonly { readonly path: readonly string[]; readonly expected: string }[];

/** Looked for when all layers are merged, since a later layer may resolve what an earlier one began. */
export function contradictions(config: Config): Contradiction[] {
  const found: Contradiction[] = [];
  const { providers: agents, tmux: terminal } = config;
  const { default: chosen } = agents;
  if (chosen !== 'client' && !agents[chosen].enabled) {
    found.push([
      { path: ['providers', 'default'], expected: 'a provider that is enabled' },
      { path: ['providers', chosen, 'enabled'], expected: `true, or another providers.default` },
    ]);
  }
  if (terminal.socket_name !== null && terminal.socket_path !== null) {
    found.push([
      { path: ['tmux', 'socket_path'], expected: 'null, since tmux.socket_name names the server' },
      { path: ['tmux', 'socket_name'], expected: 'null, since tmux.socket_path names the server' },
    ]);
  }
  for (const name of Object.keys(config.prompts.use)) {
    if (config.prompts.compare[name] === undefined) continue;
    found.push([
      { path: ['prompts', 'use', name], expected: `no version of ${name} here, since prompts.compare names two` },
      { path: ['prompts', 'compare', name], expected: `no comparison of ${name}, since prompts.use names its version` },
    ]);
  }
  return found;
}
