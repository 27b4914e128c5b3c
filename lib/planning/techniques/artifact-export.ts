import { assumedTerm, type PlanAssumptions, sumSeconds } from '../assumptions';
import { exportReplicationUsd, exportUsd } from '../cost';
import { cronEvery } from '../intervals';
import type { PlanLine, PlanTerm } from '../plan-document';
import type { Retention } from '../retention';

/** FACTS: S3 Replication Time Control, 15 minutes, the only value. */
const REPLICATION_SECONDS = 900;

export interface Exported {
  readonly component: string;
  readonly sizeGib: number;
}

/** The artifact export, for a failure inside the Region. */
export function exportLine(
  { component, sizeGib }: Exported,
  intervalMinutes: number,
  assumptions: PlanAssumptions,
  retention: Retention,
): PlanLine {
  const terms = exportTerms(intervalMinutes, assumptions);
  return {
    component,
    site: 'in-region',
    technique: 'artifact-export',
    purpose: 'history',
    worstCaseSeconds: sumSeconds(terms),
    terms,
    schedule: cronEvery(intervalMinutes),
    reason:
      'Incremental and more frequent than AWS Backup of EFS can be, with every file whole; gives back a single file.',
    usdPerMonth: exportUsd(sizeGib, intervalMinutes, retention.allDays),
  };
}

/** Its replica at the DR site. */
export function replicatedExportLine(
  { component, sizeGib }: Exported,
  intervalMinutes: number,
  assumptions: PlanAssumptions,
  retention: Retention,
): PlanLine {
  const terms = [
    ...exportTerms(intervalMinutes, assumptions),
    {
      name: 'replication',
      seconds: REPLICATION_SECONDS,
      source: 'AWS: S3 Replication Time Control, 15 min for 99.99 % of objects',
    },
  ];
  return {
    component,
    site: 'dr-site',
    technique: 'artifact-export-replicated',
    purpose: 'history',
    worstCaseSeconds: sumSeconds(terms),
    terms,
    schedule: cronEvery(intervalMinutes),
    reason: 'S3 replicates every export to the DR Region within a time that AWS commits to.',
    usdPerMonth: exportReplicationUsd(sizeGib, retention.copyDays),
  };
}

const exportTerms = (intervalMinutes: number, assumptions: PlanAssumptions): PlanTerm[] => [
  { name: 'interval', seconds: intervalMinutes * 60, source: 'chosen: the cheapest that meets the objectives' },
  assumedTerm('export', 'exportSeconds', assumptions),
];
