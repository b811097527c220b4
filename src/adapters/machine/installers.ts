import * as z from 'zod';

/** A package manager and how it installs without asking. Arguments come before the name of the package. */
const installer = z.strictObject({
  program: z.string(),
  needsRoot: z.boolean(),
  env: z.record(z.string(), z.string()),
  /** Arguments of a call that has to come first, e.g. to fetch the list of packages. */
  before: z.array(z.string()).nullable(),
  install: z.array(z.string()),
});

export type Installer = z.output<typeof installer>;

/** The text of `config/package-managers.json`, the preferred one first. Throws what zod says of any other text. */
export function readInstallers(text: string): readonly Installer[] {
  return z.array(installer).parse(JSON.parse(text));
}

export interface Rights {
  readonly isRoot: boolean;
  readonly hasSudo: boolean;
}

/** The words that install a package with the first of the managers that is present; null when none is. */
export function installWords(
  name: string,
  installers: readonly Installer[],
  present: ReadonlySet<string>,
  rights: Rights,
): string | null {
  const chosen = installers.find(({ program }) => present.has(program));
  if (!chosen) return null;
  const asRoot = chosen.needsRoot && !rights.isRoot;
  const calls = [...(chosen.before ? [chosen.before] : []), [...chosen.install, name]];
  const prefix = asRoot && rights.hasSudo ? 'sudo ' : '';
  const line = calls.map((args) => `${prefix}${chosen.program} ${args.join(' ')}`).join(' && ');
  return asRoot && !rights.hasSudo ? `su -c '${line}'` : line;
}
