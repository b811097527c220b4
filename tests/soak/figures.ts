import type { Event } from '../../src/core/event.ts';

/** What became of one feature. */
export interface FeatureRecord {
  readonly feature: string;
  /** Whether its run was completed within the time that it had. */
  readonly completed: boolean;
  /** Things about sessions that were to be managed, and which of them were not. */
  readonly sessions: { readonly count: number; readonly faults: readonly string[] };
  /** Places where it holds something of another feature. */
  readonly foreign: readonly string[];
  /** What was left of it when it had been put away. */
  readonly left: readonly string[];
}

export interface Corruption {
  readonly feature: string;
  readonly file: string;
  readonly what: string;
  readonly caught: boolean;
}

/** A run that was finished by hand; what went wrong where it could not be. */
export interface ByHand {
  readonly feature: string;
  readonly fault: string | null;
}

/** What can grow. `rssMb` and `files` are the supervisor's. */
export interface Sample {
  readonly rssMb: number;
  readonly files: number;
  readonly buffers: number;
  readonly processes: number;
  readonly sockets: number;
  readonly worktrees: number;
  readonly locks: number;
  readonly sessions: number;
}

export interface Observed {
  readonly features: readonly FeatureRecord[];
  readonly corruptions: readonly Corruption[];
  readonly byHand: readonly ByHand[];
  /** The same supervisor without any feature, before and after features ran back to back in it. */
  readonly before: Sample;
  readonly after: Sample;
  /** The supervisor's memory meanwhile, in the order of time. */
  readonly rssMb: readonly number[];
  /** Processes of the soak that were still there when all had been ended. */
  readonly processesLeft: number;
}

export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly bound: string;
  readonly met: boolean;
  /** What missed it, at most ten. */
  readonly why: readonly string[];
}

/** The customer's figures, and whether anything grew; see docs/testing.md for what each means. */
export function judge(observed: Observed): readonly Figure[] {
  const { features, corruptions, byHand, before, after, rssMb, processesLeft } = observed;
  const sessionFaults = features.flatMap(({ feature, sessions }) => sessions.faults.map((why) => `${feature}: ${why}`));
  const sessions = features.reduce((sum, each) => sum + each.sessions.count, 0);
  const unfinished = features.filter(({ completed }) => !completed).map(({ feature }) => feature);
  const missed = corruptions
    .filter(({ caught }) => !caught)
    .map(({ feature, file, what }) => `${feature} ${file}: ${what}`);
  const byHandFaults = byHand.flatMap(({ feature, fault }) => (fault === null ? [] : [`${feature}: ${fault}`]));
  const foreign = features.flatMap((each) => each.foreign.map((what) => `${each.feature}: ${what}`));
  return [
    share('workflow success', { of: features.length, missed: unfinished, least: 0.95 }),
    share('session management', { of: sessions, missed: sessionFaults, least: 0.995 }),
    share('corruption caught', { of: corruptions.length, missed, least: 1 }),
    atMost('contamination', foreign.length, 0, foreign),
    share('manual fallback', { of: byHand.length, missed: byHandFaults, least: 1 }),
    atMost(
      'left of features put away',
      features.flatMap(({ left }) => left).length,
      0,
      features.flatMap(({ left }) => left),
    ),
    ...growth(before, after),
    memory(rssMb),
    atMost('processes left at the end', processesLeft, 0),
  ];
}

interface Share {
  readonly of: number;
  readonly missed: readonly string[];
  readonly least: number;
}

/** Nothing tried is nothing shown: it is missed. */
function share(name: string, { of, missed, least }: Share): Figure {
  const part = of === 0 ? 0 : (of - missed.length) / of;
  return {
    name,
    value: `${of - missed.length} of ${of}`,
    bound: `≥ ${Number((least * 100).toFixed(1))} %`,
    met: part >= least,
    why: missed.slice(0, SHOWN),
  };
}

const SHOWN = 10;

const atMost = (name: string, value: number, most: number, why: readonly string[] = []): Figure => ({
  ...{ name, value: String(value), bound: `≤ ${most}`, met: value <= most, why: why.slice(0, SHOWN) },
});

