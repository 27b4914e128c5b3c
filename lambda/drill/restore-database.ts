import type { DatabaseRestore } from './database-restore';
import { restoreAutomatedBackup } from './restore-automated-backup';
import { restoreCluster, restoreClusterToMoment } from './restore-cluster';
import { restoreMultiAzCluster } from './restore-multi-az-cluster';
import { offersWindow } from './restorable-window';
import { restoreRecoveryPoint } from './restore-recovery-point';
import type { Reached } from './restored-instance';

/** Restores what was chosen to a new DB instance or cluster and waits until it can be reached. */
export async function restoreDatabase(restore: DatabaseRestore): Promise<Reached> {
  const { entry, point } = restore;
  if (entry.kind === 'multi-az-cluster') {
    // AWS Backup keeps no continuous backup of one: the plan offers no window.
    return restoreMultiAzCluster(restore);
  }
  if (entry.kind === 'aurora-cluster') {
    return offersWindow(point.technique) ? restoreClusterToMoment(restore) : restoreCluster(restore);
  }
  return offersWindow(point.technique) ? restoreAutomatedBackup(restore) : restoreRecoveryPoint(restore);
}
