import type * as backup from 'aws-cdk-lib/aws-backup';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { invalid } from '../private/errors';

/** Who may still delete recovery points of a vault that denies it to everybody. */
export interface DeletionProtectionOptions {
  /**
   * Roles for the emergency (break glass), at least one, by their ARNs: nobody else deletes recovery points, shortens their
   * retention or changes the vault's policy, CloudFormation included. So a stack update that changes the policy, and the
   * removal of this option, need one of them: let CloudFormation deploy with it, or change the policy by hand first.
   */
  readonly breakGlassRoleArns: string[];
}

/**
 * What takes recovery points away, and what would allow to. The L2's `blockRecoveryPointDeletion` denies the first two
 * only, so whoever it stops removes the policy first (FACTS). Vault policies take no wildcard in actions.
 */
const DESTRUCTIVE_ACTIONS = [
  'backup:DeleteRecoveryPoint',
  'backup:UpdateRecoveryPointLifecycle',
  'backup:DisassociateRecoveryPoint',
  'backup:DeleteBackupVault',
  'backup:DeleteBackupVaultLockConfiguration',
  'backup:PutBackupVaultLockConfiguration',
  'backup:PutBackupVaultAccessPolicy',
  'backup:DeleteBackupVaultAccessPolicy',
];

/**
 * Denies deletion to all but the break-glass roles. It binds AWS Backup's API alone, not RDS's own `DeleteDBSnapshot`
 * (FACTS); a lock of the vault binds that too. Points expire as before: AWS Backup does that itself.
 */
export function denyDeletion(
  scope: IConstruct,
  vault: backup.BackupVault,
  options: DeletionProtectionOptions | undefined,
): void {
  if (options === undefined) return;
  if (options.breakGlassRoleArns.length === 0) {
    throw invalid(
      scope,
      '`deletionProtection.breakGlassRoleArns` must hold at least one, got none: without any nobody could ever change the vault again',
    );
  }
  vault.addToAccessPolicy(
    new iam.PolicyStatement({
      sid: 'DenyDeletion',
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: DESTRUCTIVE_ACTIONS,
      resources: ['*'],
      conditions: { ArnNotEquals: { 'aws:PrincipalArn': options.breakGlassRoleArns } },
    }),
  );
}
