import { assumedTerm, type PlanAssumptions, sumSeconds } from '../assumptions';
import { incrementalUsd, STORAGE_USD, transferUsd } from '../cost';
import type { DatabaseKind, PlanLine } from '../plan-document';
import { continuousDays, type Retention } from '../retention';
import { LOG_SHIPPING_TERM } from './backup-continuous';
import type { Periodic } from './backup-snapshot';

/** FACTS: RDS instances of all engines that IS runs on; neither Multi-AZ clusters nor Aurora. */
export const supportsAutomatedBackupReplication = (kind: DatabaseKind) => kind === 'rds-instance';

/** RDS's own cross-Region automated backups: point-in-time recovery at the DR site. */
export function automatedBackupReplicationLine(
  { component, sizeGib, storage }: Periodic,
  assumptions: PlanAssumptions,
  retention: Retention,
): PlanLine {
  const terms = [LOG_SHIPPING_TERM, assumedTerm('replication', 'automatedBackupReplicationSeconds', assumptions)];
  return {
    component,
    site: 'dr-site',
    technique: 'rds-automated-backup-replication',
    purpose: 'history',
    worstCaseSeconds: sumSeconds(terms),
    terms,
    reason:
      'RDS sends its snapshots and logs to the DR Region as soon as they are ready; beside the copies, not for them.',
    usdPerMonth:
      incrementalUsd(STORAGE_USD[storage], sizeGib, 24, continuousDays(retention)) + transferUsd(sizeGib, 24),
  };
}

/** FACTS: fixed Region pairs, 20 for a destination Region and account; AWS changes both, and a planner cannot ask. */
export function regionPairWarnings(lines: readonly PlanLine[]): string[] {
  const names = lines
    .filter(({ technique }) => technique === 'rds-automated-backup-replication')
    .map(({ component }) => component);
  if (names.length === 0) return [];
  return [
    `${names.join(', ')}: RDS replicates automated backups between certain Regions only, at most 20 to a Region and ` +
      'account: see `aws rds describe-source-regions --region DR_REGION`, SupportsDBInstanceAutomatedBackupsReplication',
  ];
}
