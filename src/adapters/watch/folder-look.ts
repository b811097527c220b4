import { folderStamp, type Reports } from './reports.ts';

export interface FolderLook {
  readonly folder: string;
  readonly wanted: ReadonlySet<string>;
  readonly reports: Pick<Reports, 'lookIfChanged'>;
  /** Whether changes in the folder are not notified: then nothing is taken for granted. */
  readonly blind: () => boolean;
}

/**
 * A look at the wanted files of a folder, to be taken again and again. No file can have come into a folder that is as it
 * was, so that only those that were there are looked at then: of ten idle runs with nine files each, hardly any.
 */
export function folderLook({ folder, wanted, reports, blind }: FolderLook): () => Promise<void> {
  let last: { readonly stamp: string; readonly there: ReadonlySet<string> } = { stamp: '', there: new Set() };
  return async () => {
    const stamp = blind() ? '' : folderStamp(folder);
    const names = stamp !== '' && stamp === last.stamp ? last.there : wanted;
    const there = new Set<string>();
    const lookIfChanged = async (name: string): Promise<void> => {
      if (await reports.lookIfChanged(`${folder}/${name}`)) there.add(name);
    };
    await Promise.all([...names].map(lookIfChanged));
    last = { stamp, there };
  };
}
