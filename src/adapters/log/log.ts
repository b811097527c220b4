import pino from 'pino';
import { openConsoleOutput, openFileOutput } from './output.ts';
import type { Output } from './output.ts';
import { scrubber } from './scrub.ts';
import type { Facts, Scrubber } from './scrub.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOrder {
  readonly level: LogLevel;
  /** Absolute path; absent: no file. */
  readonly file?: string;
  /** Whether lines go to stderr as well. Nothing ever goes to stdout, which belongs to MCP. */
  readonly console: boolean;
  /** On every line, e.g. `{ process: 'supervisor' }`. */
  readonly bindings: Facts;
  /** Takes secrets out of a text (see `hiding`). */
  readonly hide: (text: string) => string;
}

/** Structured lines of JSON: `level`, `time` (ISO 8601), the bindings, the facts, `msg`. */
export interface Log {
  /** The same log with more on each line, e.g. `{ feature, run, role, step }`. */
  child(bindings: Facts): Log;
  debug(message: string, facts?: Facts): void;
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
}

export interface OpenLog extends Log {
  /** Lines after it are dropped. Safe to call twice. Nothing need be flushed: each line is written when it is logged. */
  close(): void;
  /** Why lines are missing, one sentence each; empty when all is well. */
  trouble(): string[];
}

/** Opens the log. Throws when the file cannot be opened; later failures never reach the caller but through `trouble`. */
export function openLog(order: LogOrder): OpenLog {
  const outputs: Output[] = order.file === undefined ? [] : [openFileOutput(order.file)];
  if (order.console) outputs.push(openConsoleOutput(process.stderr));
  const state = { open: outputs.length > 0 };
  const scrub = scrubber(order.hide);
  const line = {
    write: (text: string): void => {
      if (state.open) for (const output of outputs) output.write(text);
    },
  };
  const logger = pino(
    {
      level: order.level,
      base: scrub.facts(order.bindings),
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    line,
  );
  return {
    ...logOf(logger, scrub),
    close: () => {
      if (!state.open) return;
      state.open = false;
      for (const output of outputs) output.close();
    },
    trouble: () => outputs.flatMap((output) => output.trouble() ?? []),
  };
}

function logOf(logger: pino.Logger, scrub: Scrubber): Log {
  const at =
    (level: LogLevel) =>
    (message: string, facts: Facts = {}): void => {
      if (logger.isLevelEnabled(level)) logger[level](scrub.facts(facts), scrub.text(message));
    };
  return {
    child: (bindings) => logOf(logger.child(scrub.facts(bindings)), scrub),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}
