import { assumedTerm, type PlanAssumptions, sumSeconds } from '../assumptions';
import { fullCopiesUsd, incrementalUsd, STORAGE_USD, transferUsd } from '../cost';
import { cronEvery } from '../intervals';
import type { DatabaseKind, PlanLine } from '../plan-document';
import { type Retention, tiersUsd } from '../retention';
import { type Periodic, type Schedule, snapshotTerms } from './backup-snapshot';

/** FACTS: AWS Backup retries a copy that cannot start yet for up to 2 hours. */
const COPY_WAIT_SECONDS = 7200;

/** AWS Backup and RDS alike: a snapshot of a Multi-AZ DB cluster cannot be copied, so that it never leaves its Region. */
export const supportsCopy = (kind: DatabaseKind) => kind !== 'multi-az-cluster';

/** Copies of the recovery points in the vault of the DR site. */
export function copyLine(
  { component, sizeGib, storage }: Periodic,
  schedule: Schedule,
  assumptions: PlanAssumptions,
  retention: Retention,
): PlanLine {
  const { intervalHours, offsetMinutes } = schedule;
  const terms = [
    ...snapshotTerms(schedule, assumptions),
    { name: 'copy wait', seconds: COPY_WAIT_SECONDS, source: 'AWS: a copy is retried for up to 2 h' },
    assumedTerm('copy job', 'copyJobSeconds', assumptions),
  ];
  return {
    component,
    site: 'dr-site',
    technique: 'backup-copy',
    purpose: 'history',
    worstCaseSeconds: sumSeconds(terms),
    terms,
    schedule: cronEvery(intervalHours * 60, offsetMinutes),
    reason: 'Every point is copied to the vault in the DR Region, which needs nothing of the primary Region.',
    usdPerMonth:
      // Copies of Aurora snapshots are always full, those of others incremental.
      storage === 'aurora-cluster'
        ? fullCopiesUsd(STORAGE_USD[storage], sizeGib, intervalHours, retention.copyDays)
        : incrementalUsd(STORAGE_USD[storage], sizeGib, intervalHours, retention.copyDays) +
          tiersUsd(STORAGE_USD[storage], sizeGib, retention) +
          transferUsd(sizeGib, intervalHours),
  };
}
