import { CreateDBInstanceCommand } from '@aws-sdk/client-rds';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseEntry } from '../../lib/planning/plan-document';
import type { ChosenPoint } from './choose-recovery-set';
import { clusterMetadataOf } from './cluster-metadata';
import { instanceClassOf, untilClusterAvailable, writerIdentifierOf } from './restored-cluster';
import { assertAskedTwice, AVAILABLE_TIMEOUT_SECONDS, type Reached, untilAvailable } from './restored-instance';
import { runRestoreJob } from './restore-job';
import { isNamed, type Journal } from './steps';
import { type Surroundings, tagOf } from './surroundings';

/**
 * Restores a recovery point of an Aurora cluster; see `restoreDatabase`. AWS Backup makes a cluster without instances, which
 * answers nobody: one instance is created in it, with the drill's tag from its first moment. Where it can be reached is the
 * cluster's endpoint, which leads to its writer.
 */
export async function restoreCluster(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  entry: DatabaseEntry,
  identifier: string,
  point: ChosenPoint,
  onStarted: (restoreJobId: string) => void,
): Promise<Reached> {
  const { aws, settings, mode } = surroundings;
  const instanceIdentifier = writerIdentifierOf(identifier);
  const instanceClass = instanceClassOf(entry, mode);
  const warnings = await runRestoreJob(context, journal, surroundings, {
    entry,
    identifier,
    point,
    resourceType: 'Aurora',
    metadataOf: clusterMetadataOf,
    onStarted,
  });
  const { engine, ...endpoint } = await untilClusterAvailable(
    context,
    journal,
    aws.rds,
    `cluster of ${entry.name} available`,
    identifier,
  );
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
      await assertAskedTwice(surroundings, instanceIdentifier);
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
  return { ...endpoint, size: { instanceClass }, warnings };
}