/** Files: a log that is turned over, a door that just looks. All else has to come back to what it was. */
const GROWTH: Readonly<Record<Exclude<keyof Sample, 'rssMb'>, number>> = {
  ...{ files: 3, buffers: 0, processes: 0, sockets: 0, worktrees: 0, locks: 0, sessions: 0 },
};

const growth = (before: Sample, after: Sample): readonly Figure[] =>
  Object.entries(GROWTH).map(([name, most]) => {
    const key = name as keyof typeof GROWTH;
    return atMost(`growth: ${name}`, after[key] - before[key], most, [`from ${before[key]} to ${after[key]}`]);
  });

/** How much more the supervisor may hold in the last third of the time than in the first. */
const RSS_GROWTH_MB = 25;
const RSS_MOST_MB = 200;

/** Medians: node takes memory in steps and gives it back in steps. */
function memory(rssMb: readonly number[]): Figure {
  const third = Math.max(1, Math.floor(rssMb.length / 3));
  const grown = median(rssMb.slice(-third)) - median(rssMb.slice(0, third));
  const most = Math.max(0, ...rssMb);
  return {
    name: "growth: supervisor's RSS",
    value: `${grown.toFixed(1)} MB, at most ${most.toFixed(0)} MB held`,
    bound: `≤ ${RSS_GROWTH_MB} MB, ≤ ${RSS_MOST_MB} MB held`,
    met: rssMb.length >= 3 && grown <= RSS_GROWTH_MB && most <= RSS_MOST_MB,
    why: [`${rssMb.length} samples`],
  };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** An agent that was killed has to be noticed within this, in ms. */
export const NOTICED_WITHIN_MS = 30_000;

/** What the journal tells of sessions and agents: how many things were to be managed, and those that were not. */
export function managedSessions(
  events: readonly Event[],
  killed: readonly { readonly role: string; readonly at: number }[] = [],
): FeatureRecord['sessions'] {
  const faults: string[] = [];
  let count = 0;
  const expectLater = (event: Event, what: string, fits: (later: Event) => boolean): void => {
    count += 1;
    const later = events.filter(({ seq }) => seq > event.seq);
    if (!later.some((each) => OVER.has(each.kind) || fits(each))) faults.push(`${what} (event ${event.seq})`);
  };
  for (const event of events) {
    if (event.kind === 'agent.launched')
      expectLater(event, `the ${event.role} was launched and never came up`, (later) => isOf(later, event.role));
    if (event.kind === 'agent.exited' && !event.deliberate)
      expectLater(event, `the ${event.role} ended and was not brought back`, (later) => isLaunch(later, event.role));
    if (event.kind === 'session.lost')
      expectLater(event, 'the session was lost and not opened again', ({ kind }) => kind === 'session.opened');
  }
  for (const { role, at } of killed) {
    count += 1;
    const noticed = events.some(
      (event) => event.at >= at && event.at <= at + NOTICED_WITHIN_MS && (OVER.has(event.kind) || isLoss(event, role)),
    );
    if (!noticed) faults.push(`the end of the ${role} at ${new Date(at).toISOString()} was not noticed`);
  }
  return { count, faults };
}

/** After these nobody is missed. */
const OVER: ReadonlySet<string> = new Set(['run.completed', 'run.stopped']);
const isLoss = (event: Event, role: string): boolean =>
  event.kind === 'session.lost' || (event.kind === 'agent.exited' && event.role === role);
const isLaunch = (event: Event, role: string): boolean =>
  event.kind === 'session.lost' || (event.kind === 'agent.launched' && event.role === role);
const isOf = (event: Event, role: string): boolean =>
  isLoss(event, role) || (event.kind === 'agent.session' && event.role === role);

/** Names of features in a text that are not `own`: a name ends where no name can go on. */
export function foreignNames(text: string, own: string): readonly string[] {
  const names = [...text.matchAll(/soak-[a-z]+-\d+(?![\d-])/g)].map(([name]) => name);
  return [...new Set(names.filter((name) => name !== own))];
}

export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, bound, met }) => [name, value, bound, met ? 'yes' : 'NO']);
  const head = ['figure', 'value', 'bound', 'met'];
  const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const missed = figures.filter(({ met }) => !met);
  return [...table, ...missed.flatMap(({ name, why }) => ['', `${name}:`, ...why.map((line) => `  ${line}`)])].join(
    '\n',
  );
}
