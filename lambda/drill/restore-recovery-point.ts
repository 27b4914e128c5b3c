import {
  DescribeRestoreJobCommand,
  GetRecoveryPointRestoreMetadataCommand,
  StartRestoreJobCommand,
} from '@aws-sdk/client-backup';
import { AddTagsToResourceCommand } from '@aws-sdk/client-rds';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseEntry } from '../../lib/planning/plan-document';
import type { ChosenPoint } from './choose-recovery-set';
import { type Reached, RESTORE_TIMEOUT_SECONDS, untilAvailable } from './restored-instance';
import { restoreMetadataOf } from './restore-metadata';
import { type Surroundings, tagOf } from './surroundings';
import { DrillError, type Journal } from './steps';

const AVAILABLE_TIMEOUT_SECONDS = 2 * 3600;

/** Restores a recovery point of AWS Backup; see `restoreDatabase`. */
export async function restoreRecoveryPoint(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  entry: DatabaseEntry,
  identifier: string,
  point: ChosenPoint,
  onStarted: (restoreJobId: string) => void,
): Promise<Reached> {
  const { aws, settings, mode } = surroundings;
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
          mode,
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
      .send(new AddTagsToResourceCommand({ ResourceName: instanceArn, Tags: [tagOf(surroundings)] }))
      .then(() => null),
  );

  return untilAvailable(context, journal, aws.rds, `${entry.name} available`, AVAILABLE_TIMEOUT_SECONDS, identifier);
}
