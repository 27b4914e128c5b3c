import type { PlanAssumptions } from '../assumptions';
import { completionWindowMinutes, START_WINDOW_MINUTES } from '../backup-windows';
import { incrementalUsd, STORAGE_USD } from '../cost';
import { cronDaily } from '../intervals';
import type { DatabaseKind, PlanLine } from '../plan-document';
import type { BackupRule } from '../plan-types';
import { continuousDays, type Retention } from '../retention';
import type { Periodic } from './backup-snapshot';

/** FACTS: RDS ships its logs every 5 minutes. */
export const LOG_SHIPPING_TERM = { name: 'log shipping', seconds: 300, source: 'AWS: RDS ships its logs every 5 min' };

/** FACTS: RDS instances and Aurora; a Multi-AZ DB cluster has no point-in-time recovery through AWS Backup. */
export const supportsContinuous = (kind: DatabaseKind) => kind !== 'multi-az-cluster';

/** Continuous backup (point-in-time recovery), for a failure inside the Region. */
export function continuousLine({ component, sizeGib, storage }: Periodic, retention: Retention): PlanLine {
  return {
    component,
    site: 'in-region',
    technique: 'backup-continuous',
    purpose: 'history',
    worstCaseSeconds: LOG_SHIPPING_TERM.seconds,
    terms: [LOG_SHIPPING_TERM],
    reason:
      'Point-in-time recovery, beside the snapshots; while AWS Backup manages it, no window of RDS makes them fail.',
    // RDS makes a snapshot a day and keeps the logs between them.
    usdPerMonth: incrementalUsd(STORAGE_USD[storage], sizeGib, 24, continuousDays(retention)),
  };
}

/**
 * Its schedule only says when AWS Backup makes sure that it is on: once a day, half an hour after a snapshot started. In a
 * backup plan of its own: of two rules of one plan whose start windows overlap, AWS Backup runs one.
 */
export function continuousRule(
  snapshotMinutes: number,
  assumptions: PlanAssumptions,
  retention: Retention,
): BackupRule {
  return {
    name: 'continuous',
    intervalHours: 24,
    scheduleExpression: cronDaily((snapshotMinutes + 30) % 1440),
    startWindowMinutes: START_WINDOW_MINUTES,
    completionWindowMinutes: completionWindowMinutes(assumptions.backupJobSeconds),
    continuous: true,
    // Not copied: a copy of a continuous point is a plain snapshot, and the snapshot rule makes those.
    retentionDays: continuousDays(retention),
  };
}
