import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { VolumeEntry } from '../../lib/planning/plan-document';
import { archivePrefix } from '../../lib/private/bucket-layout';
import type { RestoreEvent, RestoreResult } from '../restore/contract';
import type { ChosenPoint } from './choose-recovery-set';
import { restoreBackedUpVolume } from './restore-backed-up-volume';
import type { Surroundings } from './surroundings';
import type { Journal } from './steps';

/** Whether a volume comes back from the archive, and not from a recovery point. */
export const isArchived = ({ technique }: Pick<ChosenPoint, 'technique'>): boolean =>
  technique === 'artifact-export' || technique === 'artifact-export-replicated';

/** Puts one point onto the restore volume, at `<drillId>/<mountedAt>`. */
export async function restoreVolume(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  entry: VolumeEntry,
  point: ChosenPoint,
): Promise<RestoreResult> {
  if (!isArchived(point)) return restoreBackedUpVolume(context, journal, surroundings, entry, point);
  const { settings, drillId, deployment } = surroundings;
  const { result } = await journal.invoke<RestoreEvent, RestoreResult>(
    context,
    `restore of ${entry.name}`,
    settings.restoreFunction,
    {
      action: 'restore',
      archivePrefix: archivePrefix(deployment, entry.name),
      manifestKey: point.id,
      target: [drillId, entry.mountedAt].filter((part) => part !== '').join('/'),
    },
  );
  return result;
}

/**
 * Volumes that are mounted within one another come one after the other, the outer first, since a folder must be there
 * before something is mounted in it; all others may be restored at once.
 */
export function restoreGroups(volumes: readonly VolumeEntry[]): readonly (readonly VolumeEntry[])[] {
  const outerFirst = [...volumes].sort((a, b) => a.mountedAt.length - b.mountedAt.length);
  const groups: VolumeEntry[][] = [];
  for (const volume of outerFirst) {
    const home = groups.find(([outer]) => outer !== undefined && isWithin(volume.mountedAt, outer.mountedAt));
    if (home === undefined) groups.push([volume]);
    else home.push(volume);
  }
  return groups;
}

const isWithin = (path: string, folder: string) => folder === '' || path === folder || path.startsWith(`${folder}/`);
