import type { DrillMode } from './contract';
import { type NotedMetadata, notedValues } from './noted-metadata';
import type { ServerGroups } from './server-groups';

/**
 * Metadata of the restore job of an RDS instance: what AWS Backup noted of the source, with what must be different here.
 *
 * Only the keys below are kept. Others name what exists in the primary Region alone (availability zone, domain, KMS key), cannot
 * be given for every engine (`DBName`), or belong to point-in-time restores.
 */
const KEPT = [
  'DBInstanceClass',
  'Engine',
  'LicenseModel',
  'Port',
  'StorageType',
  'AllocatedStorage',
  'Iops',
  'AutoMinorVersionUpgrade',
  'EnableIAMDatabaseAuthentication',
] as const;

export interface RestoredServer {
  readonly identifier: string;
  readonly subnetGroup: string;
  readonly securityGroupId: string;
  readonly mode: DrillMode;
  readonly groups: Pick<ServerGroups, 'parameterGroup' | 'optionGroup'>;
  /** Of an instance, in place of that of production; absent: that of production. */
  readonly instanceClass?: string;
}

export function restoreMetadataOf(noted: NotedMetadata, instance: RestoredServer): Record<string, string> {
  const { parameterGroup, optionGroup } = instance.groups;
  return {
    ...notedValues(noted, KEPT),
    DBInstanceIdentifier: instance.identifier,
    ...(instance.instanceClass === undefined ? {} : { DBInstanceClass: instance.instanceClass }),
    DBSubnetGroupName: instance.subnetGroup,
    VpcSecurityGroupIds: JSON.stringify([instance.securityGroupId]),
    ...(parameterGroup === undefined ? {} : { DBParameterGroupName: parameterGroup }),
    ...(optionGroup === undefined ? {} : { OptionGroupName: optionGroup }),
    // A drill needs no standby; what a recovery keeps is production, as it was, and must not be deleted by mistake.
    MultiAZ: instance.mode === 'recover' ? (noted['MultiAZ'] ?? 'false') : 'false',
    PubliclyAccessible: 'false',
    DeletionProtection: String(instance.mode === 'recover'),
  };
}
