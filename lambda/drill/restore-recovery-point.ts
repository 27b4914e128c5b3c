import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseEntry } from '../../lib/planning/plan-document';
import type { ChosenPoint } from './choose-recovery-set';
import { AVAILABLE_TIMEOUT_SECONDS, type Reached, untilAvailable } from './restored-instance';
import { runRestoreJob } from './restore-job';
import { restoreMetadataOf } from './restore-metadata';
import type { Surroundings } from './surroundings';
import type { Journal } from './steps';

/** Restores a recovery point of AWS Backup to a DB instance; see `restoreDatabase`. */
export async function restoreRecoveryPoint(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  entry: DatabaseEntry,
  identifier: string,
  point: ChosenPoint,
  onStarted: (restoreJobId: string) => void,
): Promise<Reached> {
  const { aws, mode } = surroundings;
  const warnings = await runRestoreJob(context, journal, surroundings, {
    entry,
    identifier,
    point,
    resourceType: 'RDS',
    metadataOf: restoreMetadataOf,
    ...(mode === 'drill' && entry.drillInstanceClass !== undefined ? { instanceClass: entry.drillInstanceClass } : {}),
    onStarted,
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
