import { efsReplicationUsd } from '../cost';
import type { PlanLine } from '../plan-document';

/** FACTS: most changes within 15 minutes after the first sync. AWS commits to no limit. */
const REPLICATION_TERM = {
  name: 'replication',
  seconds: 900,
  source: 'AWS: most changes within 15 min after the first sync; metric TimeSinceLastSync tells',
};

/** EFS replication: a read-only second file system at the DR site that follows the first, deletions included. */
export function efsReplicationLine(component: string, sizeGib: number): PlanLine {
  return {
    component,
    site: 'dr-site',
    technique: 'efs-replication',
    purpose: 'history',
    worstCaseSeconds: REPLICATION_TERM.seconds,
    terms: [REPLICATION_TERM],
    reason: 'EFS replicates sooner than exports can; it repeats a deletion, so a backup stays beside it.',
    usdPerMonth: efsReplicationUsd(sizeGib),
  };
}
