/** What a configuration file says of the plan besides the objectives. */
import { Size } from 'aws-cdk-lib';
import { OptionalTechnique, type PlanningAssumptions, type RecoveryPointRetention } from '../../lib';
import type { Table } from './table';

/** `[retention]` */
export const readRetention = (table: Table): RecoveryPointRetention => ({
  all: table.optionalDuration('all'),
  copies: table.optionalDuration('copies'),
  daily: table.optionalDuration('daily'),
  weekly: table.optionalDuration('weekly'),
  monthly: table.optionalDuration('monthly'),
  yearly: table.optionalDuration('yearly'),
  efsColdStorageAfter: table.optionalDuration('efs_cold_storage_after'),
});

/** `[assumptions]` */
export const readAssumptions = (table: Table): PlanningAssumptions => ({
  backupJob: table.optionalDuration('backup_job'),
  copyJob: table.optionalDuration('copy_job'),
  artifactExport: table.optionalDuration('artifact_export'),
  automatedBackupReplication: table.optionalDuration('automated_backup_replication'),
  globalDatabaseLag: table.optionalDuration('global_database_lag'),
  globalDatabaseFailover: table.optionalDuration('global_database_failover'),
  databaseCreation: table.optionalDuration('database_creation'),
  checks: table.optionalDuration('checks'),
});

/** `size_gib` and `without` of a database or a volume. */
export function readComponent(table: Table): { readonly size?: Size; readonly without?: OptionalTechnique[] } {
  const gib = table.optionalNumber('size_gib');
  const techniques = Object.values(OptionalTechnique);
  const without = table.optionalTexts('without', {
    pattern: new RegExp(`^(${techniques.join('|')})$`),
    allowed: `a list of ${techniques.join(', ')}`,
    atLeast: 1,
  });
  return {
    size: gib === undefined ? undefined : Size.gibibytes(gib),
    without: without as OptionalTechnique[] | undefined,
  };
}
