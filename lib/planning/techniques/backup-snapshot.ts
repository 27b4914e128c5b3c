import { assumedTerm, type PlanAssumptions, sumSeconds } from '../assumptions';
import { completionWindowMinutes, START_WINDOW_MINUTES } from '../backup-windows';
import { incrementalUsd, STORAGE_USD } from '../cost';
import { cronEvery } from '../intervals';
import type { PlanLine, PlanTerm } from '../plan-document';
import type { BackupRule } from '../plan-types';
import type { Stagger } from '../rds-windows';
import { type Retention, tiersUsd } from '../retention';

/** What AWS Backup backs up periodically: a database or a file system. */
export interface Periodic {
  readonly component: string;
  readonly sizeGib: number;
  readonly storage: keyof typeof STORAGE_USD;
}

export interface Schedule extends Stagger {
  readonly intervalHours: number;
}

/**
 * The point made just before the newest one ended is all there is until then: a whole interval, runs that a window of RDS
 * makes fail, a start as late as the start window allows, and the job.
 */
export function snapshotTerms({ intervalHours, gapMinutes }: Schedule, assumptions: PlanAssumptions): PlanTerm[] {
  const interval = intervalHours * 3600;
  const blocked = gapMinutes * 60 - interval;
  return [
    { name: 'interval', seconds: interval, source: 'chosen: the cheapest that meets the objectives' },
    ...(blocked > 0
      ? [
          {
            name: 'blocked runs',
            seconds: blocked,
            source: 'AWS: RDS snapshot jobs fail from 1 h before its maintenance and backup windows to their end',
          },
        ]
      : []),
    { name: 'start window', seconds: START_WINDOW_MINUTES * 60, source: 'AWS limit: at least 60 min' },
    assumedTerm('backup job', 'backupJobSeconds', assumptions),
  ];
}

/** Recovery points of AWS Backup, for a failure inside the Region. */
export function snapshotLine(
  { component, sizeGib, storage }: Periodic,
  schedule: Schedule,
  assumptions: PlanAssumptions,
  retention: Retention,
): PlanLine {
  const { intervalHours, offsetMinutes } = schedule;
  const terms = snapshotTerms(schedule, assumptions);
  return {
    component,
    site: 'in-region',
    technique: 'backup-snapshot',
    purpose: 'history',
    worstCaseSeconds: sumSeconds(terms),
    terms,
    schedule: cronEvery(intervalHours * 60, offsetMinutes),
    reason: 'Each point is whole and stays as it is, so that it undoes a deletion too.',
    usdPerMonth:
      incrementalUsd(STORAGE_USD[storage], sizeGib, intervalHours, retention.allDays) +
      tiersUsd(STORAGE_USD[storage], sizeGib, retention),
  };
}

/** The periodic rule that every component has: its points are history, and what is copied to the DR site. */
export function snapshotRule(
  schedule: Schedule,
  assumptions: PlanAssumptions,
  retention: Retention,
  copied: boolean,
): BackupRule {
  return {
    name: 'snapshot',
    intervalHours: schedule.intervalHours,
    scheduleExpression: cronEvery(schedule.intervalHours * 60, schedule.offsetMinutes),
    startWindowMinutes: START_WINDOW_MINUTES,
    completionWindowMinutes: completionWindowMinutes(assumptions.backupJobSeconds),
    continuous: false,
    retentionDays: retention.allDays,
    ...(copied ? { copyRetentionDays: retention.copyDays } : {}),
  };
}
