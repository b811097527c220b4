import { constants } from 'node:fs';
import { open, realpath, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { withEdits } from '../../core/text-edits.ts';
import type { FileChange, FileEdit, FileRead, FileWritten } from '../../engine/role-ports.ts';
import { mustBeAsSeen, putInPlace } from './role-draft.ts';
import { missing, notRegular, refuseOurs, shown, within } from './role-path.ts';
import { changed, orRefusal, RoleRefused } from './role-refused.ts';
import { atPlace, mustStand, type Place } from './role-walk.ts';

const MAX_BYTES = 1024 * 1024;
const MOST_EDITS = 100;

/** See `ProjectFiles.read`. */
export async function readRoleFile(worktree: string, path: string): Promise<FileRead> {
  const roots = { given: worktree, real: await realpath(worktree) };
  return orRefusal(shown(path), () =>
    atPlace({ roots, path, lastLink: 'followed' }, async (place) => {
      const names = await realNames(place);
      refuseOurs(names);
      return { ok: true, path: names.join('/'), text: textIn(await bytesAt(place), place) };
    }),
  );
}

/** See `ProjectFiles.write`. Writes of one worktree must not run at once: the caller sees to that. */
export async function writeRoleFile(
  worktree: string,
  path: string,
  change: FileChange,
  may: (path: string) => boolean,
): Promise<FileWritten> {
  const lastLink = 'remove' in change ? 'refused' : 'followed';
  const roots = { given: worktree, real: await realpath(worktree) };
  return orRefusal(shown(path), () =>
    atPlace({ roots, path, lastLink }, async (place) => {
      const real = await mustBeAllowed(place, may);
      if (place.seen !== null) mustBeReplaceable(place);
      if ('remove' in change) return removed(place, real);
      return 'content' in change ? replaced(place, real, change.content) : edited(place, real, change.edits);
    }),
  );
}

/** The names as the system spells them; where the file is not there, its own as they were given. */
async function realNames(place: Place): Promise<readonly string[]> {
  const folder = await mustStand(place.folder, place.root, pathOf(place));
  if (place.seen === null) return [...folder, ...place.absent, place.name];
  const real = within(await realpath(join(place.root, ...folder, place.name)), [place.root]);
  if (real === null) throw changed(pathOf(place));
  return real.split('/');
}

/** Asked of the path as it was given, as links lead, and as the system spells it. Gives the last. */
async function mustBeAllowed(place: Place, may: (path: string) => boolean): Promise<string> {
  const names = await realNames(place);
  refuseOurs(names);
  const real = names.join('/');
  const led = [...place.above, ...place.absent, place.name].join('/');
  const forbidden = [...new Set([place.asked.join('/'), led, real])].find((path) => !may(path));
  if (forbidden === undefined) return real;
  throw new RoleRefused(
    'file-not-allowed',
    `This role may not write ${shown(forbidden)}.`,
    'Leave it to the role whose file it is, and say in your report what should be changed.',
  );
}

function mustBeReplaceable(place: Place): void {
  if (place.seen?.isFile() === false) throw notRegular(pathOf(place), kindOf(place));
  // A rename would replace it all the same.
  if (((place.seen?.mode ?? 0o200) & 0o222) === 0)
    throw new RoleRefused('file-not-allowed', `${pathOf(place)} is read-only.`, 'Leave it as it is.');
}

async function removed(place: Place, path: string): Promise<FileWritten> {
  if (place.seen === null) throw missing(pathOf(place));
  await mustBeAsSeen(place, place.folder);
  await unlink(join(place.folder.at, place.name));
  return { ok: true, path, how: 'deleted', lines: 0 };
}

async function replaced(place: Place, path: string, text: string): Promise<FileWritten> {
  const bytes = bytesOf(text, place);
  const { seen } = place;
  const isSame = seen !== null && seen.size === bytes.length && bytes.equals(await bytesAt(place));
  if (!isSame) await putInPlace(place, bytes);
  return { ok: true, path, how: isSame ? 'unchanged' : seen === null ? 'added' : 'modified', lines: linesIn(text) };
}

async function edited(place: Place, path: string, edits: readonly FileEdit[]): Promise<FileWritten> {
  if (place.seen === null) throw missing(pathOf(place));
  if (edits.length > MOST_EDITS) throw tooLarge(`More than ${MOST_EDITS} edits were given`);
  const made = withEdits(textIn(await bytesAt(place), place), edits, MAX_BYTES);
  if (made.ok) return replaced(place, path, made.text);
  if (made.why === 'too-long') throw tooLarge(`Edit ${made.edit} of ${edits.length} makes ${pathOf(place)} too large`);
  const [code, how] = FAULTS[made.why];
  throw new RoleRefused(
    code,
    `The old text of edit ${made.edit} of ${edits.length} ${how} in ${pathOf(place)}. None of the edits was made.`,
    'Read the file, and give a piece of it that occurs exactly once, with the lines around it where need be.',
  );
}

const FAULTS = {
  'no-match': ['edit-no-match', 'does not occur'],
  several: ['edit-several', 'occurs more than once'],
} as const;

const CAREFULLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Of a regular file that is not too large. Anything else is not even opened: with some devices that alone does something. */
async function bytesAt(place: Place): Promise<Buffer> {
  const { seen, folder, name } = place;
  if (seen === null) throw missing(pathOf(place));
  if (!seen.isFile()) throw notRegular(pathOf(place), kindOf(place));
  const handle = await open(join(folder.at, name), CAREFULLY);
  try {
    const now = await handle.stat();
    if (!now.isFile() || now.ino !== seen.ino || now.dev !== seen.dev) throw changed(pathOf(place));
    // One byte more than may be: what grows meanwhile is not read to its end.
    const bytes = Buffer.alloc(Math.min(now.size, MAX_BYTES) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = (await handle.read(bytes, length, bytes.length - length, length)).bytesRead;
    if (length > MAX_BYTES) throw tooLarge(`${pathOf(place)} has more than ${MAX_BYTES} bytes`);
    if (length > now.size) throw changed(pathOf(place));
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** As it stands: a BOM is part of it. */
function textIn(bytes: Buffer, place: Place): string {
  if (bytes.includes(0)) throw notText(`${pathOf(place)} holds a NUL`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw notText(`${pathOf(place)} is not UTF-8`);
  }
}

/** Half of a character of two units could not be written as UTF-8. */
function bytesOf(text: string, place: Place): Buffer {
  if (text.length > MAX_BYTES) throw tooLarge(`The new text of ${pathOf(place)} has more than ${MAX_BYTES} bytes`);
  if (/[\0\p{Cs}]/u.test(text)) throw notText(`The new text of ${pathOf(place)} holds a NUL or half a character`);
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > MAX_BYTES) throw tooLarge(`The new text of ${pathOf(place)} has more than ${MAX_BYTES} bytes`);
  return bytes;
}

function linesIn(text: string): number {
  let lines = text === '' || text.endsWith('\n') ? 0 : 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

const pathOf = (place: Place): string => shown(place.asked.join('/'));

function kindOf({ seen }: Place): string {
  if (seen?.isDirectory()) return 'a folder';
  return seen?.isFIFO() ? 'a named pipe' : 'a device or a socket';
}

const notText = (what: string): RoleRefused =>
  new RoleRefused('file-not-text', `${what}, so that it is no text.`, 'Only text files can be read and written here.');

const tooLarge = (what: string): RoleRefused =>
  new RoleRefused('file-too-large', `${what}.`, 'Take another file, or do it in smaller pieces.');
