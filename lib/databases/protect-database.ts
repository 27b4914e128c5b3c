import { automatedBackupReplication } from '../replication/automated-backup-replication';
import type { DatabaseProtection } from '../planning/plan-types';
import type { RecoverySite } from '../site/recovery-site';
import { keyAlias } from '../site/site-names';
import { componentBackup, type BackupTarget, type DeployedBackup } from '../vaults/component-backup';
import type { Construct } from 'constructs';
import { shareCredentials } from './credentials';
import type { ProtectedDatabase } from './protected-database';

export interface ProtectDatabaseOptions {
  readonly deployment: string;
  readonly database: ProtectedDatabase;
  readonly protection: DatabaseProtection;
  readonly target: BackupTarget;
  readonly site: RecoverySite;
}

/** Builds what the planner says for one database, and brings its credentials to the DR site. Gives its backup plans. */
export function protectDatabase(scope: Construct, options: ProtectDatabaseOptions): DeployedBackup[] {
  const { deployment, database, target, site } = options;
  const { name, rules, continuous, automatedBackupReplication: replicated } = options.protection;
  const backUp = (id: string, planName: string, planRules: typeof rules) =>
    componentBackup(scope, id, { planName, resourceArn: database._arn, rules: planRules, ...target });

  const plan = backUp(`BackupPlan-${name}`, `${deployment}-${name}`, rules);
  const protection =
    continuous && backUp(`ContinuousBackupPlan-${name}`, `${deployment}-${name}${CONTINUOUS_SUFFIX}`, [continuous]);
  if (replicated) {
    const replication = automatedBackupReplication(scope, `AutomatedBackupReplication-${name}`, {
      instanceArn: database._arn,
      drRegion: site.region,
      drKeyAlias: keyAlias(site.siteName),
      retentionDays: replicated.retentionDays,
    });
    // RDS replicates automated backups that are on, and continuous backup turns them on.
    if (protection) replication.node.addDependency(protection);
  }
  if (database._drSiteSecretArn === undefined) shareCredentials(database.credentials, site.region, site.siteName);
  return [plan, ...(protection ? [protection] : [])].map((each) => ({
    component: name,
    resourceArn: database._arn,
    plan: each,
  }));
}

const CONTINUOUS_SUFFIX = '-pitr';
