/** The engine as the tests call it. */
import { join } from 'node:path';
import {
  DirectoryVolume,
  exportVolume,
  type ExportOptions,
  type ExportOutcome,
  type ObjectStore,
  restorePoint,
  type RestoreOptions,
} from '../../../../lambda/archive';
import { assertSameTree, temporaryFolder } from './trees';

/** Far from the clock of this machine, so that every file has settled. */
export const MONDAY = new Date('2099-01-05T10:00:00Z');
const HOUR_MS = 3600 * 1000;
export const hoursLater = (hours: number) => new Date(MONDAY.getTime() + hours * HOUR_MS);
export const daysLater = (days: number) => hoursLater(days * 24);

export const exportTree = (
  root: string,
  store: ObjectStore,
  { at = MONDAY, ...more }: Partial<ExportOptions> & { readonly at?: Date } = {},
): Promise<ExportOutcome> =>
  exportVolume({
    volume: new DirectoryVolume(root),
    store,
    volumeName: 'repository',
    mountedAt: 'repository',
    now: () => at,
    threads: 0,
    ...more,
  });

/** Restores into a new directory and gives its path. */
export async function restoreTree(
  store: ObjectStore,
  manifestKey: string,
  more: Partial<RestoreOptions> = {},
): Promise<string> {
  const target = join(temporaryFolder(), 'restored');
  await restorePoint({ store, manifestKey, target, threads: 0, sync: false, ...more });
  return target;
}

export async function assertRestores(store: ObjectStore, manifestKey: string, root: string): Promise<void> {
  assertSameTree(await restoreTree(store, manifestKey), root, manifestKey);
}
