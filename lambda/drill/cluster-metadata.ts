import type { NotedMetadata } from './restore-job';
import type { RestoredInstance } from './restore-metadata';

/**
 * Metadata of the restore job of an Aurora cluster. AWS Backup hands them to RDS's `RestoreDBClusterFromSnapshot` (AWS Backup
 * developer guide, "Restoring an Amazon Aurora cluster"), whose names they have.
 *
 * Without `EngineVersion` RDS takes the Region's default version, which may be another than that of the snapshot. Left out is
 * what exists in the primary Region alone: availability zones, cluster parameter group, option group, KMS key, domain.
 */
const KEPT = [
  'Engine',
  'EngineMode',
  'EngineVersion',
  'Port',
  'DatabaseName',
  'StorageType',
  'EnableIAMDatabaseAuthentication',
] as const;

export function clusterMetadataOf(noted: NotedMetadata, cluster: RestoredInstance): Record<string, string> {
  // AWS Backup's page on inferred metadata says that case does not matter, and writes the names of Aurora's keys in camel case.
  const byName = new Map(Object.entries(noted).map(([key, value]) => [key.toLowerCase(), value]));
  const kept = KEPT.flatMap((key) => {
    const value = byName.get(key.toLowerCase());
    return value === undefined || value === '' || value === 'null' ? [] : [[key, value] as const];
  });
  return {
    ...Object.fromEntries(kept),
    DBClusterIdentifier: cluster.identifier,
    DBSubnetGroupName: cluster.subnetGroup,
    VpcSecurityGroupIds: JSON.stringify([cluster.securityGroupId]),
    // What a recovery keeps is production: it must not be deleted by mistake.
    DeletionProtection: String(cluster.mode === 'recover'),
  };
}
