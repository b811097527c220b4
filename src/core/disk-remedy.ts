/** What to do about a file or folder that the system refuses, with the command; `code` is the system's, e.g. `EACCES`. */
export function diskRemedy(code: string, path: string): string {
  return (REMEDIES[code] ?? OWNERSHIP)(shellQuoted(code === 'EACCES' ? wholeOf(path) : path));
}

/** What refuses may be any folder above, and the path itself may not be there. */
const wholeOf = (path: string): string => /^(?:.*\/)?\.tmops(?=\/)/.exec(path)?.[0] ?? path;

/** Codes by which the world refuses a file or folder: no bug of ours. */
export const isDiskCode = (code: string): boolean => code in REMEDIES;

const OWNERSHIP = (path: string): string => `See whose it is: ls -ld ${path}`;
const PERMISSION = (path: string): string =>
  `See whose it is: ls -ld ${path}; make it yours to write: chmod -R u+rwX ${path}, or: sudo chown -R "$(id -un)" ${path}`;

/** A link, a pipe or the like, which is never written through and never thrown away. */
const ASIDE = (path: string): string => `See what it is: ls -ld ${path}; put it aside: mv ${path} ${path}.aside`;

const REMEDIES: Readonly<Record<string, (path: string) => string>> = {
  EACCES: PERMISSION,
  EPERM: (path) => `${PERMISSION(path)}; where it may not be changed at all: sudo chattr -i ${path}`,
  EROFS: (path) =>
    `It is mounted read-only; see: findmnt -T ${path}; then: sudo mount -o remount,rw "$(findmnt -no TARGET -T ${path})"`,
  ENOSPC: (path) => `The disk is full; see: df -h ${path}`,
  EDQUOT: () => 'Your share of the disk is used up; see: quota',
  ENOTDIR: (path) => `It is no folder; see: ls -ld ${path}`,
  EIO: (path) => `The disk fails; see: dmesg, and: findmnt -T ${path}`,
  EFBIG: (path) => `It is too large; see: ls -l ${path}`,
  ENOTREGULAR: ASIDE,
  ELEDAWAY: ASIDE,
  ELOOP: (path) => `It is a link, which is not followed; see: ls -l ${path}`,
};

const shellQuoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;
