import { RestoreDBInstanceToPointInTimeCommand } from '@aws-sdk/client-rds';
import type { DatabaseRestore } from './database-restore';
import {
  assertAskedTwice,
  findInstance,
  type Reached,
  RESTORE_TIMEOUT_SECONDS,
  untilAvailable,
} from './restored-instance';
import { serverGroups } from './server-groups';
import { isNamed } from './steps';
import { tagOf } from './surroundings';

/**
 * Restores an automated backup of an RDS instance to the moment chosen; see `restoreDatabase`: a replica at the DR site, the source's
 * own in the primary Region. Port and storage are those of its source, and the class where the plan gives drills none; of the
 * source nothing needs to be there any more. RDS makes the instance with the drill's tag, so that clean-up knows it from its
 * first moment.
 */
export async function restoreAutomatedBackup({
  context,
  journal,
  surroundings,
  entry,
  identifier,
  point,
}: DatabaseRestore): Promise<Reached> {
  const { aws, settings, mode } = surroundings;
  const { parameterGroup, optionGroup, warnings } = serverGroups(entry, settings.site);
  await journal.step(context, `start restore of ${entry.name}`, async () => {
    try {
      await aws.rds.send(
        new RestoreDBInstanceToPointInTimeCommand({
          ...(point.technique === 'backup-continuous'
            ? { SourceDbiResourceId: point.id }
            : { SourceDBInstanceAutomatedBackupsArn: point.id }),
          TargetDBInstanceIdentifier: identifier,
          // RDS wants a moment before the latest one: the latest itself has a parameter of its own.
          ...(point.latest ? { UseLatestRestorableTime: true } : { RestoreTime: new Date(point.moment) }),
          DBSubnetGroupName: settings.dbSubnetGroup,
          VpcSecurityGroupIds: [settings.dbSecurityGroupId],
          ...(mode === 'drill' ? { MultiAZ: false } : {}),
          ...(mode === 'drill' && entry.drillInstanceClass !== undefined
            ? { DBInstanceClass: entry.drillInstanceClass }
            : {}),
          ...(parameterGroup === undefined ? {} : { DBParameterGroupName: parameterGroup }),
          ...(optionGroup === undefined ? {} : { OptionGroupName: optionGroup }),
          PubliclyAccessible: false,
          // What is kept is production: it must not be deleted by mistake.
          DeletionProtection: mode === 'recover',
          Tags: [tagOf(surroundings)],
        }),
      );
    } catch (error) {
      if (!isNamed(error, 'DBInstanceAlreadyExists')) throw error;
      await assertAskedTwice(surroundings, 'DB instance', identifier, await findInstance(aws.rds, identifier));
    }
    return null;
  });
  const step = `restore of ${entry.name}`;
  const reached = await untilAvailable(context, journal, aws.rds, step, RESTORE_TIMEOUT_SECONDS, identifier);
  return { ...reached, warnings };
}
