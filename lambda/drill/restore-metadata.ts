import type { DrillMode } from './contract';

/**
 * Metadata of the restore job of an RDS instance: what AWS Backup noted of the source, with what must be different here.
 *
 * Only the keys below are kept. Others name what exists in the primary Region alone (availability zone, option and
 * parameter group, domain, KMS key), cannot be given for every engine (`DBName`), or belong to point-in-time restores.
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

export interface RestoredInstance {
  readonly identifier: string;
  readonly subnetGroup: string;
  readonly securityGroupId: string;
  readonly mode: DrillMode;
}

export function restoreMetadataOf(
  noted: Readonly<Record<string, string | undefined>>,
  instance: RestoredInstance,
): Record<string, string> {
  const kept = KEPT.flatMap((key) => {
    const value = noted[key];
    return value === undefined || value === '' || value === 'null' ? [] : [[key, value] as const];
  });
  return {
    ...Object.fromEntries(kept),
    DBInstanceIdentifier: instance.identifier,
    DBSubnetGroupName: instance.subnetGroup,
    VpcSecurityGroupIds: JSON.stringify([instance.securityGroupId]),
    // A drill needs no standby; what a recovery keeps is production, as it was, and must not be deleted by mistake.
    MultiAZ: instance.mode === 'recover' ? (noted['MultiAZ'] ?? 'false') : 'false',
    PubliclyAccessible: 'false',
    DeletionProtection: String(instance.mode === 'recover'),
  };
}
