import {
  type DBInstanceAutomatedBackup,
  paginateDescribeDBInstanceAutomatedBackups,
  type RDSClient,
} from '@aws-sdk/client-rds';
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import type { RestorableWindow } from './restorable-window';

const TECHNIQUE = 'rds-automated-backup-replication';

/**
 * The automated backups that RDS replicated to this Region, by component; of the databases whose plan counts on them.
 *
 * All of the Region are listed and told apart by the ARN of their source: that an ARN of another Region can be filtered by
 * is not documented, and there are at most 20 of them to a Region. An instance that was deleted and made again under the
 * same name has two, of which one is retained.
 */
export async function findAutomatedBackups(
  plan: RecoveryPlanDocument,
  rds: RDSClient,
): Promise<ReadonlyMap<string, readonly RestorableWindow[]>> {
  const planned = plan.databases.filter(({ name }) =>
    plan.plan.some(
      ({ component, site, technique }) => component === name && site === 'dr-site' && technique === TECHNIQUE,
    ),
  );
  if (planned.length === 0) return new Map();
  const all: DBInstanceAutomatedBackup[] = [];
  for await (const page of paginateDescribeDBInstanceAutomatedBackups({ client: rds }, {})) {
    all.push(...(page.DBInstanceAutomatedBackups ?? []));
  }
  return new Map(
    planned.map(({ name, resourceArn }) => {
      const own = all
        .filter(({ DBInstanceArn }) => DBInstanceArn === resourceArn)
        .flatMap((each) => windowOf(each) ?? []);
      return [name, own.length > 0 ? own : [absent(resourceArn)]];
    }),
  );
}

const absent = (resourceArn: string): RestorableWindow => ({
  id: resourceArn,
  technique: TECHNIQUE,
  unusable:
    'RDS has no replicated automated backup of it in this Region: see whether its replication was started, and whether ' +
    'the instance has automated backups',
});

/** `replicating`, and `retained` where the replication or the instance ended, can be restored from as long as they are there. */
function windowOf(backup: DBInstanceAutomatedBackup): RestorableWindow | undefined {
  const { DBInstanceAutomatedBackupsArn: id, RestoreWindow, Status } = backup;
  if (id === undefined) return undefined;
  const { EarliestTime, LatestTime } = RestoreWindow ?? {};
  if (EarliestTime === undefined || LatestTime === undefined) {
    return { id, technique: TECHNIQUE, unusable: `its status is ${Status}, and it has no restore window yet` };
  }
  return { id, technique: TECHNIQUE, earliest: EarliestTime.toISOString(), latest: LatestTime.toISOString() };
}
