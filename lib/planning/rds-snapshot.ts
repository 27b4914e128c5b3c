import { assumedTerm, type PlanAssumptions, sumSeconds } from './assumptions';
import { completionWindowMinutes, START_WINDOW_MINUTES } from './backup-windows';
import { cronEvery } from './intervals';
import type { PlanLine, PlanTerm } from './plan-document';
import type { BackupRule } from './plan';

/**
 * The point made just before the newest one ended is all there is until then: a whole interval, a start as late as the
 * window allows, and the job.
 */
export function snapshotTerms(intervalHours: number, assumptions: PlanAssumptions): PlanTerm[] {
  return [
    { name: 'interval', seconds: intervalHours * 3600, source: 'chosen: the longest that meets the objectives' },
    { name: 'start window', seconds: START_WINDOW_MINUTES * 60, source: 'AWS limit: at least 60 min' },
    assumedTerm('backup job', 'backupJobSeconds', assumptions),
  ];
}

/** AWS Backup snapshots of an RDS resource, for a failure inside the Region. */
export function snapshotLine(component: string, intervalHours: number, assumptions: PlanAssumptions): PlanLine {
  const terms = snapshotTerms(intervalHours, assumptions);
  return {
    component,
    site: 'in-region',
    technique: 'backup-snapshot',
    worstCaseSeconds: sumSeconds(terms),
    terms,
    schedule: cronEvery(intervalHours * 60),
    reason: 'Snapshots are the cheapest technique whose worst case can be computed; also undoes a deletion.',
  };
}

/** The periodic rule that every database has: its points are history, and what is copied to the DR site. */
export function snapshotRule(intervalHours: number, assumptions: PlanAssumptions, retentionDays: number): BackupRule {
  return {
    name: 'snapshot',
    intervalHours,
    scheduleExpression: cronEvery(intervalHours * 60),
    startWindowMinutes: START_WINDOW_MINUTES,
    completionWindowMinutes: completionWindowMinutes(assumptions.backupJobSeconds),
    continuous: false,
    copyToDr: true,
    retentionDays,
  };
}
