import { type NotedMetadata, notedValues } from './noted-metadata';
import type { RestoredServer } from './restore-metadata';

/**
 * Metadata of the restore job of an Aurora cluster. AWS Backup hands them to RDS's `RestoreDBClusterFromSnapshot` (AWS Backup
 * developer guide, "Restoring an Amazon Aurora cluster"), whose names they have.
 *
 * Without `EngineVersion` RDS takes the Region's default version, which may be another than that of the snapshot. Left out is
 * what exists in the primary Region alone: availability zones, KMS key, domain; and the option group, which Aurora does not have.
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

/**
 * Of a Multi-AZ DB cluster: RDS makes its instances, for which it wants the class, storage type and IOPS
 * (`RestoreDBClusterFromSnapshot` has no parameter for the size of the storage: that is the snapshot's).
 */
const KEPT_OF_MULTI_AZ = [
  'DBClusterInstanceClass',
  'Engine',
  'EngineVersion',
  'Port',
  'DatabaseName',
  'StorageType',
  'Iops',
  'EnableIAMDatabaseAuthentication',
] as const;

export const multiAzClusterMetadataOf = (noted: NotedMetadata, cluster: RestoredServer): Record<string, string> => ({
  ...notedValues(noted, KEPT_OF_MULTI_AZ),
  ...(cluster.instanceClass === undefined ? {} : { DBClusterInstanceClass: cluster.instanceClass }),
  ...placed(cluster),
  PubliclyAccessible: 'false',
});

export function clusterMetadataOf(noted: NotedMetadata, cluster: RestoredServer): Record<string, string> {
  return { ...notedValues(noted, KEPT), ...placed(cluster) };
}

/** Where a cluster of either kind is put. */
function placed(cluster: RestoredServer): Record<string, string> {
  const { parameterGroup } = cluster.groups;
  return {
    DBClusterIdentifier: cluster.identifier,
    DBSubnetGroupName: cluster.subnetGroup,
    VpcSecurityGroupIds: JSON.stringify([cluster.securityGroupId]),
    ...(parameterGroup === undefined ? {} : { DBClusterParameterGroupName: parameterGroup }),
    // What a recovery keeps is production: it must not be deleted by mistake.
    DeletionProtection: String(cluster.mode === 'recover'),
  };
}
