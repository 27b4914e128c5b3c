import { multiAzClusterMetadataOf } from './cluster-metadata';
import type { DatabaseRestore } from './database-restore';
import { untilClusterAvailable } from './restored-cluster';
import { AVAILABLE_TIMEOUT_SECONDS, type Reached } from './restored-instance';
import { runRestoreJob } from './restore-job';

/**
 * Restores a recovery point of an RDS Multi-AZ DB cluster; see `restoreDatabase`. RDS makes its three instances with it: none is
 * created here, and none can be deleted alone.
 */
export async function restoreMultiAzCluster(restore: DatabaseRestore): Promise<Reached> {
  const { context, journal, surroundings, entry, identifier } = restore;
  const { aws, mode } = surroundings;
  const instanceClass = mode === 'drill' ? entry.drillInstanceClass : entry.instanceClass;
  const warnings = await runRestoreJob(restore, {
    resourceType: 'RDS',
    metadataOf: multiAzClusterMetadataOf,
    ...(instanceClass === undefined ? {} : { instanceClass }),
  });
  const { host, port } = await untilClusterAvailable(
    context,
    journal,
    aws.rds,
    `${entry.name} available`,
    AVAILABLE_TIMEOUT_SECONDS,
    identifier,
  );
  return { host, port, size: instanceClass === undefined ? {} : { instanceClass }, warnings };
}
