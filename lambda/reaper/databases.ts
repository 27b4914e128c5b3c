import { type BackupClient, paginateListRestoreJobs, type RestoreJobsListMember } from '@aws-sdk/client-backup';
import {
  AddTagsToResourceCommand,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  paginateDescribeDBClusters,
  paginateDescribeDBInstances,
  type RDSClient,
} from '@aws-sdk/client-rds';
import { DRILL_TAG, TOLD_TAG } from '../../lib/private/bucket-layout';
import { startOfDrill } from '../drill/drill-id';
import { tagsOf } from '../drill/restored-instance';
import { isNamed } from '../drill/steps';
import type { Dead, Fate } from './leftover';

export interface DatabaseSurroundings {
  readonly rds: RDSClient;
  readonly backup: BackupClient;
  readonly restoreRoleArn: string;
  readonly dbSubnetGroup: string;
}

export async function deadInstances(surroundings: DatabaseSurroundings, startedBefore: number): Promise<Dead[]> {
  const { rds, dbSubnetGroup } = surroundings;
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
      dead.push(
        databaseOf(surroundings, {
          kind: 'DBInstance',
          arn,
          identifier,
          status,
          isRefused: status === 'available' ? 'its state changed meanwhile' : `it is ${status}`,
          askToDelete: () => rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: identifier, ...own })),
        }),
      );
    }
  }
  return dead;
}

export async function deadClusters(surroundings: DatabaseSurroundings, startedBefore: number): Promise<Dead[]> {
  const { rds, dbSubnetGroup } = surroundings;
  const dead: Dead[] = [];
  for await (const { DBClusters } of paginateDescribeDBClusters({ client: rds }, {})) {
    for (const {
      DBClusterArn: arn = '',
      DBClusterIdentifier: identifier = '',
      Status: status = '',
      DBSubnetGroup,
    } of DBClusters ?? []) {
      if (!isDead(identifier, DBSubnetGroup, dbSubnetGroup, startedBefore)) continue;
      const command = new DeleteDBClusterCommand({
        DBClusterIdentifier: identifier,
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: true,
      });
      dead.push(
        databaseOf(surroundings, {
          kind: 'DBCluster',
          arn,
          identifier,
          status,
          // Aurora's: those of a Multi-AZ DB cluster go with it.
          isRefused: status === 'available' ? 'its instances have to be gone first' : `it is ${status}`,
          askToDelete: () => rds.send(command),
        }),
      );
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

interface Database {
  readonly kind: 'DBInstance' | 'DBCluster';
  readonly arn: string;
  readonly identifier: string;
  readonly status: string;
  /** Why RDS does not delete it in the state in which it is. */
  readonly isRefused: string;
  readonly askToDelete: () => Promise<unknown>;
}

function databaseOf(surroundings: DatabaseSurroundings, database: Database): Dead {
  const { kind, identifier } = database;
  return {
    what: `${kind === 'DBInstance' ? 'DB instance' : 'DB cluster'} ${identifier}`,
    drillId: drillIdIn(identifier),
    remove: () => remove(surroundings, database),
  };
}

async function remove(surroundings: DatabaseSurroundings, database: Database): Promise<Fate | undefined> {
  const { kind, arn, status, identifier, isRefused, askToDelete } = database;
  const { rds } = surroundings;
  if (status === 'deleting') return { fate: 'waiting', why: 'it is being deleted' };
  try {
    const tags = await tagsOf(rds, arn);
    if (!(await isOfDrill(surroundings, arn, drillIdIn(identifier), tags))) {
      return { fate: 'left-alone', why: `it does not carry the tag ${DRILL_TAG} of that drill: look who made it` };
    }
    await askToDelete();
    return { fate: 'removed', told: tags.has(TOLD_TAG) };
  } catch (error) {
    // Another run was faster, and has told it.
    if (isNamed(error, `${kind}NotFound`)) return undefined;
    if (!isNamed(error, `Invalid${kind}State`)) throw error;
    return { fate: 'waiting', why: isRefused, mark: () => tag(rds, arn, TOLD_TAG, drillIdIn(identifier)) };
  }
}

/** The tag decides; where it is missing, the job that made it. */
async function isOfDrill(
  surroundings: DatabaseSurroundings,
  arn: string,
  drillId: string,
  tags: ReadonlyMap<string, string>,
): Promise<boolean> {
  const found = tags.get(DRILL_TAG);
  if (found !== undefined) return found === drillId;
  if (!(await wasRestored(surroundings, arn))) return false;
  await tag(surroundings.rds, arn, DRILL_TAG, drillId);
  return true;
}

const tag = (rds: RDSClient, ResourceName: string, Key: string, Value: string) =>
  rds.send(new AddTagsToResourceCommand({ ResourceName, Tags: [{ Key, Value }] }));

/** By a restore job with the site's role, which nobody but the drill passes on. */
async function wasRestored({ backup, restoreRoleArn }: DatabaseSurroundings, arn: string): Promise<boolean> {
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
