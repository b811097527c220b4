import type { StopSignal } from '../../link/stopper.ts';

/** A call that takes longer is told of, again and again, to a client that asked for that. */
const FIRST_AFTER_MS = 1_000;
const THEN_EACH_MS = 2_000;

/** What a client that gave a token is told: seconds since the call came, which only ever grow. */
export interface Progress {
  readonly progressToken: string | number;
  readonly progress: number;
  readonly message: string;
}

/**
 * Tells of a call that goes on until the returned function is called or the call is cancelled; does nothing where the client
 * gave no token. Nobody can say how long an agent takes, so no total is named.
 */
export function tellProgress(
  params: Readonly<Record<string, unknown>>,
  signal: StopSignal,
  tell: (progress: Progress) => void,
): () => void {
  const token = tokenOf(params);
  if (token === null) return () => undefined;
  const begun = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const plan = (afterMs: number): void => {
    timer = setTimeout(() => {
      const seconds = Math.round((performance.now() - begun) / 100) / 10;
      tell({ progressToken: token, progress: seconds, message: messageOf(params, seconds) });
      plan(THEN_EACH_MS);
    }, afterMs);
  };
  const stop = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  };
  plan(FIRST_AFTER_MS);
  signal.addEventListener('abort', stop);
  return stop;
}

/** What a request of the SDK brings to answer it with. */
interface RequestWay {
  readonly signal: AbortSignal;
  readonly sendNotification: (notification: {
    readonly method: 'notifications/progress';
    readonly params: Record<string, unknown> & Progress;
  }) => Promise<void>;
}

/** The same for a request that the SDK answers: told of until `act` has ended. */
export async function tellingProgress<T>(
  params: Readonly<Record<string, unknown>>,
  { signal, sendNotification }: RequestWay,
  onFault: (error: unknown) => void,
  act: () => Promise<T>,
): Promise<T> {
  const stop = tellProgress(params, signal, (progress) => {
    sendNotification({ method: 'notifications/progress', params: { ...progress } }).catch(onFault);
  });
  try {
    return await act();
  } finally {
    stop();
  }
}

function tokenOf({ _meta: meta }: Readonly<Record<string, unknown>>): string | number | null {
  const token = typeof meta === 'object' && meta !== null && 'progressToken' in meta ? meta.progressToken : undefined;
  return typeof token === 'string' || typeof token === 'number' ? token : null;
}

/** Only what has the form of a name is repeated. */
function messageOf({ name, arguments: args }: Readonly<Record<string, unknown>>, seconds: number): string {
  const tool = typeof name === 'string' && /^[a-z_]{1,40}$/.test(name) ? name : 'the request';
  const feature = typeof args === 'object' && args !== null && 'feature' in args ? args.feature : undefined;
  const of = typeof feature === 'string' && /^[a-z0-9-]{3,20}$/.test(feature) ? ` ${feature}` : '';
  return `${tool}${of}: ${Math.round(seconds)} s`;
}
