import { systemClock } from '../../src/adapters/clock/clock.ts';
import type { Event } from '../../src/core/event.ts';
import { layoutSchema } from '../../src/core/layout.ts';
import type { Run } from '../../src/core/run.ts';
import type { CrewParts } from '../../src/engine/crew.ts';
import { openRunLoop, type RunLoop } from '../../src/engine/loop.ts';
import { runPlace } from '../../src/engine/place.ts';
import type { BranchKeeper } from '../../src/engine/branch-ports.ts';
import type { AgentProvider, Clock, Log, PaneLook, Prover, Rewinder, Terminal } from '../../src/engine/ports.ts';

/** The ports of the engine, played: each does nothing and is well, but for what a test gives instead. */

/** Not asked for in this test. */
const unasked = (what: string) => (): Promise<never> => Promise.reject(new Error(`Nobody plays ${what}`));
const nothing = (): Promise<void> => Promise.resolve();

export const playedTerminal = (over: Partial<Terminal> = {}): Terminal => ({
  survey: () => Promise.resolve({ kind: 'absent' }),
  server: () => Promise.resolve('up'),
  open: unasked('open'),
  reopen: unasked('reopen'),
  look: () => Promise.resolve({ kind: 'gone' }),
  processOf: () => Promise.resolve(null),
  paste: unasked('paste'),
  press: unasked('press'),
  announce: nothing,
  leaveMode: nothing,
  onOutput: () => Promise.resolve(null),
  label: nothing,
  headline: nothing,
  close: nothing,
  onMode: () => nothing,
  onKey: () => Promise.resolve(nothing),
  onLost: () => nothing,
  ...over,
});

export const playedProvider = (over: Partial<AgentProvider> = {}): AgentProvider => ({
  name: 'played',
  timing: {
    settleMs: 0,
    enterAgainAfterMs: [60_000],
    echoWithinMs: 60_000,
    evidenceWithinMs: 60_000,
    readyWithinMs: 60_000,
  },
  create: ({ cwd }) => Promise.resolve({ argv: ['played'], env: {}, cwd }),
  resume: ({ cwd }) => Promise.resolve({ argv: ['played'], env: {}, cwd }),
  destroy: nothing,
  process: () => Promise.resolve(null),
  alive: () => Promise.resolve('alive'),
  exit: () => Promise.resolve({ kind: 'unknown' }),
  activity: () => Promise.resolve({ kind: 'idle' }),
  // A played capture is the draft in the composer.
  classify: (capture) => ({ kind: 'composer', draft: capture, rows: [{ text: `❯ ${capture}`, at: 1 }], busy: false }),
  evidence: () => Promise.resolve(nothing),
  ...over,
});

/** Where evidence is switched off nothing is to be proved. */
export const playedProver: Prover = {
  keep: unasked('keep'),
  changed: unasked('changed'),
  test: unasked('test'),
  tested: unasked('tested'),
  baseline: unasked('baseline'),
  testWithout: unasked('testWithout'),
};

/** A branch that nobody else touches. */
export const playedKeeper: BranchKeeper = {
  mark: () => Promise.resolve({ branch: '', tree: '' }),
  stand: (_worktree, { branch }) =>
    Promise.resolve({
      ...{ tip: 'tip', head: { branch, commit: 'tip' }, underWay: null, lockedSince: null, move: null, headLog: null },
    }),
  keep: () => Promise.resolve('files'),
  hold: unasked('hold'),
  setAside: unasked('setAside'),
  putRight: unasked('putRight'),
};

export const playedRewinder: Rewinder = {
  obstacle: unasked('obstacle'),
  look: unasked('look'),
  keep: unasked('keep'),
  parentOf: unasked('parentOf'),
  differing: unasked('differing'),
  commits: unasked('commits'),
  put: unasked('put'),
};

/** A pane that is well, with this draft in its composer. */
export const seen = (draft: string): PaneLook => ({
  kind: 'seen',
  dead: false,
  inMode: false,
  inputOff: false,
  watchers: 0,
  cols: 100,
  rows: 30,
  pasted: '',
  capture: draft,
});

const quiet = (): void => undefined;
export const quietLog: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

export const place = runPlace(
  '/w',
  'auth-api',
  'initial',
  (feature, run) => `.tmops/${feature}/runs/${run}/checkpoints`,
);

/** A loop that goes on from `run` and keeps its journal in memory. Its commands are carried out by nobody. */
export function loopFrom(
  run: Run,
  clock: Clock = systemClock(),
): { readonly loop: RunLoop; readonly journal: Event[] } {
  const journal: Event[] = [];
  const append = (events: readonly Event[]): Promise<void> => {
    journal.push(...events);
    return Promise.resolve();
  };
  return { loop: openRunLoop(run, { append }, clock, quiet), journal };
}

export const crewOf = (loop: RunLoop, terminal: Terminal, provider: AgentProvider): CrewParts => ({
  loop,
  terminal,
  provider,
  place,
  setup: {
    workspaceId: 'w1',
    layout: layoutSchema.parse({ name: 'quad', windows: [{ roles: 'rest' }] }),
    size: { cols: 100, rows: 30 },
    statusArgv: [],
    env: {},
    testCommand: null,
    allow: [],
    takeKey: null,
    modes: {},
  },
  clock: systemClock(),
  log: quietLog,
});
