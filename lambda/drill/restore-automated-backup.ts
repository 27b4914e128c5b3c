import { RestoreDBInstanceToPointInTimeCommand } from '@aws-sdk/client-rds';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseEntry } from '../../lib/planning/plan-document';
import type { ChosenPoint } from './choose-recovery-set';
import { type Reached, findInstance, RESTORE_TIMEOUT_SECONDS, tagsOf, untilAvailable } from './restored-instance';
import { DrillError, isNamed, type Journal } from './steps';
import { type Surroundings, tagOf } from './surroundings';

/**
 * Restores a replicated automated backup to the moment chosen; see `restoreDatabase`. Class, port and storage are those of
 * its source, of which nothing needs to be there any more. RDS makes the instance with the drill's tag, so that clean-up
 * knows it from its first moment.
 */
export async function restoreAutomatedBackup(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  entry: DatabaseEntry,
  identifier: string,
  point: ChosenPoint,
): Promise<Reached> {
  const { aws, settings, mode } = surroundings;
  await journal.step(context, `start restore of ${entry.name}`, async () => {
    try {
      await aws.rds.send(
        new RestoreDBInstanceToPointInTimeCommand({
          SourceDBInstanceAutomatedBackupsArn: point.id,
          TargetDBInstanceIdentifier: identifier,
          // RDS wants a moment before the latest one: the latest itself has a parameter of its own.
          ...(point.latest ? { UseLatestRestorableTime: true } : { RestoreTime: new Date(point.moment) }),
          DBSubnetGroupName: settings.dbSubnetGroup,
          VpcSecurityGroupIds: [settings.dbSecurityGroupId],
          // What is kept is production: it must not be deleted by mistake.
          ...(mode === 'drill' ? { MultiAZ: false } : {}),
          PubliclyAccessible: false,
          DeletionProtection: mode === 'recover',
          Tags: [tagOf(surroundings)],
        }),
      );
    } catch (error) {
      if (!isNamed(error, 'DBInstanceAlreadyExists')) throw error;
      await assertAskedTwice(surroundings, identifier);
    }
    return null;
  });
  return untilAvailable(context, journal, aws.rds, `restore of ${entry.name}`, RESTORE_TIMEOUT_SECONDS, identifier);
}

/** After a crash before the checkpoint the instance is there already: it is the drill's own if it carries its tag. */
async function assertAskedTwice(surroundings: Surroundings, identifier: string): Promise<void> {
  const { aws, settings } = surroundings;
  const { Key, Value } = tagOf(surroundings);
  const found = await findInstance(aws.rds, identifier);
  if (found !== undefined && (await tagsOf(aws.rds, found.arn)).get(Key) === Value) return;
  throw new DrillError(
    `DB instance ${identifier} is there already in ${settings.region}, and does not carry the tag ${Key}=${Value}: ` +
      'look who made it',
  );
}
