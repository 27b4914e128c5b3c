import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { artifactExport, type ArtifactExportOptions } from '../artifacts/artifact-export';
import type { VolumeProtection } from '../planning/plan-types';
import { fileSystemReplication } from '../replication/file-system-replication';
import type { RecoverySite } from '../site/recovery-site';
import { componentBackup, type BackupTarget, type DeployedBackup } from '../vaults/component-backup';
import type { Volume } from './volume';

export interface ProtectVolumeOptions {
  readonly deployment: string;
  readonly volume: Volume;
  readonly protection: VolumeProtection;
  readonly target: BackupTarget;
  readonly site: RecoverySite;
  /** What the exports of all volumes share. */
  readonly exports: Omit<ArtifactExportOptions, 'deployment' | 'volume' | 'scheduleExpression'>;
}

/** Builds what the planner says for one volume. Gives its backup plan, and the function that exports it, where one does. */
export function protectVolume(
  scope: Construct,
  options: ProtectVolumeOptions,
): { readonly backup: DeployedBackup; readonly exporter?: lambda.IFunction } {
  const { deployment, volume, target, site } = options;
  const { name, rules, replicated, export: exported } = options.protection;
  const fileSystemArn = volume._fileSystemArn(scope);
  const plan = componentBackup(scope, `BackupPlan-${name}`, {
    planName: `${deployment}-${name}`,
    resourceArn: fileSystemArn,
    rules,
    ...target,
  });
  if (replicated) {
    fileSystemReplication(scope, `FileSystemReplication-${name}`, {
      fileSystemId: volume.accessPoint.fileSystem.fileSystemId,
      fileSystemArn,
      drRegion: site.region,
    });
  }
  const backup = { component: name, resourceArn: fileSystemArn, plan };
  if (!exported) return { backup };
  const exporter = artifactExport(scope, `Export-${name}`, {
    deployment,
    volume,
    scheduleExpression: exported.scheduleExpression,
    ...options.exports,
  });
  return { backup, exporter };
}
