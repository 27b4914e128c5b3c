/**
 * Techniques that the plan may do without, where they are not wanted. The others cannot be left out: they are what undoes a
 * deletion.
 */
export enum OptionalTechnique {
  /** Continuous backup (point-in-time recovery) of a database. */
  BACKUP_CONTINUOUS = 'backup-continuous',
  /** RDS's own cross-Region automated backups of an instance. */
  RDS_AUTOMATED_BACKUP_REPLICATION = 'rds-automated-backup-replication',
  /** The artifact export of a volume: without it, AWS Backup and its copies are all there is, and no drill restores it. */
  ARTIFACT_EXPORT = 'artifact-export',
  /** EFS replication of a volume. */
  EFS_REPLICATION = 'efs-replication',
}
