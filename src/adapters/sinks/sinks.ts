import { execa } from 'execa';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mustBeTrusted } from '../../files/trust.ts';

/** One subscriber of the configuration. `events` null: every event. */
export type SinkOrder =
  | { readonly kind: 'module'; readonly module: string; readonly events: readonly string[] | null }
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly events: readonly string[] | null };

/** What a sink is handed: the event as in the journal, and whose it is. */
export interface SinkEvent {
  /** Version of the shape, as in the journal. */
  readonly v: number;
  readonly feature: string;
  readonly run: string;
  readonly kind: string;
}

export interface Sinks {
  give(event: SinkEvent): void;
  /** Ends the commands by closing their input, and waits for them a little. */
  close(): Promise<void>;
}

interface OpenSink {
  give(event: SinkEvent): void;
  close(): Promise<void>;
}

/** Events that wait for a slow command; older ones are dropped and counted beyond it. */
const MAX_WAITING = 1000;
const END_WITHIN_MS = 2000;

/** Opens every sink. A sink that fails is reported and never holds a run. */
export function openSinks(
  root: string,
  orders: readonly SinkOrder[],
  onProblem: (sink: string, why: string) => void,
): Sinks {
  const sinks = orders.map((order) => {
    const open =
      order.kind === 'module' ? moduleSink(root, order.module, onProblem) : commandSink(root, order.argv, onProblem);
    return { order, open };
  });
  return {
    give(event) {
      for (const { order, open } of sinks)
        if (order.events === null || order.events.includes(event.kind)) open.give(event);
    },
    async close() {
      await Promise.all(sinks.map(({ open }) => open.close()));
    },
  };
}

/** An ES module whose default export is a function of the event. */
function moduleSink(root: string, file: string, onProblem: (sink: string, why: string) => void): OpenSink {
  const path = isAbsolute(file) ? file : join(root, file);
  const fail = (error: unknown): void => {
    onProblem(path, error instanceof Error ? error.message : String(error));
  };
  const load = async (): Promise<unknown> => {
    mustBeTrusted(path, 'module of a sink');
    return import(pathToFileURL(path).href);
  };
  let last: Promise<unknown> = load().catch(fail);
  const loaded = last as Promise<{ default?: unknown } | undefined>;
  const hand = async (event: SinkEvent): Promise<void> => {
    const take = (await loaded)?.default;
    if (typeof take === 'function') await (take as (event: SinkEvent) => unknown)(event);
  };
  return {
    give(event) {
      last = last.then(() => hand(event)).catch(fail);
    },
    async close() {
      await last;
    },
  };
}

/** A program that reads one JSON event a line on its standard input. It is started at the first event, and again if it ends. */
function commandSink(root: string, argv: readonly string[], onProblem: (sink: string, why: string) => void): OpenSink {
  const [program = '', ...args] = argv;
  let child: ReturnType<typeof start> | null = null;
  let waiting = 0;
  let isMissing = false;
  const start = () => {
    const begun = execa(program, args, {
      cwd: root,
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'ignore',
      reject: false,
      cleanup: true,
    });
    void begun.then((result) => {
      child = null;
      isMissing = result.code === 'ENOENT';
      if (result.failed && !result.isCanceled) onProblem(program, result.shortMessage ?? 'it ended badly');
    });
    begun.stdin.on('error', (error) => {
      onProblem(program, error.message);
    });
    return begun;
  };
  return {
    give(event) {
      // Told once; looking for it again at each event would find nothing else.
      if (isMissing) return;
      if (waiting >= MAX_WAITING) {
        onProblem(program, `it does not keep up; ${event.kind} was not handed over`);
        return;
      }
      child ??= start();
      waiting += 1;
      child.stdin.write(`${JSON.stringify(event)}\n`, () => {
        waiting -= 1;
      });
    },
    async close() {
      const ending = child;
      if (!ending) return;
      ending.stdin.end();
      const timer = setTimeout(() => ending.kill(), END_WITHIN_MS);
      await ending;
      clearTimeout(timer);
    },
  };
}
