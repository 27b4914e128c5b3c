import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { DescribeDBClustersCommand, type RDSClient } from '@aws-sdk/client-rds';
import type { DatabaseEntry } from '../../lib/planning/plan-document';
import type { DrillMode } from './contract';
import type { Endpoint } from './restored-instance';
import { DrillError, isNamed, type Journal } from './steps';

/** A small class that Aurora MySQL and Aurora PostgreSQL both have. */
export const SMALL_CLASS = 'db.t4g.medium';

/** Of the one instance of a restored cluster. What production has is not in a recovery point: the plan says it, if anything. */
export function instanceClassOf(
  { instanceClass, drillInstanceClass = SMALL_CLASS }: Pick<DatabaseEntry, 'instanceClass' | 'drillInstanceClass'>,
  mode: DrillMode,
): string {
  return mode === 'recover' ? (instanceClass ?? drillInstanceClass) : drillInstanceClass;
}

/** RDS: not more than 63 characters, no hyphen last, no two in a row. */
const MAX_IDENTIFIER_LENGTH = 63;
const SUFFIX = '-1';

/** Identifier of the one instance of a restored cluster. */
export const writerIdentifierOf = (clusterIdentifier: string): string =>
  clusterIdentifier.slice(0, MAX_IDENTIFIER_LENGTH - SUFFIX.length).replace(/-+$/, '') + SUFFIX;

/** Waits until instances can be created in the cluster. */
export function untilClusterAvailable(
  context: DurableContext,
  journal: Journal,
  rds: RDSClient,
  step: string,
  timeoutSeconds: number,
  identifier: string,
): Promise<Endpoint & { readonly engine: string }> {
  return journal.wait<Endpoint & { readonly engine: string }>(context, step, timeoutSeconds, async () => {
    const { DBClusters } = await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: identifier }));
    const { Status: status, Endpoint: host, Port: port, Engine: engine } = DBClusters?.[0] ?? {};
    if (status !== undefined && isDead(status)) throw new DrillError(`DB cluster ${identifier} is ${status}`);
    return status === 'available' && host !== undefined && port !== undefined && engine !== undefined
      ? { done: { host, port, engine } }
      : { notYet: `DB cluster ${identifier} is ${status ?? 'not there'}` };
  });
}

/** States of a DB cluster out of which it does not come by itself. */
const isDead = (status: string) =>
  ['deleting', 'failed', 'inaccessible-encryption-credentials', 'cloning-failed', 'migration-failed'].includes(status);

export async function findCluster(rds: RDSClient, identifier: string) {
  try {
    const { DBClusters } = await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: identifier }));
    const [cluster] = DBClusters ?? [];
    return cluster?.DBClusterArn === undefined
      ? undefined
      : { arn: cluster.DBClusterArn, status: cluster.Status ?? 'in an unknown state' };
  } catch (error) {
    if (isNamed(error, 'DBClusterNotFound')) return undefined;
    throw error;
  }
}
