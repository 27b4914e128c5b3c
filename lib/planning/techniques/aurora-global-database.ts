import { assumedTerm, type PlanAssumptions, sumSeconds } from '../assumptions';
import type { PlanLine } from '../plan-document';

/** A Global Database that is there already. It repeats a deletion within seconds, so the copies stay beside it. */
export function globalDatabaseLine(component: string, assumptions: PlanAssumptions): PlanLine {
  const terms = [assumedTerm('replication lag', 'globalDatabaseLagSeconds', assumptions)];
  return {
    component,
    site: 'dr-site',
    technique: 'aurora-global-database',
    purpose: 'history',
    worstCaseSeconds: sumSeconds(terms),
    terms,
    reason: 'The secondary cluster in the DR Region follows the primary one; the copies beside it undo a deletion.',
    // It is there, whatever is planned.
    usdPerMonth: 0,
  };
}
