import { CreateDBInstanceCommand, RestoreDBClusterToPointInTimeCommand } from '@aws-sdk/client-rds';
import { clusterMetadataOf } from './cluster-metadata';
import type { DatabaseRestore } from './database-restore';
import { findCluster, instanceClassOf, untilClusterAvailable, writerIdentifierOf } from './restored-cluster';
import {
  assertAskedTwice,
  AVAILABLE_TIMEOUT_SECONDS,
  type Endpoint,
  findInstance,
  type Reached,
  RESTORE_TIMEOUT_SECONDS,
  untilAvailable,
} from './restored-instance';
import { runRestoreJob } from './restore-job';
import { serverGroups } from './server-groups';
import { isNamed } from './steps';
import { tagOf } from './surroundings';

/** Restores a recovery point of an Aurora cluster; see `restoreDatabase`. */
export async function restoreCluster(restore: DatabaseRestore): Promise<Reached> {
  const { context, journal, surroundings, entry, identifier } = restore;
  const warnings = await runRestoreJob(restore, {
    resourceType: 'Aurora',
    metadataOf: clusterMetadataOf,
  });
  const endpoint = await untilClusterAvailable(
    context,
    journal,
    surroundings.aws.rds,
    `cluster of ${entry.name} available`,
    AVAILABLE_TIMEOUT_SECONDS,
    identifier,
  );
  return { ...(await addInstance(restore, endpoint)), warnings };
}

/**
 * Restores a cluster to a moment that RDS keeps of it in its Region, also when it was deleted; see `restoreDatabase`. RDS makes it
 * with the drill's tag, with engine, version and port of its source.
 */
export async function restoreClusterToMoment(restore: DatabaseRestore): Promise<Reached> {
  const { context, journal, surroundings, entry, identifier, point } = restore;
  const { aws, settings, mode } = surroundings;
  const { parameterGroup, warnings } = serverGroups(entry, settings.site);
  await journal.step(context, `start restore of ${entry.name}`, async () => {
    try {
      await aws.rds.send(
        new RestoreDBClusterToPointInTimeCommand({
          SourceDbClusterResourceId: point.id,
          DBClusterIdentifier: identifier,
          ...(point.latest ? { UseLatestRestorableTime: true } : { RestoreToTime: new Date(point.moment) }),
          DBSubnetGroupName: settings.dbSubnetGroup,
          VpcSecurityGroupIds: [settings.dbSecurityGroupId],
          ...(parameterGroup === undefined ? {} : { DBClusterParameterGroupName: parameterGroup }),
          // What is kept is production: it must not be deleted by mistake.
          DeletionProtection: mode === 'recover',
          Tags: [tagOf(surroundings)],
        }),
      );
    } catch (error) {
      if (!isNamed(error, 'DBClusterAlreadyExists')) throw error;
      await assertAskedTwice(surroundings, 'DB cluster', identifier, await findCluster(aws.rds, identifier));
    }
    return null;
  });
  const endpoint = await untilClusterAvailable(
    context,
    journal,
    aws.rds,
    `restore of ${entry.name}`,
    RESTORE_TIMEOUT_SECONDS,
    identifier,
  );
  return { ...(await addInstance(restore, endpoint)), warnings };
}

/**
 * A restored cluster has no instances and answers nobody: one is created in it, with the drill's tag from its first moment. Where it
 * can be reached is the cluster's endpoint, which leads to its writer.
 */
async function addInstance(
  { context, journal, surroundings, entry, identifier }: DatabaseRestore,
  { engine, ...endpoint }: Endpoint & { readonly engine: string },
): Promise<Reached> {
  const { aws, settings, mode } = surroundings;
  const instanceIdentifier = writerIdentifierOf(identifier);
  const instanceClass = instanceClassOf(entry, mode);
  await journal.step(context, `create instance of ${entry.name}`, async () => {
    try {
      await aws.rds.send(
        new CreateDBInstanceCommand({
          DBInstanceIdentifier: instanceIdentifier,
          DBClusterIdentifier: identifier,
          DBInstanceClass: instanceClass,
          Engine: engine,
          DBSubnetGroupName: settings.dbSubnetGroup,
          PubliclyAccessible: false,
          Tags: [tagOf(surroundings)],
        }),
      );
    } catch (error) {
      if (!isNamed(error, 'DBInstanceAlreadyExists')) throw error;
      await assertAskedTwice(
        surroundings,
        'DB instance',
        instanceIdentifier,
        await findInstance(aws.rds, instanceIdentifier),
      );
    }
    return null;
  });
  await untilAvailable(
    context,
    journal,
    aws.rds,
    `${entry.name} available`,
    AVAILABLE_TIMEOUT_SECONDS,
    instanceIdentifier,
  );
  // Of Aurora's storage RDS says 1 GiB, whatever it is (API reference, `DBCluster`): nothing is said of it here.
  return { ...endpoint, size: { instanceClass } };
}
