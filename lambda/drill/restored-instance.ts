import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { DescribeDBInstancesCommand, ListTagsForResourceCommand, type RDSClient } from '@aws-sdk/client-rds';
import { DrillError, isNamed, type Journal } from './steps';

/** A large database takes hours; twice a usual RTO is when nobody waits for it any more. */
export const RESTORE_TIMEOUT_SECONDS = 8 * 3600;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Waits, as a step of this name, until the DB instance can be reached. */
export function untilAvailable(
  context: DurableContext,
  journal: Journal,
  rds: RDSClient,
  step: string,
  timeoutSeconds: number,
  identifier: string,
): Promise<Endpoint> {
  return journal.wait<Endpoint>(context, step, timeoutSeconds, async () => {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }));
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

export async function findInstance(rds: RDSClient, identifier: string) {
  try {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }));
    const [instance] = DBInstances ?? [];
    return instance?.DBInstanceArn === undefined
      ? undefined
      : { arn: instance.DBInstanceArn, status: instance.DBInstanceStatus ?? 'in an unknown state' };
  } catch (error) {
    if (isNamed(error, 'DBInstanceNotFound')) return undefined;
    throw error;
  }
}

/** Tags of an instance or a cluster. */
export async function tagsOf(rds: RDSClient, arn: string): Promise<ReadonlyMap<string, string>> {
  const { TagList } = await rds.send(new ListTagsForResourceCommand({ ResourceName: arn }));
  return new Map(TagList?.flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? ''] as const])));
}
