import { Duration } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as events from 'aws-cdk-lib/aws-events';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { BackupRule } from '../planning/plan-types';

/** Where the backups of every component go, and by whom. */
export interface BackupTarget {
  readonly vault: backup.IBackupVault;
  readonly drVault: backup.IBackupVault;
  /** What is copied goes there too. */
  readonly airGappedVault?: backup.IBackupVault;
  readonly role: iam.IRole;
}

/** A backup plan, and what it was made for. */
export interface DeployedBackup {
  /** Name of the database or volume. */
  readonly component: string;
  readonly resourceArn: string;
  readonly plan: backup.BackupPlan;
}

export interface ComponentBackupOptions extends BackupTarget {
  readonly planName: string;
  readonly resourceArn: string;
  readonly rules: readonly BackupRule[];
}

/** One backup plan, exactly as the planner says: AWS's defaults (8 hours to start, 7 days to end) are not used. */
export function componentBackup(scope: Construct, id: string, options: ComponentBackupOptions): backup.BackupPlan {
  const { vault, drVault, airGappedVault, role } = options;
  const plan = new backup.BackupPlan(scope, id, {
    backupPlanName: options.planName,
    backupVault: vault,
    backupPlanRules: options.rules.map((rule) => backupPlanRule(rule, drVault, airGappedVault)),
  });
  plan.addSelection('Selection', {
    resources: [backup.BackupResource.fromArn(options.resourceArn)],
    role,
    // The role is made for it, with that policy.
    disableDefaultBackupPolicy: true,
  });
  return plan;
}

function backupPlanRule(
  rule: BackupRule,
  drVault: backup.IBackupVault,
  airGappedVault?: backup.IBackupVault,
): backup.BackupPlanRule {
  const moveToColdStorageAfter =
    rule.coldAfterDays === undefined ? {} : { moveToColdStorageAfter: Duration.days(rule.coldAfterDays) };
  const deleteAfter = rule.copyRetentionDays === undefined ? undefined : Duration.days(rule.copyRetentionDays);
  return new backup.BackupPlanRule({
    ruleName: rule.name,
    scheduleExpression: events.Schedule.expression(rule.scheduleExpression),
    startWindow: Duration.minutes(rule.startWindowMinutes),
    completionWindow: Duration.minutes(rule.completionWindowMinutes),
    enableContinuousBackup: rule.continuous,
    deleteAfter: Duration.days(rule.retentionDays),
    ...moveToColdStorageAfter,
    copyActions:
      deleteAfter === undefined
        ? []
        : [
            { destinationBackupVault: drVault, deleteAfter, ...moveToColdStorageAfter },
            // AWS documents no cold storage for such vaults.
            ...(airGappedVault ? [{ destinationBackupVault: airGappedVault, deleteAfter }] : []),
          ],
  });
}
