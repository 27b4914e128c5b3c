import {
  type BackupClient,
  DescribeRestoreJobCommand,
  GetRecoveryPointRestoreMetadataCommand,
  StartRestoreJobCommand,
} from '@aws-sdk/client-backup';
import { AddTagsToResourceCommand } from '@aws-sdk/client-rds';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseRestore } from './database-restore';
import { RESTORE_TIMEOUT_SECONDS } from './restored-instance';
import type { NotedMetadata } from './noted-metadata';
import { serverGroups } from './server-groups';
import type { RestoredServer } from './restore-metadata';
import { tagOf } from './surroundings';
import { DrillError, type Journal } from './steps';

/** What a restore job of AWS Backup is told of the kind of database. */
export interface RestoreJob {
  /** As AWS Backup calls it: Multi-AZ clusters are of the type of instances. */
  readonly resourceType: 'RDS' | 'Aurora';
  readonly metadataOf: (noted: NotedMetadata, server: RestoredServer) => Record<string, string>;
  /** Of an instance, or of each of a Multi-AZ cluster, in place of that of production. */
  readonly instanceClass?: string;
}

/**
 * Starts the job, waits for its end, and puts the tag onto what it made.
 *
 * @returns what is to be said of the groups of the server
 */
export async function runRestoreJob(
  { context, journal, surroundings, entry, identifier, point, onStarted }: DatabaseRestore,
  { resourceType, metadataOf, instanceClass }: RestoreJob,
): Promise<readonly string[]> {
  const { aws, settings, mode } = surroundings;
  const { restoreJobId, warnings } = await journal.step(context, `start restore of ${entry.name}`, async () => {
    const { RestoreMetadata: noted = {} } = await aws.backup.send(
      new GetRecoveryPointRestoreMetadataCommand({ BackupVaultName: settings.vaultName, RecoveryPointArn: point.id }),
    );
    const groups = serverGroups(entry, settings.site, noted);
    const { RestoreJobId } = await aws.backup.send(
      new StartRestoreJobCommand({
        RecoveryPointArn: point.id,
        IamRoleArn: settings.restoreRoleArn,
        // Asked twice (a crash before the checkpoint), AWS Backup answers with the job that it has already.
        IdempotencyToken: identifier,
        ResourceType: resourceType,
        Metadata: metadataOf(noted, {
          identifier,
          subnetGroup: settings.dbSubnetGroup,
          securityGroupId: settings.dbSecurityGroupId,
          mode,
          groups,
          ...(instanceClass === undefined ? {} : { instanceClass }),
        }),
      }),
    );
    if (RestoreJobId === undefined) throw new DrillError('AWS Backup gave no restore job');
    return { restoreJobId: RestoreJobId, warnings: groups.warnings };
  });
  onStarted(restoreJobId);
  const createdArn = await untilRestored(context, journal, aws.backup, entry.name, restoreJobId);

  await journal.step(context, `tag restored ${entry.name}`, () =>
    aws.rds
      .send(new AddTagsToResourceCommand({ ResourceName: createdArn, Tags: [tagOf(surroundings)] }))
      .then(() => null),
  );
  return warnings;
}

/** Waits for the end of a restore job; gives the ARN of what it made, or restored to. */
export function untilRestored(
  context: DurableContext,
  journal: Journal,
  backup: BackupClient,
  component: string,
  restoreJobId: string,
): Promise<string> {
  return journal.wait<string>(context, `restore of ${component}`, RESTORE_TIMEOUT_SECONDS, async () => {
    const job = await backup.send(new DescribeRestoreJobCommand({ RestoreJobId: restoreJobId }));
    if (job.Status === 'FAILED' || job.Status === 'ABORTED') {
      throw new DrillError(`restore job ${restoreJobId} ${job.Status}: ${job.StatusMessage ?? 'no reason given'}`);
    }
    return job.Status === 'COMPLETED' && job.CreatedResourceArn !== undefined
      ? { done: job.CreatedResourceArn }
      : { notYet: `restore job ${restoreJobId} is ${job.Status}` };
  });
}
