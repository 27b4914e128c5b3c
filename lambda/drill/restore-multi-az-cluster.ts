import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseEntry } from '../../lib/planning/plan-document';
import type { ChosenPoint } from './choose-recovery-set';
import { multiAzClusterMetadataOf } from './cluster-metadata';
import { untilClusterAvailable } from './restored-cluster';
import { AVAILABLE_TIMEOUT_SECONDS, type Reached } from './restored-instance';
import { runRestoreJob } from './restore-job';
import type { Journal } from './steps';
import type { Surroundings } from './surroundings';

/**
 * Restores a recovery point of an RDS Multi-AZ DB cluster; see `restoreDatabase`. RDS makes its three instances with it: none is
 * created here, and none can be deleted alone.
 */
export async function restoreMultiAzCluster(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  entry: DatabaseEntry,
  identifier: string,
  point: ChosenPoint,
  onStarted: (restoreJobId: string) => void,
): Promise<Reached> {
  const { aws, mode } = surroundings;
  const instanceClass = mode === 'drill' ? entry.drillInstanceClass : entry.instanceClass;
  const warnings = await runRestoreJob(context, journal, surroundings, {
    entry,
    identifier,
    point,
    resourceType: 'RDS',
    metadataOf: multiAzClusterMetadataOf,
    ...(instanceClass === undefined ? {} : { instanceClass }),
    onStarted,
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
