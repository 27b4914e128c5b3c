import { type BackupClient, paginateListRestoreJobs, type RestoreJobsListMember } from '@aws-sdk/client-backup';
import {
  AddTagsToResourceCommand,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  paginateDescribeDBClusters,
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
  /** Asks the adopt function to remove what AWS Backup restored before this moment (ISO 8601) and nobody took. */
  readonly sweepRecoveryDirectories: (before: string) => Promise<SweepResult>;
  /** Stops booted copies of drills that began before this moment (milliseconds since 1970), and tells of each. */
  readonly stopTasks: (startedBefore: number, onStopped: (what: string) => void) => Promise<void>;
  readonly restoreRoleArn: string;
  readonly dbSubnetGroup: string;
  readonly timeoutSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Removes what dead drills left, as much as it can. May be repeated at any time, and run beside itself: what is in the middle of
 * something waits for the next run, and what another run removed meanwhile is that run's to tell.
 */
export async function reap(surroundings: ReaperSurroundings): Promise<ReapResult> {
  const { now, timeoutSeconds } = surroundings;
  const startedBefore = now - timeoutSeconds * 1000;
  const removed: string[] = [];
  const waiting: string[] = [];
  const failed: string[] = [];
  const attempt = async (what: string, run: () => Promise<void>) => {
    try {
      await run();
    } catch (error) {
      failed.push(`${what}: ${describeError(error)}`);
    }
  };

  await attempt('tasks of Identity Server', () =>
    surroundings.stopTasks(startedBefore, (what) => void removed.push(what)),
  );
  const reapAll = async (kind: string, find: () => Promise<Dead[]>) =>
    attempt(`${kind}s`, async () => {
      for (const { arn, identifier, status, hasMembers = false, remove } of await find()) {
        const what = `${kind} ${identifier}`;
        await attempt(what, async () => {
          const isOurs = await isOfDrill(surroundings, arn, identifier);
          if (isOurs === 'gone') return;
          if (!isOurs) {
            waiting.push(`${what} carries no tag ${DRILL_TAG}: look who made it`);
            return;
          }
          const outcome = status === 'deleting' ? 'busy' : await remove();
          if (outcome === 'removed') removed.push(what);
          if (outcome === 'busy') waiting.push(`${what} is ${status}${hasMembers ? ', and has instances still' : ''}`);
        });
      }
    });

  // Instances first: a cluster that has one waits for the next run.
  await reapAll('DB instance', () => deadInstances(surroundings, startedBefore));
  await reapAll('DB cluster', () => deadClusters(surroundings, startedBefore));
  await attempt('restored files', async () => {
    const { folders } = await surroundings.sweepFolders(new Date(startedBefore).toISOString());
    removed.push(...folders.map((folder) => `folder ${folder} on the restore volume`));
  });
  await attempt('restored recovery points', async () => {
    const { folders } = await surroundings.sweepRecoveryDirectories(new Date(startedBefore).toISOString());
    removed.push(...folders.map((folder) => `directory ${folder} on the restore volume`));
  });

  return { removed, waiting, failed };
}

/** Busy: RDS is still making or changing it, and deletes it later. Gone: by somebody else, meanwhile. */
type Removal = 'removed' | 'busy' | 'gone';

interface Dead {
  readonly arn: string;
  readonly identifier: string;
  readonly status: string;
  /** Of a cluster: RDS deletes it when they are gone. */
  readonly hasMembers?: boolean;
  readonly remove: () => Promise<Removal>;
}

async function deadInstances({ rds, dbSubnetGroup }: ReaperSurroundings, startedBefore: number): Promise<Dead[]> {
  const dead: Dead[] = [];
  for await (const { DBInstances } of paginateDescribeDBInstances({ client: rds }, {})) {
    for (const {
      DBInstanceArn: arn = '',
      DBInstanceIdentifier: identifier = '',
      DBInstanceStatus: status = '',
      DBSubnetGroup,
      DBClusterIdentifier,
      Engine = '',
    } of DBInstances ?? []) {
      if (!isDead(identifier, DBSubnetGroup?.DBSubnetGroupName, dbSubnetGroup, startedBefore)) continue;
      // RDS deletes the instances of a Multi-AZ DB cluster with it, and none alone.
      if (DBClusterIdentifier && !Engine.startsWith('aurora')) continue;
      // Snapshots and backups of a member are its cluster's.
      const own = DBClusterIdentifier ? {} : { SkipFinalSnapshot: true, DeleteAutomatedBackups: true };
      const command = new DeleteDBInstanceCommand({ DBInstanceIdentifier: identifier, ...own });
      dead.push({ arn, identifier, status, remove: () => removalOf(rds.send(command), 'DBInstance') });
    }
  }
  return dead;
}

async function deadClusters({ rds, dbSubnetGroup }: ReaperSurroundings, startedBefore: number): Promise<Dead[]> {
  const dead: Dead[] = [];
  for await (const { DBClusters } of paginateDescribeDBClusters({ client: rds }, {})) {
    for (const {
      DBClusterArn: arn = '',
      DBClusterIdentifier: identifier = '',
      Status: status = '',
      DBSubnetGroup,
      DBClusterMembers = [],
    } of DBClusters ?? []) {
      if (!isDead(identifier, DBSubnetGroup, dbSubnetGroup, startedBefore)) continue;
      const command = new DeleteDBClusterCommand({
        DBClusterIdentifier: identifier,
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: true,
      });
      const hasMembers = DBClusterMembers.length > 0;
      dead.push({ arn, identifier, status, hasMembers, remove: () => removalOf(rds.send(command), 'DBCluster') });
    }
  }
  return dead;
}

/** In the site's subnets, named as a drill names what it restores, and older than that drill can be alive. */
function isDead(identifier: string, subnetGroup: string | undefined, dbSubnetGroup: string, startedBefore: number) {
  // RDS keeps names in lower case.
  if (subnetGroup?.toLowerCase() !== dbSubnetGroup.toLowerCase()) return false;
  const start = startOfDrill(drillIdIn(identifier));
  return start !== undefined && start <= startedBefore;
}

/** `drill-20261124t042500-1a2b3c4d-1-database` */
const drillIdIn = (identifier: string) => identifier.split('-').slice(0, 3).join('-');

/** The tag decides; where it is missing, the job that made it. */
async function isOfDrill(surroundings: ReaperSurroundings, arn: string, identifier: string): Promise<boolean | 'gone'> {
  const { rds } = surroundings;
  const drillId = drillIdIn(identifier);
  try {
    const tag = (await tagsOf(rds, arn)).get(DRILL_TAG);
    if (tag !== undefined) return tag === drillId;
    if (!(await wasRestored(surroundings, arn))) return false;
    await rds.send(new AddTagsToResourceCommand({ ResourceName: arn, Tags: [{ Key: DRILL_TAG, Value: drillId }] }));
    return true;
  } catch (error) {
    if (isNamed(error, 'DBInstanceNotFound') || isNamed(error, 'DBClusterNotFound')) return 'gone';
    throw error;
  }
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

async function removalOf(deletion: Promise<unknown>, kind: 'DBInstance' | 'DBCluster'): Promise<Removal> {
  try {
    await deletion;
    return 'removed';
  } catch (error) {
    if (isNamed(error, `${kind}NotFound`)) return 'gone';
    if (isNamed(error, `Invalid${kind}State`)) return 'busy';
    throw error;
  }
}
