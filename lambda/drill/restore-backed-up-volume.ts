import { GetRecoveryPointRestoreMetadataCommand, StartRestoreJobCommand } from '@aws-sdk/client-backup';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { VolumeEntry } from '../../lib/planning/plan-document';
import type {
  AdoptEvent,
  RecoveryDirectoriesEvent,
  RecoveryDirectoriesResult,
  RestoreResult,
} from '../restore/contract';
import type { ChosenPoint } from './choose-recovery-set';
import { notedValues } from './noted-metadata';
import { untilRestored } from './restore-job';
import type { Surroundings } from './surroundings';
import { DrillError, type Journal } from './steps';

/**
 * Restores a recovery point of AWS Backup to the restore volume: into a directory of its own at the root, out of which it is moved to
 * where drills have it. Of several volumes one after the other: the directories do not say whose they are.
 */
export async function restoreBackedUpVolume(
  context: DurableContext,
  journal: Journal,
  { aws, settings, drillId }: Surroundings,
  entry: VolumeEntry,
  point: ChosenPoint,
): Promise<RestoreResult> {
  const path = entry.path ?? '/';
  const { result: before } = await journal.invoke<RecoveryDirectoriesEvent, RecoveryDirectoriesResult>(
    context,
    `look at the restore volume for ${entry.name}`,
    settings.adoptFunction,
    { action: 'recovery-directories' },
  );
  const restoreJobId = await journal.step(context, `start restore of ${entry.name}`, async () => {
    const { RestoreMetadata: noted = {} } = await aws.backup.send(
      new GetRecoveryPointRestoreMetadataCommand({ BackupVaultName: settings.vaultName, RecoveryPointArn: point.id }),
    );
    const { RestoreJobId } = await aws.backup.send(
      new StartRestoreJobCommand({
        RecoveryPointArn: point.id,
        IamRoleArn: settings.restoreRoleArn,
        // Asked twice (a crash before the checkpoint), AWS Backup answers with the job that it has already.
        IdempotencyToken: `${drillId}-${entry.name}`,
        ResourceType: 'EFS',
        Metadata: {
          ...notedValues(noted, ['PerformanceMode']),
          'file-system-id': settings.restoreFileSystemId,
          newFileSystem: 'false',
          Encrypted: 'true',
          ...(path === '/' ? {} : { ItemsToRestore: JSON.stringify([path]) }),
        },
      }),
    );
    if (RestoreJobId === undefined) throw new DrillError('AWS Backup gave no restore job');
    return RestoreJobId;
  });
  await untilRestored(context, journal, aws.backup, entry.name, restoreJobId);
  const { result } = await journal.invoke<AdoptEvent, RestoreResult>(
    context,
    `move ${entry.name} up`,
    settings.adoptFunction,
    {
      action: 'adopt',
      before: before.names,
      path,
      target: [settings.restoreRoot, drillId, entry.mountedAt]
        .flatMap((part) => part.split('/'))
        .filter((part) => part !== '')
        .join('/'),
      ...settings.restoreOwner,
    },
  );
  return result;
}
