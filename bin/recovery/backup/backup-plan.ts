/** What the deployed backup plans say of a component, so that a backup on demand is kept where and as long as any other. */
import {
  type BackupClient,
  type BackupRule,
  GetBackupPlanCommand,
  GetBackupSelectionCommand,
  type Lifecycle,
  paginateListBackupPlans,
  paginateListBackupSelections,
} from '@aws-sdk/client-backup';

export interface BackupTerms {
  readonly vaultName: string;
  readonly roleArn: string;
  readonly lifecycle?: Lifecycle;
  readonly startWindowMinutes?: number;
  readonly completionWindowMinutes?: number;
  /** Absent: the plan copies nothing to the DR site. */
  readonly copy?: { readonly vaultArn: string; readonly lifecycle?: Lifecycle };
}

/** By name of the backup plan: `DEPLOYMENT-COMPONENT`. */
export async function backupTerms(
  client: BackupClient,
  drVaultName: string,
): Promise<(planName: string) => Promise<BackupTerms>> {
  const ids = new Map<string, string>();
  for await (const { BackupPlansList } of paginateListBackupPlans({ client }, {})) {
    for (const { BackupPlanName, BackupPlanId } of BackupPlansList ?? []) ids.set(BackupPlanName!, BackupPlanId!);
  }
  return async (planName) => {
    const BackupPlanId = ids.get(planName);
    if (BackupPlanId === undefined)
      throw new Error(`there is no backup plan ${planName}: deploy the primary stack again`);
    const { BackupPlan } = await client.send(new GetBackupPlanCommand({ BackupPlanId }));
    return termsOf(planName, BackupPlan?.Rules ?? [], await roleOf(client, BackupPlanId), drVaultName);
  };
}

/** Of the first rule that is copied to the DR site, and is no continuous backup: that of the plan's snapshots. */
export function termsOf(
  planName: string,
  rules: readonly BackupRule[],
  roleArn: string | undefined,
  drVaultName: string,
): BackupTerms {
  const snapshots = rules.filter(({ EnableContinuousBackup }) => EnableContinuousBackup !== true);
  const copyOf = (rule: BackupRule) =>
    rule.CopyActions?.find(({ DestinationBackupVaultArn }) => DestinationBackupVaultArn?.endsWith(`:${drVaultName}`));
  const rule = snapshots.find((each) => copyOf(each)) ?? snapshots[0];
  if (rule?.TargetBackupVaultName === undefined || roleArn === undefined) {
    throw new Error(`backup plan ${planName} has no rule, or no selection: deploy the primary stack again`);
  }
  const copy = copyOf(rule);
  return {
    vaultName: rule.TargetBackupVaultName,
    roleArn,
    lifecycle: rule.Lifecycle,
    startWindowMinutes: rule.StartWindowMinutes,
    completionWindowMinutes: rule.CompletionWindowMinutes,
    ...(copy === undefined ? {} : { copy: { vaultArn: copy.DestinationBackupVaultArn!, lifecycle: copy.Lifecycle } }),
  };
}

async function roleOf(client: BackupClient, BackupPlanId: string): Promise<string | undefined> {
  for await (const { BackupSelectionsList } of paginateListBackupSelections({ client }, { BackupPlanId })) {
    for (const { SelectionId } of BackupSelectionsList ?? []) {
      const { BackupSelection } = await client.send(new GetBackupSelectionCommand({ BackupPlanId, SelectionId }));
      if (BackupSelection?.IamRoleArn !== undefined) return BackupSelection.IamRoleArn;
    }
  }
  return undefined;
}
