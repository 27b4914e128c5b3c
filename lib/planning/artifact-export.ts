import { assumedTerm, type PlanAssumptions, sumSeconds } from './assumptions';
import { cronEvery, EXPORT_INTERVAL_MINUTES } from './intervals';
import type { PlanLine, PlanTerm } from './plan-document';

/** FACTS: S3 Replication Time Control, 15 minutes, the only value. */
const REPLICATION_SECONDS = 900;

export interface ArtifactsPlan {
  readonly inRegion: PlanLine;
  readonly drSite: PlanLine;
  readonly schedule: { readonly intervalMinutes: number; readonly scheduleExpression: string };
}

/** The longest export interval that meets both RPOs; the shortest there is where none does. */
export function planArtifacts(
  component: string,
  rpoSeconds: number,
  drRpoSeconds: number,
  assumptions: PlanAssumptions,
): ArtifactsPlan {
  const intervalMinutes =
    EXPORT_INTERVAL_MINUTES.findLast(
      (minutes) =>
        sumSeconds(exportTerms(minutes, assumptions)) <= rpoSeconds &&
        sumSeconds(replicatedTerms(minutes, assumptions)) <= drRpoSeconds,
    ) ?? EXPORT_INTERVAL_MINUTES[0];
  const scheduleExpression = cronEvery(intervalMinutes);
  const inRegion = exportTerms(intervalMinutes, assumptions);
  const drSite = replicatedTerms(intervalMinutes, assumptions);
  return {
    inRegion: {
      component,
      site: 'in-region',
      technique: 'artifact-export',
      worstCaseSeconds: sumSeconds(inRegion),
      terms: inRegion,
      schedule: scheduleExpression,
      reason: 'An incremental export is more frequent than AWS Backup of EFS can be; that runs daily beside it.',
    },
    drSite: {
      component,
      site: 'dr-site',
      technique: 'artifact-export-replicated',
      worstCaseSeconds: sumSeconds(drSite),
      terms: drSite,
      schedule: scheduleExpression,
      reason: 'S3 replicates every export to the DR Region within a time that AWS commits to.',
    },
    schedule: { intervalMinutes, scheduleExpression },
  };
}

const exportTerms = (intervalMinutes: number, assumptions: PlanAssumptions): PlanTerm[] => [
  { name: 'interval', seconds: intervalMinutes * 60, source: 'chosen: the longest that meets the objectives' },
  assumedTerm('export', 'exportSeconds', assumptions),
];

const replicatedTerms = (intervalMinutes: number, assumptions: PlanAssumptions): PlanTerm[] => [
  ...exportTerms(intervalMinutes, assumptions),
  {
    name: 'replication',
    seconds: REPLICATION_SECONDS,
    source: 'AWS: S3 Replication Time Control, 15 min for 99.99 % of objects',
  },
];
