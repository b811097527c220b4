import { planWindows } from '../../core/layout.ts';
import type { Layout, PlannedWindow } from '../../core/layout.ts';
import type { Chain, Command } from './commands.ts';
import { asOption, shown, unexpanded } from './text.ts';

/** The role of the pane that shows the feature's status. */
export const STATUS_ROLE = 'status';

export interface PanePlan {
  readonly role: string;
  readonly argv: readonly string[];
  readonly cwd: string;
}

export interface SessionPlan {
  readonly session: string;
  readonly feature: string;
  readonly workspaceId: string;
  /** Main worktree of the workspace: where it is looked whether the session still has one. */
  readonly workspaceRoot: string;
  readonly layout: Layout;
  readonly panes: readonly PanePlan[];
  readonly statusArgv: readonly string[];
  readonly size: { readonly cols: number; readonly rows: number };
}

/** A window with its panes in the order of the screen. */
export interface WindowPlan {
  readonly name: string;
  readonly arrange: PlannedWindow['arrange'];
  readonly panes: readonly PanePlan[];
}

/** What `-P -F` prints of a pane that was just made. */
export const MADE_FORMAT = '#{session_id} #{window_id} #{pane_id}';

/** Resolves the layout. Throws when it has no place for one of the panes. */
export function windowPlans(plan: SessionPlan): WindowPlan[] {
  const planned = planWindows(
    plan.layout,
    plan.panes.map((pane) => pane.role),
  );
  if (!planned.ok) {
    const faults = [
      ...planned.missing.map((role) => `no window for ${role}`),
      ...planned.doubled.map((role) => `${role} twice`),
    ];
    throw new Error(`Layout ${plan.layout.name} does not fit the roles: ${faults.join(', ')}`);
  }
  return planned.windows.map((window) => {
    const panes = window.roles.flatMap((role) => plan.panes.filter((pane) => pane.role === role));
    const status = window.status && panes[0] ? [{ role: STATUS_ROLE, argv: plan.statusArgv, cwd: panes[0].cwd }] : [];
    return { name: window.name, arrange: window.arrange, panes: [...panes, ...status] };
  });
}

/**
 * Makes the session with its first pane. Options follow in the same chain: tmux looks at none of its processes before
 * the chain is through, so that a pane that dies at once is kept and `destroy-unattached` finds nothing to destroy.
 */
export function sessionChain(plan: SessionPlan, window: WindowPlan, pane: PanePlan): Chain {
  const here = `=${plan.session}:`;
  const size = ['-x', String(plan.size.cols), '-y', String(plan.size.rows)];
  return [
    ['new-session', '-d', '-E', '-s', plan.session, ...size, '-n', window.name, ...printed(), ...process(pane)],
    ...settings('set-option', here, sessionOptions(plan)),
    ...windowSettings(here),
    ...paneSettings(here, pane),
  ];
}

/** Makes a window after the last one, with its first pane. It becomes the current window. */
export function windowChain(session: string, window: WindowPlan, pane: PanePlan): Chain {
  const here = `=${session}:`;
  return [
    ['new-window', '-a', '-t', `${here}{end}`, '-n', window.name, ...printed(), ...process(pane)],
    ...windowSettings(here),
    ...paneSettings(here, pane),
  ];
}

/** Splits `beside` and arranges its window `windowId` again. The new pane becomes the active one. */
export function splitChain(
  pane: PanePlan,
  where: { windowId: string; beside: string; before: boolean; arrange: PlannedWindow['arrange'] },
): Chain {
  return [
    ['split-window', ...(where.before ? ['-b'] : []), '-t', where.beside, ...printed(), ...process(pane)],
    ...paneSettings(where.windowId, pane),
    ['select-layout', '-t', where.windowId, where.arrange],
  ];
}

/** Starts the pane's process again. Without `-k`, so that tmux refuses while the old one lives. */
export function respawnChain(paneId: string, pane: PanePlan): Chain {
  return [['respawn-pane', '-t', paneId, ...process(pane)], ...paneSettings(paneId, pane)];
}

/** The commands that write a pane's label. */
export function labelChain(paneId: string, label: { role: string; state: string }): Chain {
  return settings('set-option -p', paneId, { '@tmops_role': shown(label.role), '@tmops_state': shown(label.state) });
}

/** The command that writes the line which the session's status line shows. */
export function headlineChain(session: string, text: string): Chain {
  return settings('set-option', `=${session}:`, { '@tmops_headline': shown(text) });
}

/** Lets the window follow the clients that look at it, whatever the user set for windows at large. */
export const FOLLOW_CLIENTS = 'latest';

function sessionOptions(plan: SessionPlan): Record<string, string> {
  return {
    'destroy-unattached': 'off',
    'detach-on-destroy': 'on',
    '@tmops_workspace': plan.workspaceId,
    '@tmops_session': plan.session,
    '@tmops_feature': plan.feature,
    '@tmops_root': asOption(plan.workspaceRoot),
    '@tmops_headline': '',
    status: 'on',
    'status-left': '[#{session_name}] ',
    'status-left-length': '60',
    'status-right': ' #{@tmops_headline} ',
    'status-right-length': '160',
  };
}

function windowSettings(target: string): Chain {
  const name = '#{?pane_active,#[bold],}#{@tmops_role}#{?#{@tmops_state},: #{@tmops_state},}#[default]';
  return settings('set-option -w', target, {
    'window-size': FOLLOW_CLIENTS,
    'aggressive-resize': 'off',
    'automatic-rename': 'off',
    'allow-rename': 'off',
    'synchronize-panes': 'off',
    'pane-border-status': 'top',
    'pane-border-format': `#{?#{@tmops_role}, ${name} ,}`,
    'main-pane-width': '50%',
    'main-pane-height': '50%',
  });
}

// Kept on the pane, not the window: panes that a human adds close when their shell ends, as they are used to.
function paneSettings(target: string, pane: PanePlan): Chain {
  return settings('set-option -p', target, {
    'remain-on-exit': 'on',
    '@tmops_role': shown(pane.role),
    '@tmops_state': '',
  });
}

function settings(command: string, target: string, options: Readonly<Record<string, string>>): Chain {
  return Object.entries(options).map(([name, value]): Command => [...command.split(' '), '-t', target, name, value]);
}

function printed(): Command {
  return ['-P', '-F', MADE_FORMAT];
}

function process(pane: PanePlan): Command {
  return ['-c', unexpanded(pane.cwd), '--', ...withoutShell(pane.argv)];
}

/** tmux hands a single word to a shell and runs several as they are. */
function withoutShell(argv: readonly string[]): readonly string[] {
  const [program] = argv;
  if (program === undefined || program === '') throw new Error('Internal error: a pane needs a program to run');
  if (argv.length > 1) return argv;
  if (program.includes('=')) throw new Error(`Internal error: ${JSON.stringify(program)} would be read as a variable`);
  return ['/usr/bin/env', program];
}
