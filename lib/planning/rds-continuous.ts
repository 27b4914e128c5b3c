import type { PlanAssumptions } from './assumptions';
import { completionWindowMinutes, START_WINDOW_MINUTES } from './backup-windows';
import { cronEvery } from './intervals';
import type { BackupRule } from './plan';
import type { DatabaseKind, PlanLine } from './plan-document';

/** FACTS: AWS Backup keeps a continuous recovery point for 1 to 35 days. */
const MAX_RETENTION_DAYS = 35;

/** FACTS: RDS ships its logs every 5 minutes. */
const LOG_SHIPPING_SECONDS = 300;

/** FACTS: RDS instances and Aurora; a Multi-AZ DB cluster has no point-in-time recovery through AWS Backup. */
export const supportsContinuous = (kind: DatabaseKind) => kind !== 'multi-az-cluster';

/** Continuous backup (point-in-time recovery), for a failure inside the Region. */
export function continuousLine(component: string): PlanLine {
  return {
    component,
    site: 'in-region',
    technique: 'backup-continuous',
    worstCaseSeconds: LOG_SHIPPING_SECONDS,
    terms: [{ name: 'log shipping', seconds: LOG_SHIPPING_SECONDS, source: 'AWS: RDS ships its logs every 5 min' }],
    reason: 'Snapshots cannot be frequent enough for the RPO; point-in-time recovery beside them is.',
  };
}

/** Its schedule only says when AWS Backup makes sure that it is on: once a day, half an hour after the snapshots start. */
export function continuousRule(assumptions: PlanAssumptions, retentionDays: number): BackupRule {
  return {
    name: 'continuous',
    intervalHours: 24,
    scheduleExpression: cronEvery(24 * 60, 30),
    startWindowMinutes: START_WINDOW_MINUTES,
    completionWindowMinutes: completionWindowMinutes(assumptions.backupJobSeconds),
    continuous: true,
    // A copy of a continuous point is a plain snapshot; the snapshot rule makes those.
    copyToDr: false,
    retentionDays: Math.min(retentionDays, MAX_RETENTION_DAYS),
  };
}
