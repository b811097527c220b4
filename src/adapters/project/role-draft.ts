import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../files/refused.ts';
import { removeIfThere } from '../../files/write-whole.ts';
import { shown } from './role-path.ts';
import { changed } from './role-refused.ts';
import { lookAt, mustStand, openFolder, type Folder, type Place } from './role-walk.ts';

/**
 * What a file is called until it is whole: in its own folder, so that it gets the group and the access list of that folder
 * and can be renamed. One name for each file, so that what a crash leaves is cleared by the next write. git is told to
 * ignore it (`DRAFTS` in `info/exclude`), so that it is never seen as a change.
 */
const draftOf = (name: string): string =>
  `.tmops-draft-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;

export const DRAFTS = '.tmops-draft-*';

/**
 * Puts these bytes in place at once, so that a reader sees the old file or the new one. A file that is there lends its mode
 * (not its set-user bits); another name that it has by a hard link keeps the old bytes. A new file gets 0666 less the umask,
 * as git does it: within the supervisor, whose umask is 077, it is the user's alone. Parent folders are made.
 * Throws where the file or its folder is not any more what `place` says; nothing was changed then.
 */
export async function putInPlace(place: Place, bytes: Buffer): Promise<void> {
  const made = await makeAbsent(place);
  const folder = made.at(-1) ?? place.folder;
  const draft = join(folder.at, draftOf(place.name));
  try {
    await removeIfThere(draft);
    await writeDraft(draft, bytes, place.seen);
    await mustBeAsSeen(place, folder);
    await rename(draft, join(folder.at, place.name));
  } catch (error) {
    await removeIfThere(draft);
    throw error;
  } finally {
    for (const { handle } of made) await handle.close();
  }
}

/** The last look before something is put in place or removed: the folder stands in the worktree, the file is the one that was read. */
export async function mustBeAsSeen(place: Place, folder: Folder): Promise<void> {
  const path = shown(place.asked.join('/'));
  await mustStand(folder, place.root, path);
  const now = await lookAt(folder, place.name);
  if (!isSame(now, place.seen)) throw changed(path);
}

function isSame(one: Stats | null, other: Stats | null): boolean {
  if (one === null || other === null) return one === other;
  const keys = ['dev', 'ino', 'mode', 'size', 'mtimeMs', 'ctimeMs'] as const;
  return keys.every((key) => one[key] === other[key]);
}

async function makeAbsent({ folder, above, absent, root }: Place): Promise<readonly Folder[]> {
  const made: Folder[] = [];
  try {
    for (const [index, name] of absent.entries()) {
      const at = join((made.at(-1) ?? folder).at, name);
      await mkdir(at).catch((error: unknown) => {
        // Somebody else was first; what it is the opening tells.
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      made.push(await openFolder(at, join(root, ...above, ...absent.slice(0, index + 1))));
    }
    return made;
  } catch (error) {
    for (const { handle } of made) await handle.close();
    throw error;
  }
}

const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

async function writeDraft(draft: string, bytes: Buffer, old: Stats | null): Promise<void> {
  const handle: FileHandle = await open(draft, NEW, old === null ? 0o666 : 0o600);
  try {
    await handle.writeFile(bytes);
    if (old !== null) await handle.chmod(old.mode & 0o777);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
