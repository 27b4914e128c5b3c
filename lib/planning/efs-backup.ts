import type { PlanAssumptions } from './assumptions';
import { completionWindowMinutes, START_WINDOW_MINUTES } from './backup-windows';
import { cronEvery } from './intervals';
import type { BackupRule } from './plan';

/**
 * AWS Backup of the whole file system, daily: a second copy that shares nothing with the export, for the day the export
 * is what failed. The export carries the RPO: it is more frequent and, unlike this one, sees each file whole.
 */
export function efsBackupRule(assumptions: PlanAssumptions, retentionDays: number): BackupRule {
  return {
    name: 'efs',
    intervalHours: 24,
    scheduleExpression: cronEvery(24 * 60),
    startWindowMinutes: START_WINDOW_MINUTES,
    completionWindowMinutes: completionWindowMinutes(assumptions.backupJobSeconds),
    // FACTS: EFS has no continuous backup.
    continuous: false,
    copyToDr: false,
    retentionDays,
  };
}
