/** What a crash leaves behind, and when it is proven that nobody needs it any more. Pure: what was seen comes in. */

export type LeftoverKind = 'place' | 'session' | 'buffer' | 'agent' | 'lock' | 'scratch' | 'worktree' | 'cleanup';

/** What was found, in words. */
export interface Leftover {
  readonly kind: LeftoverKind;
  /** Its name or path, with its number where it is a process. */
  readonly what: string;
  readonly why: string;
}

export interface Finding extends Leftover {
  /**
   * Removes it if that is still right at this moment, and gives why it was left after all; null when it is gone. Null in
   * place of the function: it is left alone, for the reason in `why`.
   */
  readonly remove: (() => Promise<string | null>) | null;
}

/** Whether it may go. `null`: it is in use, or somebody else's, and nothing is said of it. */
export type Judgement = { readonly goes: boolean; readonly why: string } | null;

/** A session with the marks of tmops, as tmux tells it. */
export interface MarkedSession {
  /** tmux' own id, `$3`. */
  readonly id: string;
  readonly name: string;
  readonly workspaceId: string;
  /** Null for a session that an older tmops opened. */
  readonly root: string | null;
  readonly feature: string;
  readonly attached: number;
  /** Living panes that tmops did not make. */
  readonly strangers: number;
  /** Processes that its panes were started with. */
  readonly pids: readonly number[];
}

export interface TextBuffer {
  readonly name: string;
  readonly ageS: number;
}

/** Whether a workspace is there: `gone` only when its `.tmops` is missing and nobody supervises it. */
export type WorkspaceState = 'here' | 'another' | 'gone';

export function judgeSession(
  session: MarkedSession,
  of: { readonly workspace: WorkspaceState; readonly featureIsThere: boolean },
): Judgement {
  const { root, feature, attached, strangers } = session;
  if (root === null) return of.workspace === 'here' ? { goes: false, why: UNKNOWN_ROOT } : null;
  if (of.workspace === 'another' || (of.workspace === 'here' && of.featureIsThere)) return null;
  const why = of.workspace === 'gone' ? `its workspace ${root} is gone` : `there is no feature ${feature} any more`;
  if (attached > 0) return { goes: false, why: `${why}, but somebody is attached to it` };
  if (strangers > 0) return { goes: false, why: `${why}, but it has a pane that tmops did not make` };
  return { goes: true, why };
}

const UNKNOWN_ROOT = 'it does not say which folder it belongs to: another tmops opened it';

/** A paste takes some milliseconds from its buffer to the pane; whole seconds are all that tmux tells. */
export const BUFFER_LEFT_AFTER_S = 3;

/** `sessions`: those that stand on the server, by name, with the state of their workspace; null for one without our marks. */
export function judgeBuffer(
  { name, ageS }: TextBuffer,
  sessions: ReadonlyMap<string, WorkspaceState | null>,
): Judgement {
  const session = /^tmops-(.+)-\d{10,13}$/.exec(name)?.[1];
  if (session === undefined || ageS < BUFFER_LEFT_AFTER_S) return null;
  // Named after no session: nobody can tell whose text it is.
  if (session === 'pane') return { goes: false, why: 'it does not say which session it was for' };
  const owner = sessions.get(session);
  if (owner === undefined) return { goes: true, why: `the session ${session} that it was for is gone` };
  if (owner !== 'here') return null;
  return { goes: true, why: 'whoever was to paste it died before they did' };
}

/** A working tree in git's records whose folder is gone. */
export interface RecordedTree {
  readonly path: string;
  readonly branch: string | null;
  readonly locked: string | null;
}

/** `place`: where the worktree of its branch's feature belongs. */
export function judgeTree(
  { path, branch, locked }: RecordedTree,
  of: { readonly place: string | null; readonly featureIsThere: boolean; readonly isScratch: boolean },
): Judgement {
  if (of.isScratch) return { goes: true, why: 'its folder is gone; tests were tried in it' };
  if (branch === null || of.place !== path) return null;
  if (of.featureIsThere) return { goes: false, why: 'its folder is gone, but its feature is there' };
  if (locked !== null && locked !== HALF_MADE) return { goes: false, why: 'its folder is gone, but it is locked' };
  return { goes: true, why: `its folder and its feature are gone; the branch ${branch} stays` };
}

/** git gives this as the reason while `worktree add` works; a crash leaves it. */
const HALF_MADE = 'initializing';

/** What is known of a feature's present run. */
export interface PresentRun {
  readonly run: string;
  /** Its agents are looked after: it is going, waits for its turn, or is over with its session left open. */
  readonly attended: boolean;
}

/** A process that an agent's folder names, and that is alive. */
export interface LivingAgent {
  readonly run: string;
  readonly role: string;
  /** It runs below a tmux server, so that its pane is there. */
  readonly hasPane: boolean;
}

/** `present`: null where the feature has no run; 'unread' where it cannot be told. */
export function judgeAgent(agent: LivingAgent, present: PresentRun | 'unread' | null): Judgement {
  if (agent.hasPane || present === 'unread') return null;
  if (present?.run === agent.run && present.attended) return null;
  return { goes: true, why: 'its pane is gone, and its run is over' };
}
