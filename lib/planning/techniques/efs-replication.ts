import { assumedTerm, type PlanAssumptions, sumSeconds } from '../assumptions';
import { efsReplicationUsd } from '../cost';
import type { PlanLine } from '../plan-document';

/** EFS replication: a read-only second file system at the DR site that follows the first, deletions included. */
export function efsReplicationLine(component: string, sizeGib: number, assumptions: PlanAssumptions): PlanLine {
  const terms = [assumedTerm('replication', 'efsReplicationSeconds', assumptions)];
  return {
    component,
    site: 'dr-site',
    technique: 'efs-replication',
    purpose: 'history',
    worstCaseSeconds: sumSeconds(terms),
    terms,
    reason: 'EFS replicates sooner than exports can; it repeats a deletion, so a backup stays beside it.',
    usdPerMonth: efsReplicationUsd(sizeGib),
  };
}
