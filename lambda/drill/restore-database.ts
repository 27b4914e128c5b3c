import {
  DescribeRestoreJobCommand,
  GetRecoveryPointRestoreMetadataCommand,
  StartRestoreJobCommand,
} from '@aws-sdk/client-backup';
import { AddTagsToResourceCommand, DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseEntry } from '../../lib/planning/plan-document';
import { DRILL_TAG } from '../../lib/private/bucket-layout';
import type { ChosenPoint } from './choose-recovery-set';
import type { Surroundings } from './surroundings';
import { restoreMetadataOf } from './restore-metadata';
import { DrillError, type Journal } from './steps';

/** A large database takes hours; twice a usual RTO is when nobody waits for it any more. */
const RESTORE_TIMEOUT_SECONDS = 8 * 3600;
const AVAILABLE_TIMEOUT_SECONDS = 2 * 3600;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Restores one recovery point to a new DB instance and waits until it can be reached.
 *
 * `onStarted` gets the restore job's id as soon as there is one: clean-up needs it whatever happens after.
 */
export async function restoreDatabase(
  context: DurableContext,
  journal: Journal,
  { aws, settings, drillId }: Surroundings,
  entry: DatabaseEntry,
  identifier: string,
  point: ChosenPoint,
  onStarted: (restoreJobId: string) => void,
): Promise<Endpoint> {
  if (entry.kind !== 'rds-instance') {
    throw new DrillError(
      `${entry.name} is of kind ${entry.kind}, which this release cannot restore: it can rds-instance`,
    );
  }

  const restoreJobId = await journal.step(context, `start restore of ${entry.name}`, async () => {
    const noted = await aws.backup.send(
      new GetRecoveryPointRestoreMetadataCommand({ BackupVaultName: settings.vaultName, RecoveryPointArn: point.id }),
    );
    const { RestoreJobId } = await aws.backup.send(
      new StartRestoreJobCommand({
        RecoveryPointArn: point.id,
        IamRoleArn: settings.restoreRoleArn,
        // Asked twice (a crash before the checkpoint), AWS Backup answers with the job that it has already.
        IdempotencyToken: identifier,
        ResourceType: 'RDS',
        Metadata: restoreMetadataOf(noted.RestoreMetadata ?? {}, {
          identifier,
          subnetGroup: settings.dbSubnetGroup,
          securityGroupId: settings.dbSecurityGroupId,
        }),
      }),
    );
    if (RestoreJobId === undefined) throw new DrillError('AWS Backup gave no restore job');
    return RestoreJobId;
  });
  onStarted(restoreJobId);

  const instanceArn = await journal.wait(context, `restore of ${entry.name}`, RESTORE_TIMEOUT_SECONDS, async () => {
    const job = await aws.backup.send(new DescribeRestoreJobCommand({ RestoreJobId: restoreJobId }));
    if (job.Status === 'FAILED' || job.Status === 'ABORTED') {
      throw new DrillError(`restore job ${restoreJobId} ${job.Status}: ${job.StatusMessage ?? 'no reason given'}`);
    }
    return job.Status === 'COMPLETED' && job.CreatedResourceArn !== undefined
      ? { done: job.CreatedResourceArn }
      : { notYet: `restore job ${restoreJobId} is ${job.Status}` };
  });

  await journal.step(context, `tag restored ${entry.name}`, () =>
    aws.rds
      .send(new AddTagsToResourceCommand({ ResourceName: instanceArn, Tags: [{ Key: DRILL_TAG, Value: drillId }] }))
      .then(() => null),
  );

  return journal.wait<Endpoint>(context, `${entry.name} available`, AVAILABLE_TIMEOUT_SECONDS, async () => {
    const { DBInstances } = await aws.rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }));
    const { DBInstanceStatus: status, Endpoint: endpoint } = DBInstances?.[0] ?? {};
    if (status !== undefined && isDead(status)) throw new DrillError(`DB instance ${identifier} is ${status}`);
    return status === 'available' && endpoint?.Address !== undefined && endpoint.Port !== undefined
      ? { done: { host: endpoint.Address, port: endpoint.Port } }
      : { notYet: `DB instance ${identifier} is ${status ?? 'not there'}` };
  });
}

/** States of a DB instance out of which it does not come by itself. */
function isDead(status: string): boolean {
  return (
    ['failed', 'restore-error', 'inaccessible-encryption-credentials', 'deleting'].includes(status) ||
    status.startsWith('incompatible-')
  );
}
