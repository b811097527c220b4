import type { LiveRun } from '../engine/live-run.ts';
import { plainText } from './pane-text.ts';
import type { AppPorts } from './ports.ts';
import type { ResourceInput, ResourceOutput } from './resource-requests.ts';
import { iso } from './status-panes.ts';
import { pageOf } from './text-page.ts';
import type { ProblemView } from './views.ts';

type Told<T> = { readonly ok: true; readonly output: T } | { readonly ok: false; readonly problem: ProblemView };
type Eyes = Pick<AppPorts, 'lookAtCheckpoint' | 'hide'>;

export const specPath = (live: LiveRun): string => `${live.place.runDir}/TASK_SPEC.md`;

/** A page of the specification. What is secret is taken out before it is cut into pages. */
export async function readSpec(
  live: LiveRun,
  { feature, from, lines }: ResourceInput<'spec'>,
  eyes: Eyes,
): Promise<Told<ResourceOutput<'spec'>>> {
  const found = await fileOf(eyes, specPath(live));
  if ('why' in found) return { ok: false, problem: unreadable('spec', `The TASK_SPEC.md of ${feature}`, found) };
  const { text, ...page } = pageOf(eyes.hide(plainText(found.text)), { from, lines });
  return { ok: true, output: { ...headOf(live, found.mtimeMs), ...page, untrusted_output: text } };
}

/** What `metrics.json` holds. Claims of agents stand in it. */
export async function readMetrics(
  live: LiveRun,
  { feature }: ResourceInput<'metrics'>,
  eyes: Eyes,
): Promise<Told<ResourceOutput<'metrics'>>> {
  const what = `The metrics.json of ${feature}`;
  const found = await fileOf(eyes, live.place.metricsFile);
  if ('why' in found) {
    const problem = unreadable('metrics', what, found);
    return { ok: false, problem: found.path === null ? { ...problem, hint: FIRST_METRICS } : problem };
  }
  const metrics = objectIn(found.text);
  const path = live.place.metricsFile;
  if (metrics === null)
    return { ok: false, problem: unreadable('metrics', what, { why: 'it holds no JSON object', path }) };
  const plain = cleaned(metrics, eyes.hide, MOST_DEPTH);
  return { ok: true, output: { ...headOf(live, found.mtimeMs), metrics: plain as Record<string, unknown> } };
}

const FIRST_METRICS = 'They are written when a step is done.';

/** Those that tmops writes go four deep. */
const MOST_DEPTH = 12;

const headOf = (live: LiveRun, mtimeMs: number): { feature: string; run: string; modifiedAt: string } => {
  const { identity } = live.loop.run();
  return { feature: identity?.feature ?? '', run: identity?.run ?? '', modifiedAt: iso(mtimeMs) };
};

/** `path` null: there is no such file. */
interface NotRead {
  readonly why: string;
  readonly path: string | null;
}

async function fileOf(
  eyes: Eyes,
  path: string,
): Promise<{ readonly text: string; readonly mtimeMs: number } | NotRead> {
  const found = await eyes.lookAtCheckpoint(path);
  if (found === null) return { why: 'it is not there', path: null };
  return found.kind === 'file' ? found : { why: found.why, path: found.path };
}

const unreadable = (code: 'spec' | 'metrics', what: string, { why, path }: NotRead): ProblemView => ({
  code: path === null ? `no-${code}` : `${code}-unreadable`,
  sentence: `${what} is not read: ${why}.`,
  hint:
    path === null
      ? 'Look for it in the folder of the run: .tmops/<feature>/current.'
      : `See what it is: ls -ld '${path}'`,
});

function objectIn(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Texts without secrets and without what cannot be seen; what lies too deep is left out. */
function cleaned(value: unknown, hide: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return hide(plainText(value));
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return null;
  if (Array.isArray(value)) return value.map((item) => cleaned(item, hide, depth - 1));
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, inner]) => [hide(plainText(key)), cleaned(inner, hide, depth - 1)]));
}
