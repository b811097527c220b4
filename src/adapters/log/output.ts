import { chmodSync, closeSync, constants, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateFolderSync } from '../../files/in-place.ts';
import { mustBeRegularOrAbsentSync } from '../../files/regular.ts';

/** A place that lines go to. Writing never throws and never waits for a reader. */
export interface Output {
  write(line: string): void;
  close(): void;
  /** The last failure as a sentence, or null. */
  trouble(): string | null;
}

/** A file that has grown to this becomes `<file>.1`, and the one before it goes. */
const MAX_FILE_BYTES = 10 * 1024 * 1024;
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Opens a log file for appending: 0600, in a folder that is 0700 when we make it. Refuses a link and anything else that
 * is no regular file, since a repository that is not ours could lead us to a file that is. Throws with the path and the
 * cause. Lines are written at once (microseconds each), so that those before a crash are there after it.
 */
export function openFileOutput(file: string, maxBytes: number = MAX_FILE_BYTES): Output {
  let { fd, size } = openLogFile(file);
  let failure: string | null = null;
  let torn = '';
  return {
    write: (line) => {
      try {
        if (size > maxBytes) ({ fd, size } = startAnother(file, fd));
        size += writeAll(fd, torn + line);
        torn = '';
      } catch (error) {
        // What was written of this line is ended by the next one, so that only this one is lost.
        torn = '\n';
        failure = `a line of the log was lost: ${messageOf(error)}`;
      }
    },
    close: () => {
      closeSync(fd);
    },
    trouble: () => failure,
  };
}

/**
 * stderr, without ever waiting for whoever reads it: a synchronous write to a pipe that nobody empties would stop the
 * whole program, and an asynchronous one through the file system its exit. Lines that find too much waiting are dropped.
 */
export function openConsoleOutput(stream: NodeJS.WriteStream): Output {
  let failure: string | null = null;
  // Never taken off again: an error that arrives after the last line would otherwise end the program.
  stream.on('error', (error: Error) => {
    failure = `a line on stderr was lost: ${error.message}`;
  });
  return {
    write: (line) => {
      try {
        if (stream.writableLength > MAX_WAITING_BYTES) failure = 'lines on stderr were dropped: nobody reads it';
        else if (!stream.destroyed) stream.write(line);
      } catch (error) {
        failure = `a line on stderr was lost: ${messageOf(error)}`;
      }
    },
    close: () => undefined,
    trouble: () => failure,
  };
}

interface LogFile {
  readonly fd: number;
  readonly size: number;
}

function openLogFile(file: string): LogFile {
  try {
    makePrivateFolderSync(dirname(file));
    return openRegular(file);
  } catch (error) {
    throw new Error(`cannot open the log file ${file}: ${messageOf(error)}`, { cause: error });
  }
}

function openRegular(file: string): LogFile {
  mustBeRegularOrAbsentSync(file);
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
  const fd = openSync(file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o600);
  const found = fstatSync(fd);
  if (!found.isFile()) {
    closeSync(fd);
    throw new Error('it is not a regular file');
  }
  if ((found.mode & 0o077) !== 0) chmodSync(file, 0o600);
  return { fd, size: found.size };
}

function startAnother(file: string, full: number): LogFile {
  try {
    renameSync(file, `${file}.1`);
  } catch (error) {
    // Somebody took the file away; a fresh one is made all the same.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const fresh = openRegular(file);
  closeSync(full);
  return fresh;
}

function writeAll(fd: number, line: string): number {
  const bytes = Buffer.from(line);
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
  return bytes.length;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
