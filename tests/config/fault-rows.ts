export interface FaultRow {
  readonly name: string;
  readonly yaml: string;
  readonly env?: Record<string, string>;
  /** `line:column kind key "text"` of each fault, in order. */
  readonly faults: readonly string[];
  /** Must stand in what the first fault expects. */
  readonly expected?: string;
  readonly nearest?: string;
}

/** Keys and values that the schema refuses. */
export const VALUE_FAULTS: readonly FaultRow[] = [
  {
    name: 'an unknown key, with the nearest one',
    yaml: 'features:\n  concurrent_limt: 3\n',
    faults: ['2:3 unknown-key features.concurrent_limt "concurrent_limt"'],
    expected: 'one of concurrent_limit, pane_limit, default_phases, checkpoint_timeout',
    nearest: 'concurrent_limit',
  },
  {
    name: 'a known key in the wrong place',
    yaml: 'concurrent_limit: 3\n',
    faults: ['1:1 unknown-key concurrent_limit "concurrent_limit"'],
    nearest: 'features.concurrent_limit',
  },
  {
    name: 'an unknown key near nothing',
    yaml: 'server: {name: a, zzzzzzzzzz: 1}\n',
    faults: ['1:19 unknown-key server.zzzzzzzzzz "zzzzzzzzzz"'],
    expected: 'one of name, version, workspace_id',
  },
  {
    name: 'text for a number',
    yaml: 'features:\n  concurrent_limit: abc\n',
    faults: ['2:21 wrong-type features.concurrent_limit "abc"'],
    expected: 'a whole number from 1 to 50',
  },
  {
    name: 'a quoted number for a number',
    yaml: 'tmux:\n  cols: "100"\n',
    faults: ['2:9 wrong-type tmux.cols "\\"100\\""'],
    expected: 'a whole number from 40 to 1000',
  },
  {
    name: 'a number below its bound',
    yaml: 'features: {concurrent_limit: 0}\n',
    faults: ['1:30 bad-value features.concurrent_limit "0"'],
    expected: 'from 1 to 50',
  },
  {
    name: 'a fraction for a whole number',
    yaml: 'tmux: {rows: 40.5}\n',
    faults: ['1:14 bad-value tmux.rows "40.5"'],
    expected: 'a whole number',
  },
  {
    name: 'YAML 1.1 words for a boolean',
    yaml: 'telemetry:\n  enabled: yes\n',
    faults: ['2:12 wrong-type telemetry.enabled "yes"'],
    expected: 'true or false',
  },
  {
    name: 'a number where text is wanted',
    yaml: 'server:\n  version: 1.0\n',
    faults: ['2:12 wrong-type server.version "1.0"'],
    expected: 'needs quotes',
  },
  {
    name: 'a value that is none of the allowed',
    yaml: 'isolation: container\n',
    faults: ['1:12 bad-value isolation "container"'],
    expected: 'one of worktree, branch',
  },
  {
    name: 'a map where text is wanted',
    yaml: 'layout:\n  name: quad\n',
    faults: ['2:3 wrong-type layout "name: quad"'],
    expected: 'text',
  },
  {
    name: 'a value where a map is wanted',
    yaml: 'tmux: big\n',
    faults: ['1:7 wrong-type tmux "big"'],
    expected: 'a map of command, socket_name',
  },
  {
    name: 'a list as the whole file',
    yaml: '- server\n',
    faults: ['1:1 wrong-type  "- server"'],
    expected: 'a map of server',
  },
  {
    name: 'an empty value where one is needed points at the key',
    yaml: 'server:\n  name:\n',
    faults: ['2:3 wrong-type server.name "name"'],
    expected: 'text',
  },
  {
    name: 'one item of a list',
    yaml: 'features:\n  default_phases:\n    - tester\n    - Im Plementer\n',
    faults: ['4:7 bad-value features.default_phases[1] "Im Plementer"'],
    expected: 'the name of a role',
  },
  {
    name: 'an empty list',
    yaml: 'features: {default_phases: []}\n',
    faults: ['1:28 bad-value features.default_phases "[]"'],
    expected: 'a list',
  },
  {
    name: 'a name that cannot be one in a map of names',
    yaml: 'modules:\n  Big: a.js\n',
    faults: ['2:3 bad-key modules.Big "Big"'],
    expected: 'a module',
  },
  {
    name: 'a permission mode of one role',
    yaml: 'providers:\n  claude_code:\n    permission_modes: {tester: yolo}\n',
    faults: ['3:32 bad-value providers.claude_code.permission_modes.tester "yolo"'],
    expected: 'one of acceptEdits',
  },
  {
    name: 'a permission mode that asks nobody',
    yaml: 'providers:\n  claude_code:\n    permission_mode: bypassPermissions\n',
    faults: ['3:22 bad-value providers.claude_code.permission_mode "bypassPermissions"'],
    expected: 'acceptEdits, dontAsk, manual or plan; an agent that never asks needs unsafe.permission_bypass: true',
  },
  {
    name: 'a duration without a unit that exists',
    yaml: 'features: {checkpoint_timeout: 10 weeks}\n',
    faults: ['1:32 bad-value features.checkpoint_timeout "10 weeks"'],
    expected: 'such as 500ms, 30s, 10m or 2h, or a number of seconds',
  },
  {
    name: 'a duration that no timer can count',
    yaml: 'supervisor: {idle_exit: 25d}\n',
    faults: ['1:25 bad-value supervisor.idle_exit "25d"'],
    expected: 'never',
  },
  {
    name: 'a negative duration',
    yaml: 'checkpoints: {settle_ms: -1}\n',
    faults: ['1:26 bad-value checkpoints.settle_ms "-1"'],
    expected: 'a number of milliseconds',
  },
  {
    name: 'a list for a duration',
    yaml: 'features: {checkpoint_timeout: [1]}\n',
    faults: ['1:32 wrong-type features.checkpoint_timeout "[1]"'],
    expected: 'a duration',
  },
  {
    name: 'a command that needs a shell',
    yaml: 'project:\n  test_command: npm test && npm run lint\n',
    faults: ['2:17 bad-value project.test_command "npm test && npm run lint"'],
    expected: '&& is for a shell',
  },
  {
    name: 'an item of a command',
    yaml: 'project:\n  test_command: [npm, 3]\n',
    faults: ['2:23 wrong-type project.test_command[1] "3"'],
    expected: 'text',
  },
  {
    name: 'an unknown placeholder',
    yaml: 'paths:\n  tmops_tools: tools/{featur}\n',
    faults: ['2:16 bad-value paths.tmops_tools "tools/{featur}"'],
    expected: '{feature} and {run} ({featur} is none of them)',
  },
  {
    name: 'checkpoints outside the feature',
    yaml: 'paths:\n  checkpoints: .tmops/{feature}/../elsewhere\n',
    faults: ['2:16 bad-value paths.checkpoints ".tmops/{feature}/../elsewhere"'],
    expected: 'inside .tmops/{feature}',
  },
  {
    name: 'worktrees that would be shared by features',
    yaml: 'worktrees: ../trees\n',
    faults: ['1:12 bad-value worktrees "../trees"'],
    expected: 'holds {feature}',
  },
  {
    name: 'a sink with an unknown key is told once',
    yaml: 'sinks:\n  - modul: x\n',
    faults: ['2:5 unknown-key sinks[0].modul "modul"'],
    nearest: 'module',
  },
  {
    name: 'a sink that is both and one that is nothing',
    yaml: 'sinks:\n  - {module: a, command: b}\n  - {}\n',
    faults: ['2:5 bad-value sinks[0] "{module: a, command: b}"', '3:5 bad-value sinks[1] "{}"'],
    expected: 'either module or command',
  },
  {
    name: 'a provider that is chosen and switched off',
    yaml: 'providers:\n  default: rehearsal\n  rehearsal: {enabled: false}\n',
    faults: ['2:12 bad-value providers.default "rehearsal"'],
    expected: 'enabled',
  },
  {
    name: 'the shipped default switched off points at the switch',
    yaml: 'providers: {claude_code: {enabled: false}}\n',
    faults: ['1:36 bad-value providers.claude_code.enabled "false"'],
    expected: 'true',
  },
  {
    name: 'two ways to name the tmux server',
    yaml: 'tmux:\n  socket_name: a\n  socket_path: /tmp/b\n',
    faults: ['3:16 bad-value tmux.socket_path "/tmp/b"'],
    expected: 'null',
  },
];
