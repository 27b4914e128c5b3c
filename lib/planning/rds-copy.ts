import { assumedTerm, type PlanAssumptions, sumSeconds } from './assumptions';
import { cronEvery } from './intervals';
import type { PlanLine } from './plan-document';
import { snapshotTerms } from './rds-snapshot';

/** FACTS: AWS Backup retries a copy that cannot start yet for up to 2 hours. */
const COPY_WAIT_SECONDS = 7200;

/** Copies of the snapshots in the vault of the DR site. */
export function copyLine(component: string, intervalHours: number, assumptions: PlanAssumptions): PlanLine {
  const terms = [
    ...snapshotTerms(intervalHours, assumptions),
    { name: 'copy wait', seconds: COPY_WAIT_SECONDS, source: 'AWS: a copy is retried for up to 2 h' },
    assumedTerm('copy job', 'copyJobSeconds', assumptions),
  ];
  return {
    component,
    site: 'dr-site',
    technique: 'backup-copy',
    worstCaseSeconds: sumSeconds(terms),
    terms,
    schedule: cronEvery(intervalHours * 60),
    reason: 'Every snapshot is copied to the vault in the DR Region, which needs nothing of the primary Region.',
  };
}
