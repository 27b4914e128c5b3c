import {
  type DBClusterAutomatedBackup,
  type DBInstanceAutomatedBackup,
  paginateDescribeDBClusterAutomatedBackups,
  paginateDescribeDBInstanceAutomatedBackups,
  type RDSClient,
  type RestoreWindow,
} from '@aws-sdk/client-rds';
import type { DatabaseEntry, RecoveryPlanDocument, Site } from '../../lib/planning/plan-document';
import type { RestorableWindow } from './restorable-window';

/** By which RDS restores to any moment at a site: its replicas there; in the primary Region what it keeps of the source itself. */
const TECHNIQUES = { 'dr-site': 'rds-automated-backup-replication', 'in-region': 'backup-continuous' } as const;

/**
 * The automated backups that RDS has in this Region, by component; of the databases whose plan counts on them. Continuous backup
 * of AWS Backup is nothing else: RDS's own, which AWS Backup switches on and keeps.
 *
 * All of the Region are listed and told apart by the ARN of their source: that an ARN of another Region can be filtered by
 * is not documented, and there are few. A source that was deleted and made again under the same name has two, of which one is
 * retained.
 */
export async function findAutomatedBackups(
  plan: RecoveryPlanDocument,
  at: Site,
  rds: RDSClient,
): Promise<ReadonlyMap<string, readonly RestorableWindow[]>> {
  const planned = plan.databases.filter(({ name }) =>
    plan.plan.some(
      ({ component, site, technique }) => component === name && site === at && technique === TECHNIQUES[at],
    ),
  );
  const [instances, clusters] = await Promise.all([
    planned.some(isInstance) ? instanceBackups(rds) : [],
    planned.every(isInstance) ? [] : clusterBackups(rds),
  ]);
  return new Map(
    planned.map((database) => {
      const own = isInstance(database)
        ? instances
            .filter(({ DBInstanceArn }) => DBInstanceArn === database.resourceArn)
            .map((each) => ofInstance(each, at))
        : clusters.filter(({ DBClusterArn }) => DBClusterArn === database.resourceArn).map(ofCluster);
      const windows = own.flatMap((backup) => windowOf(backup, TECHNIQUES[at]) ?? []);
      return [database.name, windows.length > 0 ? windows : [absent(database.resourceArn, at)]];
    }),
  );
}

const isInstance = ({ kind }: DatabaseEntry) => kind === 'rds-instance';

async function instanceBackups(client: RDSClient): Promise<readonly DBInstanceAutomatedBackup[]> {
  const all: DBInstanceAutomatedBackup[] = [];
  for await (const page of paginateDescribeDBInstanceAutomatedBackups({ client }, {})) {
    all.push(...(page.DBInstanceAutomatedBackups ?? []));
  }
  return all;
}

async function clusterBackups(client: RDSClient): Promise<readonly DBClusterAutomatedBackup[]> {
  const all: DBClusterAutomatedBackup[] = [];
  for await (const page of paginateDescribeDBClusterAutomatedBackups({ client }, {})) {
    all.push(...(page.DBClusterAutomatedBackups ?? []));
  }
  return all;
}

interface AutomatedBackup {
  /** By which RDS restores it: a replica has an ARN, what is kept of a source in its Region the resource id of the source. */
  readonly id: string | undefined;
  readonly status: string | undefined;
  readonly window: RestoreWindow | undefined;
}

const ofInstance = (
  { DBInstanceAutomatedBackupsArn, DbiResourceId, Status, RestoreWindow }: DBInstanceAutomatedBackup,
  site: Site,
): AutomatedBackup => ({
  id: site === 'dr-site' ? DBInstanceAutomatedBackupsArn : DbiResourceId,
  status: Status,
  window: RestoreWindow,
});

const ofCluster = ({ DbClusterResourceId, Status, RestoreWindow }: DBClusterAutomatedBackup): AutomatedBackup => ({
  id: DbClusterResourceId,
  status: Status,
  window: RestoreWindow,
});

/** What still grows, and what is `retained` of a source or a replication that ended, can be restored as long as it is there. */
function windowOf(
  { id, status, window }: AutomatedBackup,
  technique: RestorableWindow['technique'],
): RestorableWindow | undefined {
  if (id === undefined) return undefined;
  const { EarliestTime, LatestTime } = window ?? {};
  if (EarliestTime === undefined || LatestTime === undefined) {
    return { id, technique, unusable: `its status is ${status}, and it has no restore window yet` };
  }
  return { id, technique, earliest: EarliestTime.toISOString(), latest: LatestTime.toISOString() };
}

const absent = (resourceArn: string, site: Site): RestorableWindow => ({
  id: resourceArn,
  technique: TECHNIQUES[site],
  unusable:
    site === 'dr-site'
      ? 'RDS has no replicated automated backup of it in this Region: see whether its replication was started, and whether ' +
        'the instance has automated backups'
      : 'RDS has no automated backup of it: see whether its continuous backup is on',
});
