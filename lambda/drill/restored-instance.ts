import type { DurableContext } from '@aws/durable-execution-sdk-js';
import {
  type DBInstance,
  DescribeDBInstancesCommand,
  ListTagsForResourceCommand,
  type RDSClient,
} from '@aws-sdk/client-rds';
import type { RestoredSize } from './report/usage';
import { DrillError, isNamed, type Journal } from './steps';
import { type Surroundings, tagOf } from './surroundings';

/** A large database takes hours; twice a usual RTO is when nobody waits for it any more. */
export const RESTORE_TIMEOUT_SECONDS = 8 * 3600;

/** From there on to what can be reached: usually minutes. */
export const AVAILABLE_TIMEOUT_SECONDS = 2 * 3600;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What production needs and a drill does not. */
export interface Availability {
  /** It has a standby in another Availability Zone. */
  readonly multiAz: boolean;
  /** For how long RDS keeps automated backups of it; 0: it makes none. */
  readonly backupRetentionDays: number;
}

/** Where a restored instance is, and how large. */
export interface Reached extends Endpoint {
  /** For the estimate of the drill's cost. */
  readonly size: RestoredSize;
  /** Of an instance, as RDS made it. */
  readonly availability?: Availability;
  /** What is not as in production. */
  readonly warnings?: readonly string[];
}

/** Waits, as a step of this name, until the DB instance can be reached. */
export function untilAvailable(
  context: DurableContext,
  journal: Journal,
  rds: RDSClient,
  step: string,
  timeoutSeconds: number,
  identifier: string,
): Promise<Reached> {
  return journal.wait<Reached>(context, step, timeoutSeconds, async () => {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }));
    const [instance] = DBInstances ?? [];
    const { DBInstanceStatus: status, Endpoint: endpoint } = instance ?? {};
    if (status !== undefined && isDead(status)) throw new DrillError(`DB instance ${identifier} is ${status}`);
    return status === 'available' && endpoint?.Address !== undefined && endpoint.Port !== undefined
      ? {
          done: {
            host: endpoint.Address,
            port: endpoint.Port,
            size: sizeOf(instance),
            availability: availabilityOf(instance),
          },
        }
      : { notYet: `DB instance ${identifier} is ${status ?? 'not there'}` };
  });
}

function sizeOf(instance: DBInstance | undefined): RestoredSize {
  const { DBInstanceClass: instanceClass, AllocatedStorage: storageGib } = instance ?? {};
  return {
    ...(instanceClass === undefined ? {} : { instanceClass }),
    ...(storageGib === undefined ? {} : { storageGib }),
  };
}

const availabilityOf = (instance: DBInstance | undefined): Availability => ({
  multiAz: instance?.MultiAZ ?? false,
  backupRetentionDays: instance?.BackupRetentionPeriod ?? 0,
});

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

/** After a crash before the checkpoint the server is there already: it is the drill's own if it carries its tag. */
export async function assertAskedTwice(
  surroundings: Surroundings,
  what: 'DB instance' | 'DB cluster',
  identifier: string,
  found: { readonly arn: string } | undefined,
): Promise<void> {
  const { aws, settings } = surroundings;
  const { Key, Value } = tagOf(surroundings);
  if (found !== undefined && (await tagsOf(aws.rds, found.arn)).get(Key) === Value) return;
  throw new DrillError(
    `${what} ${identifier} is there already in ${settings.region}, and does not carry the tag ${Key}=${Value}: ` +
      'look who made it',
  );
}
