import { type BackupClient, paginateListRestoreJobs, type RestoreJobsListMember } from '@aws-sdk/client-backup';
import {
  AddTagsToResourceCommand,
  type DBInstance,
  DeleteDBInstanceCommand,
  paginateDescribeDBInstances,
  type RDSClient,
} from '@aws-sdk/client-rds';
import { DRILL_TAG } from '../../lib/private/bucket-layout';
import { startOfDrill } from '../drill/drill-id';
import { tagsOf } from '../drill/restored-instance';
import { describeError, isNamed } from '../drill/steps';
import type { SweepResult } from '../restore/contract';
import type { ReapResult } from './contract';

export interface ReaperSurroundings {
  readonly rds: RDSClient;
  readonly backup: BackupClient;
  /** Asks the restore function to remove the folders of drills that began before this moment (ISO 8601). */
  readonly sweepFolders: (startedBefore: string) => Promise<SweepResult>;
  /** Stops booted copies of drills that began before this moment (milliseconds since 1970); says what it stopped. */
  readonly stopTasks: (startedBefore: number) => Promise<readonly string[]>;
  readonly restoreRoleArn: string;
  readonly dbSubnetGroup: string;
  readonly timeoutSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Removes what dead drills left. May be repeated at any time; what is in the middle of something waits for the next run.
 *
 * @throws Error naming what could not be removed, after everything was tried
 */
export async function reap(surroundings: ReaperSurroundings): Promise<ReapResult> {
  const { now, timeoutSeconds } = surroundings;
  const startedBefore = now - timeoutSeconds * 1000;
  const removed: string[] = [];
  const waiting: string[] = [];
  const failures: string[] = [];
  const attempt = async (what: string, run: () => Promise<void>) => {
    try {
      await run();
    } catch (error) {
      failures.push(`${what}: ${describeError(error)}`);
    }
  };

  await attempt('tasks of Identity Server', async () => {
    removed.push(...(await surroundings.stopTasks(startedBefore)));
  });
  await attempt('DB instances', async () => {
    for (const instance of await deadInstances(surroundings, startedBefore)) {
      const { DBInstanceIdentifier: identifier = '', DBInstanceStatus: status = '' } = instance;
      await attempt(`DB instance ${identifier}`, async () => {
        if (!(await isOfDrill(surroundings, instance))) {
          waiting.push(`DB instance ${identifier} carries no tag ${DRILL_TAG}: look who made it`);
        } else if (status === 'deleting' || !(await remove(surroundings.rds, identifier))) {
          waiting.push(`DB instance ${identifier} is ${status}`);
        } else {
          removed.push(`DB instance ${identifier}`);
        }
      });
    }
  });
  await attempt('restored files', async () => {
    const { folders } = await surroundings.sweepFolders(new Date(startedBefore).toISOString());
    removed.push(...folders.map((folder) => `folder ${folder} on the restore volume`));
  });

  if (failures.length > 0) throw new Error(`the reaper could not remove everything: ${failures.join('; ')}`);
  return { removed, waiting };
}

/** In the site's subnets, named as a drill names what it restores, and older than that drill can be alive. */
async function deadInstances({ rds, dbSubnetGroup }: ReaperSurroundings, startedBefore: number): Promise<DBInstance[]> {
  const dead: DBInstance[] = [];
  for await (const { DBInstances } of paginateDescribeDBInstances({ client: rds }, {})) {
    dead.push(
      ...(DBInstances ?? []).filter(({ DBInstanceIdentifier, DBSubnetGroup }) => {
        // RDS keeps names in lower case.
        if (DBSubnetGroup?.DBSubnetGroupName?.toLowerCase() !== dbSubnetGroup.toLowerCase()) return false;
        const start = startOfDrill(drillIdIn(DBInstanceIdentifier));
        return start !== undefined && start <= startedBefore;
      }),
    );
  }
  return dead;
}

/** `drill-20261124t042500-1a2b3c4d-1-database` */
const drillIdIn = (identifier = '') => identifier.split('-').slice(0, 3).join('-');

/** The tag decides; where it is missing, the job that made the instance. */
async function isOfDrill(surroundings: ReaperSurroundings, instance: DBInstance): Promise<boolean> {
  const { rds } = surroundings;
  const { DBInstanceArn: arn = '', DBInstanceIdentifier: identifier } = instance;
  const drillId = drillIdIn(identifier);
  const tag = (await tagsOf(rds, arn)).get(DRILL_TAG);
  if (tag !== undefined) return tag === drillId;
  if (!(await wasRestored(surroundings, arn))) return false;
  await rds.send(new AddTagsToResourceCommand({ ResourceName: arn, Tags: [{ Key: DRILL_TAG, Value: drillId }] }));
  return true;
}

/** By a restore job with the site's role, which nobody but the drill passes on. */
async function wasRestored({ backup, restoreRoleArn }: ReaperSurroundings, arn: string): Promise<boolean> {
  for await (const { RestoreJobs } of paginateListRestoreJobs({ client: backup }, {})) {
    if (
      (RestoreJobs ?? []).some(
        ({ CreatedResourceArn, IamRoleArn }: RestoreJobsListMember) =>
          CreatedResourceArn === arn && IamRoleArn === restoreRoleArn,
      )
    )
      return true;
  }
  return false;
}

/** False: RDS is still making or changing it, and deletes it later. */
async function remove(rds: RDSClient, identifier: string): Promise<boolean> {
  try {
    await rds.send(
      new DeleteDBInstanceCommand({
        DBInstanceIdentifier: identifier,
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: true,
      }),
    );
    return true;
  } catch (error) {
    if (isNamed(error, 'DBInstanceNotFound')) return true;
    if (isNamed(error, 'InvalidDBInstanceState')) return false;
    throw error;
  }
}
