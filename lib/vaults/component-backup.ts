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
  const { vault, drVault, role } = options;
  const plan = new backup.BackupPlan(scope, id, {
    backupPlanName: options.planName,
    backupVault: vault,
    backupPlanRules: options.rules.map((rule) => backupPlanRule(rule, drVault)),
  });
  plan.addSelection('Selection', {
    resources: [backup.BackupResource.fromArn(options.resourceArn)],
    role,
    // The role is made for it, with that policy.
    disableDefaultBackupPolicy: true,
  });
  return plan;
}

function backupPlanRule(rule: BackupRule, drVault: backup.IBackupVault): backup.BackupPlanRule {
  const moveToColdStorageAfter =
    rule.coldAfterDays === undefined ? {} : { moveToColdStorageAfter: Duration.days(rule.coldAfterDays) };
  return new backup.BackupPlanRule({
    ruleName: rule.name,
    scheduleExpression: events.Schedule.expression(rule.scheduleExpression),
    startWindow: Duration.minutes(rule.startWindowMinutes),
    completionWindow: Duration.minutes(rule.completionWindowMinutes),
    enableContinuousBackup: rule.continuous,
    deleteAfter: Duration.days(rule.retentionDays),
    ...moveToColdStorageAfter,
    copyActions:
      rule.copyRetentionDays === undefined
        ? []
        : [
            {
              destinationBackupVault: drVault,
              deleteAfter: Duration.days(rule.copyRetentionDays),
              ...moveToColdStorageAfter,
            },
          ],
  });
}
