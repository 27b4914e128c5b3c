import { isDeepStrictEqual } from 'node:util';
import {
  type BackupClient,
  GetBackupPlanCommand,
  type GetBackupPlanCommandOutput,
  GetBackupSelectionCommand,
  paginateListBackupSelections,
  ResourceNotFoundException,
} from '@aws-sdk/client-backup';
import type { DeployedPlan } from './contract';

/** What became of a backup plan since it was deployed; empty: nothing. */
export async function driftOfPlan(
  { component, planId, versionId, resourceArn }: DeployedPlan,
  backup: BackupClient,
): Promise<string[]> {
  const again = 'deploy again to put it back';
  const plan = await backup.send(new GetBackupPlanCommand({ BackupPlanId: planId })).catch(unlessMissing);
  // A plan that was deleted can still be got for a while.
  if (plan === undefined || plan.DeletionDate !== undefined) {
    return [
      `the backup plan of ${component} (${planId}) is gone: ${component} is not backed up by it any more; ${again}`,
    ];
  }
  const findings: string[] = [];
  if (
    plan.VersionId !== versionId &&
    !isDeepStrictEqual(rulesOf(plan), await deployedRules(planId, versionId, backup))
  ) {
    findings.push(
      `the backup plan of ${component} (${planId}) was changed by hand: its version is ${plan.VersionId}, deployed was ${versionId}; ` +
        `what the recovery plan promises may not hold; put its rules back, or ${again}`,
    );
  }
  if (!(await isSelected(planId, resourceArn, backup))) {
    findings.push(
      `${component} (${resourceArn}) left its backup plan (${planId}): no selection of it names it; ${again}`,
    );
  }
  return findings;
}

/** Undefined where AWS Backup does not know the version any more. */
async function deployedRules(BackupPlanId: string, VersionId: string, backup: BackupClient) {
  const deployed = await backup.send(new GetBackupPlanCommand({ BackupPlanId, VersionId })).catch(unlessMissing);
  return deployed && rulesOf(deployed);
}

/** What a plan does. A rule may get a new id whenever the plan is written. */
const rulesOf = ({ BackupPlan }: GetBackupPlanCommandOutput) =>
  BackupPlan?.Rules?.map((rule) => ({ ...rule, RuleId: undefined }));

async function isSelected(BackupPlanId: string, resourceArn: string, backup: BackupClient): Promise<boolean> {
  for await (const page of paginateListBackupSelections({ client: backup }, { BackupPlanId })) {
    for (const { SelectionId } of page.BackupSelectionsList ?? []) {
      const found = await backup
        .send(new GetBackupSelectionCommand({ BackupPlanId, SelectionId }))
        .catch(unlessMissing);
      const { Resources = [], NotResources = [] } = found?.BackupSelection ?? {};
      if (Resources.includes(resourceArn) && !NotResources.includes(resourceArn)) return true;
    }
  }
  return false;
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof ResourceNotFoundException) return undefined;
  throw error;
}
