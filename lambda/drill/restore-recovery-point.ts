import type { DatabaseRestore } from './database-restore';
import { AVAILABLE_TIMEOUT_SECONDS, type Reached, untilAvailable } from './restored-instance';
import { runRestoreJob } from './restore-job';
import { restoreMetadataOf } from './restore-metadata';

/** Restores a recovery point of AWS Backup to a DB instance; see `restoreDatabase`. */
export async function restoreRecoveryPoint(restore: DatabaseRestore): Promise<Reached> {
  const { context, journal, surroundings, entry, identifier } = restore;
  const { aws, mode } = surroundings;
  const warnings = await runRestoreJob(restore, {
    resourceType: 'RDS',
    metadataOf: restoreMetadataOf,
    ...(mode === 'drill' && entry.drillInstanceClass !== undefined ? { instanceClass: entry.drillInstanceClass } : {}),
  });
  const reached = await untilAvailable(
    context,
    journal,
    aws.rds,
    `${entry.name} available`,
    AVAILABLE_TIMEOUT_SECONDS,
    identifier,
  );
  return { ...reached, warnings };
}
