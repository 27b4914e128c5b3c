import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseEntry } from '../../lib/planning/plan-document';
import type { ChosenPoint } from './choose-recovery-set';
import { restoreAutomatedBackup } from './restore-automated-backup';
import { restoreCluster, restoreClusterToMoment } from './restore-cluster';
import { restoreMultiAzCluster } from './restore-multi-az-cluster';
import { offersWindow } from './restorable-window';
import { restoreRecoveryPoint } from './restore-recovery-point';
import type { Reached } from './restored-instance';
import type { Surroundings } from './surroundings';
import type { Journal } from './steps';

/**
 * Restores what was chosen to a new DB instance or cluster and waits until it can be reached.
 *
 * `onStarted` gets the id of AWS Backup's restore job, where there is one, as soon as it is known: clean-up needs it
 * whatever happens after.
 */
export async function restoreDatabase(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  entry: DatabaseEntry,
  identifier: string,
  point: ChosenPoint,
  onStarted: (restoreJobId: string) => void,
): Promise<Reached> {
  if (entry.kind === 'multi-az-cluster') {
    // AWS Backup keeps no continuous backup of one: the plan offers no window.
    return restoreMultiAzCluster(context, journal, surroundings, entry, identifier, point, onStarted);
  }
  if (entry.kind === 'aurora-cluster') {
    return offersWindow(point.technique)
      ? restoreClusterToMoment(context, journal, surroundings, entry, identifier, point)
      : restoreCluster(context, journal, surroundings, entry, identifier, point, onStarted);
  }
  return offersWindow(point.technique)
    ? restoreAutomatedBackup(context, journal, surroundings, entry, identifier, point)
    : restoreRecoveryPoint(context, journal, surroundings, entry, identifier, point, onStarted);
}
